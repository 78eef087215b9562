"""Cores, memory and thread limits: what the process owns, not what the machine shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_course import machine
from mnist_course_tools.memory import owned_memory


def _lay_out(monkeypatch, tmp_path: Path, membership: str, **limits: str) -> None:
    """Lay out control groups as the kernel shows them."""
    root = tmp_path / "cgroup"
    of_self = tmp_path / "self"
    of_self.write_text(membership, encoding="ascii")
    root.mkdir()
    for name, text in limits.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    monkeypatch.setattr(machine, "_CGROUP_ROOT", root)
    monkeypatch.setattr(machine, "_CGROUP_OF_SELF", of_self)


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(machine, "visible_cores", lambda: 8)
    monkeypatch.delenv(machine.CORES_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("membership", "limits", "cores"),
    [
        ("0::/\n", {"cpu_dot_max": "100000 100000"}, 1),  # Binder: one core of eight
        ("0::/\n", {"cpu_dot_max": "250000 100000"}, 2),  # two and a half: two can be kept busy
        ("0::/\n", {"cpu_dot_max": "50000 100000"}, 1),  # half a core is still one thread
        ("0::/\n", {"cpu_dot_max": "max 100000"}, 8),
        ("0::/a/b\n", {"a__cpu_dot_max": "300000 100000", "a__b__cpu_dot_max": "max 100000"}, 3),
        ("0::/gone/from/here\n", {"cpu_dot_max": "200000 100000"}, 2),  # the host's own path
        ("", {}, 8),  # macOS and Windows
    ],
)
def test_the_quota_of_the_container_limits_the_cores(
    tmp_path, monkeypatch, eight_cores, membership, limits, cores
):
    _lay_out(monkeypatch, tmp_path, membership, **limits)
    assert machine.owned_cores() == cores


def test_a_wish_for_fewer_cores_is_granted_and_for_more_is_not(tmp_path, eight_cores, monkeypatch):
    _lay_out(monkeypatch, tmp_path, "0::/\n", cpu_dot_max="400000 100000")
    monkeypatch.setenv(machine.CORES_VARIABLE, "2")
    assert machine.owned_cores() == 2
    monkeypatch.setenv(machine.CORES_VARIABLE, "16")
    assert machine.owned_cores() == 4


@pytest.mark.parametrize("wish", ["none", "0", "-1", "1.5"])
def test_a_wish_that_is_no_number_of_cores_is_an_error(monkeypatch, wish):
    monkeypatch.setenv(machine.CORES_VARIABLE, wish)
    with pytest.raises(ValueError, match=machine.CORES_VARIABLE):
        machine.owned_cores()


def test_the_memory_limit_of_the_container_counts(tmp_path, monkeypatch):
    _lay_out(monkeypatch, tmp_path, "0::/\n", memory_dot_max="2000000000")
    assert owned_memory() == 2_000_000_000


def test_no_memory_limit_means_the_machine_s_memory(tmp_path, monkeypatch):
    import psutil

    _lay_out(monkeypatch, tmp_path, "0::/\n", memory_dot_max="max")
    assert owned_memory() == psutil.virtual_memory().total


def test_no_number_is_set_where_the_libraries_find_it_themselves(eight_cores):
    environment: dict[str, str] = {}
    assert machine.limit_threads(environment) == 8
    assert set(environment) == {"OPENBLAS_THREAD_TIMEOUT"}


def test_idle_threads_sleep_soon_unless_the_user_says_otherwise(eight_cores):
    environment: dict[str, str] = {}
    machine.limit_threads(environment)
    assert 4 <= int(environment["OPENBLAS_THREAD_TIMEOUT"]) <= 22
    assert machine.thread_environment(2)["OPENBLAS_NUM_THREADS"] == "2"
    assert machine.thread_environment(2).items() >= environment.items()
    environment = {"OPENBLAS_THREAD_TIMEOUT": "30"}
    machine.limit_threads(environment)
    assert environment == {"OPENBLAS_THREAD_TIMEOUT": "30"}


def test_a_limit_set_by_the_user_stays(eight_cores, monkeypatch):
    monkeypatch.setenv(machine.CORES_VARIABLE, "2")
    environment = {"OMP_NUM_THREADS": "5"}
    machine.limit_threads(environment)
    assert environment["OMP_NUM_THREADS"] == "5"
    assert environment["OPENBLAS_NUM_THREADS"] == "2"


_COUNT_THREADS = """
import json, os
{first}
{second}
import numpy, threadpoolctl
numpy.ones((200, 200)) @ numpy.ones((200, 200))
print(json.dumps([pool["num_threads"] for pool in threadpoolctl.threadpool_info()]))
"""


@pytest.mark.parametrize(
    "order", [("import mnist_course", ""), ("import numpy", "import mnist_course")]
)
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core cannot be limited to fewer")
def test_importing_the_package_limits_blas_before_and_after_numpy_is_loaded(order):
    unset = (*machine.THREAD_VARIABLES, "LOKY_MAX_CPU_COUNT")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    code = _COUNT_THREADS.format(first=order[0], second=order[1])

    def threads(**more: str) -> list[int]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    # On macOS NumPy may bring Accelerate, of which threadpoolctl knows nothing: then there is no
    # pool to ask, and VECLIB_MAXIMUM_THREADS is all that can be done.
    assert set(threads(**{machine.CORES_VARIABLE: "1"})) <= {1}


@pytest.mark.parametrize("cores", ["abc", "0"])
def test_a_wrong_wish_does_not_keep_the_package_from_being_imported(cores):
    done = subprocess.run(
        [sys.executable, "-c", "import mnist_course; print('imported')"],
        env={**os.environ, machine.CORES_VARIABLE: cores},
        capture_output=True,
        text=True,
    )
    said, last = done.stdout.splitlines()
    assert last == "imported" and done.stderr == ""
    assert said.startswith(f"Note: {machine.CORES_VARIABLE} is '{cores}'")


def test_importing_the_package_loads_no_heavy_library():
    code = (
        "import sys, mnist_course; "
        "print([m for m in ('numpy', 'pandas', 'matplotlib', 'sklearn', 'papermill', 'pooch') "
        "if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if k != machine.CORES_VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_kernels_of_runs_add_up_as_on_other_processors_unless_the_reader_chose(monkeypatch):
    from mnist_course_tools import kernel

    def found(architecture):
        return lambda: [{"internal_api": "openblas", "architecture": architecture}]

    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setattr("threadpoolctl.threadpool_info", found("SkylakeX"))
    assert kernel.kernel_environment(threads=1)["OPENBLAS_CORETYPE"] == "Haswell"
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    assert kernel.kernel_environment(threads=1)["OPENBLAS_CORETYPE"] == "Zen"
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    # Code that a processor cannot run would end the kernel: older ones and ARM are left alone.
    for architecture in ("Nehalem", "neoversen1", None):
        monkeypatch.setattr("threadpoolctl.threadpool_info", found(architecture))
        assert "OPENBLAS_CORETYPE" not in kernel.kernel_environment(threads=1)

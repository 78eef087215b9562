"""mnist-course doctor: each fault of a machine is found, explained, and has its remedy."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from mnist_course import machine
from mnist_course.data.block import BLOCK_NAME, MNIST
from mnist_course.errors import command
from mnist_course.geometry import SIDE
from mnist_course_tools import doctor
from mnist_course_tools.doctor import Finding, examine
from tests.support.processes import ROOT, course

# What Python reads before it comes to the sentence that it is too old.
FIRST_READ = ("__init__.py", "__main__.py")
NEWER = (ast.JoinedStr, ast.NamedExpr, ast.Match, ast.AnnAssign, ast.AsyncFunctionDef)


def _findings(subject: str) -> list[Finding]:
    return [finding for finding in examine() if finding.subject == subject]


def _finding(subject: str) -> Finding:
    (finding,) = _findings(subject)
    return finding


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """Return a function that puts a kernel `python3` where Jupyter looks first."""

    def put(text: str) -> Path:
        folder = tmp_path / "jupyter" / "kernels" / "python3"
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(text, encoding="utf-8")
        monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
        return folder

    return put


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> Path:
    """Return a Python of its own, with no package at all."""
    folder = tmp_path_factory.mktemp("bare")
    # Links, as `python -m venv` makes them: both environments then have the same interpreter.
    venv.create(folder, with_pip=False, symlinks=sys.platform != "win32")
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _describe(program: str) -> str:
    argv = [program, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return json.dumps({"argv": argv, "display_name": "Other", "language": "python"})


def test_the_doctor_names_what_is_missing_and_the_command_that_mends_it(tmp_path):
    empty = {"MNIST_COURSE_DATA": "", "MNIST_COURSE_CACHE": str(tmp_path / "cache")}
    done = course("doctor", **empty)
    assert done.returncode == 0, done.stdout
    for words in ("scikit-learn", "cores", "threads", "memory", command("fetch")):
        assert words in done.stdout
    empty["MNIST_COURSE_DATA"] = str(tmp_path)
    done = course("doctor", **empty)
    assert "lacks" in done.stdout
    assert "hint(s) above" in done.stdout
    done = course("doctor", **{**empty, "MNIST_COURSE_CORES": "many"})
    assert done.returncode == 1
    assert "MNIST_COURSE_CORES is 'many'" in done.stdout and "Traceback" not in done.stdout


@pytest.mark.parametrize("found", [(3, 10, 14), (2, 7, 18), (3, 15, 0)])
def test_a_python_too_old_or_too_new_has_to_go(found):
    finding = doctor._python(found)
    assert finding.needed
    assert "the course needs <3.15,>=3.11" in finding.finding
    assert "install the course there" in finding.remedy


@pytest.mark.parametrize("found", [(3, 11, 0), (3, 14, 2)])
def test_a_python_that_the_course_is_made_for_needs_no_remedy(found):
    assert not doctor._python(found).remedy


def test_a_python_too_old_is_told_so_in_a_sentence():
    pretend = (
        "import runpy, sys; sys.version_info = (3, 9, 18); sys.version = '3.9.18 (main)'; "
        "runpy.run_module('mnist_course_tools', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The course needs Python 3.11 or newer, and this is Python 3.9.18" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_notebook_with_a_kernel_too_old_is_told_so_by_its_first_import():
    pretend = "import sys; sys.version_info = (3, 10, 4); import mnist_course"
    done = subprocess.run([sys.executable, "-c", pretend], cwd=ROOT, capture_output=True, text=True)
    assert "ImportError: The course needs Python 3.11 or newer" in done.stderr
    assert "Choose another kernel" in done.stderr


@pytest.mark.parametrize("name", FIRST_READ)
def test_what_a_python_too_old_reads_first_has_no_newer_syntax(name):
    tree = ast.parse((ROOT / "mnist_course_tools" / name).read_text(encoding="ascii"))
    newer = [node for node in ast.walk(tree) if isinstance(node, NEWER)]
    newer += [node for node in ast.walk(tree) if getattr(node, "module", None) == "__future__"]
    assert not newer


def test_a_python_without_the_packages_says_how_to_install_them(bare):
    done = subprocess.run(
        [bare, "-B", "-m", "mnist_course_tools", "doctor"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "is missing from this Python" in done.stderr
    assert f"{bare} -m pip install -e ." in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_package_and_one_too_old_are_named_with_what_installs_them(monkeypatch):
    wanted = ["numpy>=999", "no-such-package>=1.2", "pytest>=1", 'ruff>=1; extra == "dev"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    _, packages, old, missing, rest = examine()
    assert packages.finding.startswith("1 of 3 fit: pytest ")
    assert old.needed and "the course needs >=999" in old.finding
    assert old.remedy == f'{sys.executable} -m pip install "numpy>=999"'
    assert missing.needed and missing.finding == "missing"
    assert missing.remedy == f'{sys.executable} -m pip install "no-such-package>=1.2"'
    assert rest.subject == "the rest"  # what needs NumPy would stop with a traceback


def test_an_extra_that_this_machine_cannot_have_is_not_recommended(monkeypatch):
    def unknown(name: str) -> None:
        raise doctor.PackageNotFoundError(name)

    wanted = ['scikit-learn-intelex; sys_platform == "nowhere" and extra == "fast"']
    wanted += ['distributed; extra == "cluster"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    monkeypatch.setattr(doctor, "version", unknown)
    (finding,) = doctor._extras()
    assert finding.subject == "distributed" and '"mnist-course[cluster]"' in finding.finding


def test_a_course_that_is_not_installed_is_a_finding(monkeypatch):
    def unknown(name: str) -> None:
        raise doctor.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", unknown)
    monkeypatch.setattr(doctor, "metadata", unknown)
    finding = _finding("mnist-course")
    assert finding.needed and finding.remedy.endswith("-m pip install -e .")


def test_a_damaged_cache_is_found_and_fetched_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_COURSE_CACHE", str(tmp_path))
    monkeypatch.delenv("MNIST_COURSE_DATA", raising=False)
    block = tmp_path / BLOCK_NAME
    block.write_bytes(b"cut")
    cut = _finding("cache")
    assert f"{block} holds 3 bytes instead of" in cut.finding
    with block.open("wb") as file:
        file.truncate(MNIST.n_rows * (SIDE**2 + 1))
    changed = _finding("cache")
    assert f"{block} is damaged" in changed.finding
    assert cut.remedy == changed.remedy == command("fetch")


def test_a_cache_that_can_keep_nothing_is_found(tmp_path, monkeypatch):
    place = tmp_path / "file"
    place.touch()
    monkeypatch.setenv("MNIST_COURSE_CACHE", str(place / "cache"))
    monkeypatch.delenv("MNIST_COURSE_DATA", raising=False)
    finding = _finding("cache")
    assert finding.finding.startswith(f"{place} is a file")
    assert "MNIST_COURSE_CACHE" in finding.remedy


def test_a_kernel_that_starts_another_python_is_found_and_asked(kernel, bare):
    assert "is this Python" in _finding("kernel").finding
    folder = kernel(_describe(str(bare)))
    finding = _finding("kernel")
    version = ".".join(map(str, sys.version_info[:3]))
    assert finding.finding.startswith(f"'Other' is another Python, {version} ({bare})")
    assert finding.finding.endswith("which lacks the course")
    assert command("lab") in finding.remedy and str(folder) in finding.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="the way is a shell script")
def test_a_kernel_that_starts_this_python_by_another_way_is_this_python(kernel, tmp_path):
    way = tmp_path / "way" / "python"
    way.parent.mkdir()
    way.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    way.chmod(0o755)
    kernel(_describe(str(way)))
    assert "is this Python" in _finding("kernel").finding


def test_a_kernel_whose_python_is_gone_is_found(kernel):
    kernel(_describe("/elsewhere/python"))
    words = "'Other' is another Python (/elsewhere/python), which is not there"
    assert _finding("kernel").finding == words


@pytest.mark.parametrize("text", ["{", "[]", '{"argv": [], "display_name": "Other"}'])
def test_a_damaged_description_of_a_kernel_is_found(kernel, text):
    folder = kernel(text)
    finding = _finding("kernel")
    assert finding.needed
    assert f"{folder} holds no description of a kernel" in finding.finding
    assert "ipykernel install --sys-prefix" in finding.remedy


def test_who_works_in_vs_code_is_told_which_python_to_choose(monkeypatch):
    monkeypatch.delenv("TERM_PROGRAM", raising=False)
    assert not _findings("VS Code")
    monkeypatch.setenv("TERM_PROGRAM", "vscode")
    assert sys.executable in _finding("VS Code").finding


def test_a_container_with_too_little_memory_is_found(tmp_path, monkeypatch):
    (tmp_path / "self").write_text("0::/\n", encoding="ascii")
    (tmp_path / "memory.max").write_text("600000000\n", encoding="ascii")
    monkeypatch.setattr(machine, "_CGROUP_OF_SELF", tmp_path / "self")
    monkeypatch.setattr(machine, "_CGROUP_ROOT", tmp_path)
    finding = _finding("memory")
    assert finding.needed and finding.finding.startswith("0.6 GB to use")
    assert "give this container more" in finding.remedy


def test_a_machine_whose_memory_is_taken_is_found(monkeypatch):
    taken = SimpleNamespace(total=8_000_000_000, available=300_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: taken)
    finding = _finding("memory")
    assert not finding.needed and finding.finding.endswith("0.3 GB of them free")
    assert finding.remedy.startswith("close other programs")


def test_more_threads_than_cores_are_found_by_the_variable_that_asks_for_them(monkeypatch):
    for name in machine.THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MNIST_COURSE_CORES", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "8")
    assert _finding("threads").remedy.startswith("set MKL_NUM_THREADS=1: more threads than cores")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    process = [sys.executable, "-m", "mnist_course_tools", "doctor"]
    held = subprocess.run(process, capture_output=True, text=True, env={**os.environ})
    assert "more threads than cores" not in held.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMP_WAIT_POLICY", "ACTIVE"),
        ("KMP_BLOCKTIME", "infinite"),
        ("GOMP_SPINCOUNT", "infinity"),
        ("OPENBLAS_THREAD_TIMEOUT", "30"),
    ],
)
def test_threads_that_spin_are_found(monkeypatch, name, value):
    assert not _findings(name)
    monkeypatch.setenv(name, value)
    finding = _finding(name)
    assert finding.finding.startswith(value)
    assert finding.remedy.startswith(f"unset {name}")

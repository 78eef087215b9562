"""Searches and notebooks on a Dask cluster: a scheduler and workers in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

import mnist_course
from mnist_course.errors import ClusterError
from tests.support.cluster import kill, running_cluster, wait_for_workers
from tests.support.notebooks import write_notebook
from tests.support.processes import alive, start_course, wait_for

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """Return a cluster that tests may use but not harm."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


def _grid() -> GridSearchCV:
    return GridSearchCV(SVC(), {"C": [1, 2, 5, 10], "gamma": [1e-4, 1e-3, 1e-2]}, cv=5, n_jobs=-1)


# --- searches -----------------------------------------------------------------------------------


def test_a_search_on_the_cluster_gives_the_same_results(two_workers, digits):
    model = make_pipeline(PCA(20, random_state=42), SVC())
    grid = {"svc__C": [1, 10], "svc__gamma": [1e-4, 1e-3, 1e-2]}

    def search() -> HalvingGridSearchCV:
        return HalvingGridSearchCV(model, grid, cv=3, random_state=42, n_jobs=-1).fit(*digits)

    here = search()
    with mnist_course.cluster(two_workers.address) as client:
        there = search()
        tasks = sum(client.run(_tasks_done).values())
    assert tasks >= 6 * 3, "the workers should have done the work"
    assert here.best_params_ == there.best_params_
    for key in ("mean_test_score", "iter", "n_resources"):
        np.testing.assert_array_equal(here.cv_results_[key], there.cv_results_[key])


def test_cross_validation_of_a_model_that_is_itself_parallel_gives_the_same(two_workers, digits):
    model = OneVsRestClassifier(SVC(gamma=1e-3), n_jobs=-1)
    here = cross_val_score(model, *digits, cv=3, n_jobs=-1)
    with mnist_course.cluster(two_workers.address):
        there = cross_val_score(model, *digits, cv=3, n_jobs=-1)
    np.testing.assert_array_equal(here, there)


def test_without_an_address_a_cluster_starts_here_and_ends_with_the_block(digits, monkeypatch):
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    here = cross_val_score(SVC(gamma=1e-3), *digits, cv=3)
    with mnist_course.cluster() as client:
        workers = [answer["pid"] for answer in client.run(_who).values()]
        there = cross_val_score(SVC(gamma=1e-3), *digits, cv=3, n_jobs=-1)
    np.testing.assert_array_equal(here, there)
    assert len(workers) == mnist_course.machine.owned_cores()
    assert os.getpid() not in workers
    wait_for(lambda: not any(psutil.pid_exists(pid) for pid in workers), "the workers to end")


def test_the_variable_of_dask_names_the_scheduler(two_workers, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", two_workers.address)
    with mnist_course.cluster() as client:
        assert client.scheduler.address == two_workers.address


def test_a_killed_worker_costs_time_and_nothing_else(tmp_path, digits):
    here = _grid().fit(*digits).cv_results_["mean_test_score"]
    with running_cluster(tmp_path) as cluster:
        # Twice, so that each time another worker is the one that got the data first.
        for victim in (0, 1):
            killed = threading.Event()
            with mnist_course.cluster(cluster.address) as client:
                watcher = threading.Thread(
                    target=_kill_when_busy, args=(client, cluster.workers[victim], killed)
                )
                watcher.start()
                there = _grid().fit(*digits).cv_results_["mean_test_score"]
                assert killed.is_set(), "the worker should have died in the middle"
                watcher.join()
            np.testing.assert_array_equal(here, there)
            cluster.add_worker()
            wait_for_workers(cluster.address, 2)


# --- what can go wrong --------------------------------------------------------------------------


def test_no_scheduler_at_the_address_is_said_within_ten_seconds():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    _fails_in_time(f"tcp://127.0.0.1:{port}", "No Dask scheduler answers at tcp://127.0.0.1")


def test_a_scheduler_that_never_answers_is_given_up_within_ten_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        _fails_in_time(f"tcp://127.0.0.1:{silent.getsockname()[1]}", "No Dask scheduler answers")


@pytest.mark.parametrize("address", ["scheduler", "nowhere://127.0.0.1:8786", "tcp://127.0.0.1"])
def test_an_address_that_makes_no_sense_is_said_so(address):
    _fails_in_time(address, f"No Dask scheduler answers at {address}")


def test_a_cluster_without_workers_is_no_cluster(tmp_path):
    with running_cluster(tmp_path, workers=0) as cluster:
        _fails_in_time(cluster.address, f"has no workers.*dask worker {cluster.address}")


def test_workers_with_other_versions_are_refused(tmp_path):
    other = tmp_path / "older" / "scikit_learn-1.8.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: scikit-learn\nVersion: 1.8.0\n")
    with running_cluster(tmp_path, workers=1, PYTHONPATH=str(other.parent)) as cluster:
        _fails_in_time(cluster.address, r"has .*scikit-learn 1\.8\.0.*; here is .*lock file")


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterError, match=r'install "mnist-course\[cluster\]"'),
        mnist_course.cluster(),
    ):
        pass


def _fails_in_time(address: str, words: str) -> None:
    start = time.monotonic()
    with pytest.raises(ClusterError, match=rf"(?s){words}"), mnist_course.cluster(address):
        pass
    assert time.monotonic() - start < 10


# --- notebooks ----------------------------------------------------------------------------------

_SEARCH = """\
import os
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
import mnist_course
X, y = load_digits(return_X_y=True)
with mnist_course.cluster():
    print(cross_val_score(SVC(gamma=1e-3), X, y, n_jobs=-1).mean().round(6))
print(os.environ["OMP_NUM_THREADS"], os.environ["MNIST_COURSE_SOURCE"])
"""


def test_notebooks_run_on_the_workers_and_their_searches_on_the_same_cluster(
    two_workers, tmp_path, digits
):
    folder = tmp_path / "notebooks"
    # As many as there are workers: if a waiting notebook kept its place, no search could start.
    for number in (1, 2):
        write_notebook(folder / f"0{number}_search.ipynb", _SEARCH)
    write_notebook(folder / "03_bad.ipynb", "1 / 0")
    done = _command(folder, two_workers.address)
    output, _ = done.communicate(timeout=2 * PATIENCE)
    assert done.returncode == 1
    assert "03_bad.ipynb, cell 3: ZeroDivisionError" in output
    assert "on 2 worker(s) of the cluster" in output
    assert "running 01_search (3 cells)" in output
    expected = cross_val_score(SVC(gamma=1e-3), *digits).mean().round(6)
    for number in (1, 2):
        notebook = nbformat.read(tmp_path / "out" / f"0{number}_search.ipynb", as_version=4)
        (printed,) = notebook.cells[-1].outputs
        assert printed.text == f"{expected}\n1 digits\n"


def test_a_notebook_whose_worker_dies_runs_on_another(tmp_path):
    folder, pids = tmp_path / "notebooks", tmp_path / "pids"
    pids.mkdir()
    write_notebook(
        folder / "01_slow.ipynb",
        "import os, pathlib, time\n"
        f"pathlib.Path({str(pids)!r}, str(os.getpid())).touch()\n"
        "time.sleep(3)\n"
        "print('done')",
    )
    with running_cluster(tmp_path) as cluster:
        done = _command(folder, cluster.address)
        wait_for(lambda: any(pids.iterdir()), "the notebook to start")
        (first,) = (int(path.name) for path in pids.iterdir())
        (home,) = (w for w in cluster.workers if first in _descendants(w.pid))
        home.kill()
        for pid in _descendants(home.pid):
            # The worker alone: the kernel is left an orphan, as by a machine that loses its worker.
            if "mnist_course" not in " ".join(psutil.Process(pid).cmdline()) and pid != first:
                psutil.Process(pid).kill()
                break
        output, _ = done.communicate(timeout=PATIENCE)
        assert done.returncode == 0, output
        assert len(list(pids.iterdir())) == 2, "it should have run again elsewhere"
        wait_for(lambda: not alive(first), "the orphaned kernel to end", 10)
    notebook = nbformat.read(tmp_path / "out" / "01_slow.ipynb", as_version=4)
    assert notebook.cells[-1].outputs[0].text == "done\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("sign", ["SIGINT", "SIGKILL"])
def test_when_the_caller_goes_the_notebooks_end_too(two_workers, tmp_path, sign):
    pid_file = tmp_path / "pid"
    write_notebook(
        tmp_path / "notebooks" / "01_sleeps.ipynb",
        "import os, pathlib, time\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(600)",
    )
    done = _command(tmp_path / "notebooks", two_workers.address)
    wait_for(lambda: pid_file.exists() and pid_file.read_text(), "the notebook to start")
    kernel = int(pid_file.read_text())
    done.send_signal(getattr(signal, sign))
    output, _ = done.communicate(timeout=PATIENCE)
    if sign == "SIGINT":
        assert done.returncode == 130 and "Stopped." in output
    assert "Traceback" not in output
    wait_for(lambda: not alive(kernel), "the kernel on the worker to end", 20)


def test_a_cluster_that_does_not_see_the_disk_is_refused(two_workers, tmp_path):
    from mnist_course_tools.run.remote import cluster_place

    with (
        pytest.raises(ClusterError, match=r"(?s)does not see .*elsewhere.*that all machines share"),
        cluster_place(two_workers.address, [tmp_path, tmp_path / "elsewhere"]),
    ):
        pass


def test_an_unreachable_cluster_ends_the_command_in_words(tmp_path):
    write_notebook(tmp_path / "notebooks" / "01_any.ipynb", "1")
    start = time.monotonic()
    done = _command(tmp_path / "notebooks", "tcp://127.0.0.1:9")
    output, _ = done.communicate(timeout=PATIENCE)
    assert done.returncode == 1
    assert "No Dask scheduler answers at tcp://127.0.0.1:9" in output
    assert "Traceback" not in output
    assert time.monotonic() - start < 15


# --- helpers ------------------------------------------------------------------------------------


def _command(notebooks: Path, address: str) -> subprocess.Popen[str]:
    return start_course(
        *("run", "--source", "digits", "--cluster", address),
        *("--notebooks", str(notebooks), "--out", str(notebooks.parent / "out")),
    )


def _tasks_done(dask_worker) -> int:
    return sum(len(entry) > 0 for entry in dask_worker.state.log)


def _who() -> dict[str, int]:
    return {"pid": os.getpid()}


def _kill_when_busy(client, worker: subprocess.Popen[bytes], killed: threading.Event) -> None:
    """Kill a worker once both have work, and so data."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if all(client.processing().values()):
            kill(worker)
            killed.set()
            return
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []

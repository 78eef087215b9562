"""Sending notebooks to the workers of a Dask cluster that share this machine's disk."""

from __future__ import annotations

import os
import queue
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course.dask_cluster import ADDRESS_VARIABLE, connect
from mnist_course.errors import ClusterError
from mnist_course.machine import CORES_VARIABLE
from mnist_course_tools.run.job import CellWatcher, Failure, Job, Outcome, outcome_of, run_job

if TYPE_CHECKING:
    from distributed import Client
    from distributed.worker import Worker

_TOPIC = "mnist-course"
_INTERVAL = 0.5  # seconds between two looks at whether to go on
_RUNNING = ("executing", "long-running")
"""Dask's names for the state of a task that somebody still waits for."""


@dataclass
class ClusterPlace:
    """Where jobs run when a cluster runs them: a `Place` for the `Runner`.

    Parameters
    ----------
    client : distributed.Client
    workers : sequence of str
        Addresses; each gets one notebook at a time.
    address : str
        Of the scheduler.
    """

    client: Client
    workers: list[str]
    address: str

    def __str__(self) -> str:
        return f"on {self.jobs} worker(s) of the cluster at {self.address}"

    def __post_init__(self) -> None:
        self._free: queue.SimpleQueue[str] = queue.SimpleQueue()
        for worker in self.workers:
            self._free.put(worker)
        self.jobs = len(self.workers)
        self._watchers: dict[str, CellWatcher] = {}
        self.client.subscribe_topic(_TOPIC, self._hear)

    def __call__(self, job: Job, watch: CellWatcher, stop: threading.Event) -> Outcome:
        """Send a job to a free worker and wait for its outcome; see `run_job`."""
        name = f"{job.notebook.stem}-{uuid.uuid4().hex}"
        self._watchers[name] = watch
        worker = self._free.get()
        start = time.perf_counter()
        # Should this worker die, another takes the notebook, from its beginning.
        future = self.client.submit(
            run_on_worker,
            replace(job, settings={**settings(), **job.settings}),
            name,
            key=name,
            workers=[worker],
            allow_other_workers=True,
            pure=False,
        )
        try:
            return self._wait(future, stop)
        except KeyboardInterrupt:
            future.cancel(force=True)
            raise
        except Exception as error:  # the cluster's own; a failing notebook is an outcome
            message = f"{type(error).__name__}: {error}"
            failure = Failure(0, "The cluster lost this notebook", message)
            return outcome_of(job, seconds=time.perf_counter() - start, failure=failure)
        finally:
            self._free.put(worker)
            del self._watchers[name]

    def _wait(self, future: Any, stop: threading.Event) -> Outcome:
        from distributed import TimeoutError as DaskTimeoutError

        while not stop.is_set():
            try:
                return future.result(timeout=_INTERVAL)
            except (TimeoutError, DaskTimeoutError):
                continue
        raise KeyboardInterrupt

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        _, said = event
        if watch := self._watchers.get(said["name"]):
            watch(said["cell"])


@contextmanager
def cluster_place(address: str, paths: list[Path]) -> Iterator[ClusterPlace]:
    """Connect to a cluster whose workers see the same files.

    Parameters
    ----------
    address : str
        Of the scheduler.
    paths : list of Path
        Folders that must be there on every worker.

    Raises
    ------
    ClusterError
        As `connect` does; also if a worker lacks one of the folders or the course's package.
    """
    with connect(address) as client:
        _check_disk(client, [str(path.absolute()) for path in paths])
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        yield ClusterPlace(client, workers, address)


def run_on_worker(job: Job, name: str) -> Outcome:
    """Run a job in the Dask worker that executes this function.

    Parameters
    ----------
    job : Job
    name : str
        Of the task, for the reports of its progress.
    """
    from distributed import get_worker, secede

    worker = get_worker()
    settings = {**job.settings, ADDRESS_VARIABLE: worker.scheduler.address}
    job = replace(job, threads=worker.state.nthreads, settings=settings)
    # The notebook may send searches to this same cluster; its own wait must not keep them out.
    secede()
    stop, over = threading.Event(), threading.Event()
    threading.Thread(target=_end_if_unwanted, args=(worker, name, stop, over), daemon=True).start()

    def tell(cell: int) -> None:
        worker.log_event(_TOPIC, {"name": name, "cell": cell})

    try:
        return run_job(job, tell, stop)
    finally:
        over.set()


def settings() -> dict[str, str]:
    """Return this process's settings of the course that also hold on other machines."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("MNIST_COURSE_") and name != CORES_VARIABLE
    }


def _end_if_unwanted(
    worker: Worker, name: str, stop: threading.Event, over: threading.Event
) -> None:
    """Stop a job when nobody waits for it any more: it was cancelled, or the caller is gone."""
    while not over.wait(_INTERVAL):
        task = worker.state.tasks.get(name)
        if task is None or task.state not in _RUNNING:
            stop.set()
            return


def _check_disk(client: Client, paths: list[str]) -> None:
    try:
        answers = client.run(_missing, paths)
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"A worker of the cluster lacks the course's package ({error}).\n"
            f"Install the course on every machine, in the same folder of a shared disk."
        ) from None
    for worker, missing in answers.items():
        if missing:
            raise ClusterError(
                f"The worker at {worker} does not see {missing[0]}, so it can neither read the "
                f"notebooks nor hand back what it made.\n"
                f"Put the course on a disk that all machines share, under the same name."
            )


def _missing(paths: list[str]) -> list[str]:
    return [path for path in paths if not Path(path).is_dir()]

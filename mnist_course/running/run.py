"""Running a set of notebooks, each in a process of its own, and watching them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from mnist_course.ledger import Record, collect
from mnist_course.machine import owned_cores, thread_environment
from mnist_course.profiles import PROFILE_VARIABLE, Profile
from mnist_course.running.memory import PeakMemory
from mnist_course.running.notebooks import check_parameters, title_of


@dataclass(frozen=True)
class Failure:
    """Where and why a notebook stopped.

    Attributes
    ----------
    cell : int
        Position in the notebook, from 1; 0 if it failed before its first cell.
    name, message, traceback : str
    """

    cell: int
    name: str
    message: str
    traceback: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of one notebook.

    Attributes
    ----------
    notebook, output : Path
        What was run, and the run notebook (as far as it came).
    title, profile : str
    seconds : float
    peak_bytes : int
        Of the kernel and the processes it started.
    records : tuple of Record
    failure : Failure or None
    """

    notebook: Path
    output: Path
    title: str
    profile: str
    seconds: float
    peak_bytes: int
    records: tuple[Record, ...] = ()
    failure: Failure | None = None

    @property
    def disagreeing(self) -> tuple[Record, ...]:
        """The records outside their tolerance."""
        return tuple(record for record in self.records if record.agrees is False)

    @property
    def ok(self) -> bool:
        """Whether it ran to its end and every number agrees."""
        return self.failure is None and not self.disagreeing


Watcher = Callable[[Path, int, int], None]
"""Called with notebook, cell and number of cells whenever a cell starts."""


@dataclass
class Runner:
    """Runs notebooks; a failing one does not keep the others from running.

    Parameters
    ----------
    profile : Profile
    source : {"mnist", "digits"}
    out : Path
        Folder for the run notebooks.
    jobs : int, default=1
        Notebooks at a time; no more than the cores owned, which they share.
    parameters : mapping, optional
        Further papermill parameters.
    watch : callable, optional
    """

    profile: Profile
    source: str
    out: Path
    jobs: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    watch: Watcher = lambda notebook, cell, cells: None
    _children: set[int] = field(default_factory=set, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self.jobs = max(1, min(self.jobs, owned_cores()))

    @property
    def threads(self) -> int:
        """BLAS threads for each kernel: jobs × threads never exceeds the cores owned."""
        return max(1, owned_cores() // self.jobs)

    def run(self, notebooks: Sequence[Path]) -> list[Outcome]:
        """Run notebooks, in order as far as `jobs` allows.

        Raises
        ------
        CourseError
            If one of them lacks a ``parameters`` cell or one of the parameters; none is run.
        KeyboardInterrupt
            After everything that was started has been stopped.
        """
        for notebook in notebooks:
            check_parameters(notebook, ["source", "profile", "seed", *self.parameters])
        self.out.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="mnist-course-") as private,
            ThreadPoolExecutor(self.jobs) as pool,
        ):
            environment = self._environment(Path(private))
            try:
                waiting = [pool.submit(self._run_one, n, environment) for n in notebooks]
                return [future.result() for future in waiting]
            except BaseException:
                self._stop()
                pool.shutdown(cancel_futures=True)
                raise

    def _environment(self, private: Path) -> dict[str, str]:
        return {
            **os.environ,
            **thread_environment(self.threads),
            PROFILE_VARIABLE: self.profile.name,
            "MNIST_COURSE_SOURCE": self.source,
            # The reader's own IPython start-up files and kernels stay out of it.
            "IPYTHONDIR": str(private / "ipython"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "PYTHONUTF8": "1",
        }

    def _run_one(self, notebook: Path, environment: Mapping[str, str]) -> Outcome:
        import nbformat

        source = nbformat.read(notebook, as_version=4)
        output = self.out / notebook.name
        output.unlink(missing_ok=True)
        job = {
            "input": str(notebook),
            "output": str(output),
            "parameters": dict(self.parameters),
            "cell_timeout": self.profile.cell_timeout,
        }
        start = time.perf_counter()
        if self._stopped.is_set():
            raise KeyboardInterrupt
        worker = subprocess.Popen(
            [sys.executable, "-m", "mnist_course.running.worker", json.dumps(job)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=dict(environment),
            # Ctrl-C is for this process to handle: it stops the others in an orderly way.
            start_new_session=True,
        )
        self._children.add(worker.pid)
        memory = PeakMemory(worker.pid)
        memory.start()
        failure, words = self._follow(worker, notebook, len(source.cells))
        peak = memory.stop()
        self._children.discard(worker.pid)
        if worker.returncode and failure is None:
            last = (words.strip().splitlines() or ["no message"])[-1]
            failure = Failure(0, f"The run broke off (status {worker.returncode})", last, words)
        ran = output.exists()
        records = collect(nbformat.read(output, as_version=4)) if ran else []
        return Outcome(
            notebook=notebook,
            output=output,
            title=title_of(source) or notebook.stem,
            profile=self.profile.name,
            seconds=time.perf_counter() - start,
            peak_bytes=peak,
            records=tuple(records),
            failure=failure,
        )

    def _follow(
        self, worker: subprocess.Popen[str], notebook: Path, n_cells: int
    ) -> tuple[Failure | None, str]:
        """Read what a worker says until it ends; return its failure and its stderr."""
        words: list[str] = []
        listener = threading.Thread(target=lambda: words.append(worker.stderr.read()), daemon=True)
        listener.start()
        failure = None
        for line in worker.stdout:
            try:
                event = json.loads(line)
            except json.JSONDecodeError:
                continue  # something else printed; not ours
            if event.pop("event") == "failed":
                failure = Failure(**event)
            else:
                self.watch(notebook, event["cell"], n_cells)
        worker.wait()
        listener.join()
        return failure, "".join(words)

    def _stop(self) -> None:
        """End every worker with its kernel and whatever that started."""
        self._stopped.set()
        family = []
        for pid in tuple(self._children):
            try:
                worker = psutil.Process(pid)
                family += [*worker.children(recursive=True), worker]
            except psutil.NoSuchProcess:
                continue
        for process in family:
            _quietly(process.terminate)
        _, alive = psutil.wait_procs(family, timeout=3)
        for process in alive:
            _quietly(process.kill)


def _quietly(end: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        end()

"""One notebook: the job, what became of it, and the process of its own that runs it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from mnist_course.claims import Claim
from mnist_course.cost import Peak
from mnist_course.errors import CourseError
from mnist_course.profiles import PROFILE_VARIABLE, Profile
from mnist_course.report import Record
from mnist_course_tools.claims import collect_claims
from mnist_course_tools.kernel import kernel_environment
from mnist_course_tools.ledger import collect
from mnist_course_tools.memory import EVERY, family_memory
from mnist_course_tools.notebooks import read_notebook, title_of

_INTERVAL = 0.2  # seconds between two looks at the request to stop
_PATIENCE = 3  # seconds to end in an orderly way
_ACCELERATE = """\
import contextlib, io, mnist_course
with contextlib.redirect_stdout(io.StringIO()):
    mnist_course.accelerate()
"""


@dataclass(frozen=True)
class Job:
    """What is needed to run one notebook, on this machine or on another with the same disk.

    Attributes
    ----------
    notebook, output : Path
        Absolute: what to run, and where the run notebook goes.
    profile : Profile
    source : {"mnist", "digits"}
    parameters : mapping
        Further papermill parameters.
    accelerate : bool
        Whether a faster library stands in for scikit-learn's models.
    threads : int
        For BLAS and for joblib.
    settings : mapping of str to str
        Further variables for the kernel's environment.
    """

    notebook: Path
    output: Path
    profile: Profile
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accelerate: bool = False
    threads: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


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
    claims : tuple of Claim
    """

    notebook: Path
    output: Path
    title: str
    profile: str
    seconds: float
    peak_bytes: int
    records: tuple[Record, ...] = ()
    failure: Failure | None = None
    claims: tuple[Claim, ...] = ()

    @property
    def disagreeing(self) -> tuple[Record, ...]:
        """The records outside their tolerance."""
        return tuple(record for record in self.records if record.agrees is False)

    @property
    def broken(self) -> tuple[Claim, ...]:
        """The claims that do not hold although the rows are those they are about."""
        return tuple(claim for claim in self.claims if claim.broken)

    @property
    def ok(self) -> bool:
        """Whether it ran to its end, every number agrees and every claim holds."""
        return self.failure is None and not self.disagreeing and not self.broken


CellWatcher = Callable[[int], None]
"""Called with the number of a cell, from 1, whenever a cell starts."""


def run_job(job: Job, watch: CellWatcher, stop: threading.Event) -> Outcome:
    """Run a notebook to its end, its failure, or the request to stop.

    Parameters
    ----------
    job : Job
    watch : callable
    stop : threading.Event
        When set, the notebook's processes are ended.

    Raises
    ------
    KeyboardInterrupt
        If it was stopped; nothing that it started is left then.
    """
    job.output.unlink(missing_ok=True)
    start = time.perf_counter()
    with _worker(job) as worker:
        threading.Thread(target=_end_on_request, args=(worker, stop), daemon=True).start()
        peak = Peak(lambda: family_memory(worker.pid), EVERY)
        peak.start()
        failure, words = _follow(worker, watch)
        peak_bytes = peak.stop()
    if stop.is_set():
        raise KeyboardInterrupt
    if worker.returncode and failure is None:
        last = (words.strip().splitlines() or ["no message"])[-1]
        failure = Failure(0, f"The run broke off (status {worker.returncode})", last, words)
    seconds = time.perf_counter() - start
    return outcome_of(job, seconds=seconds, peak_bytes=peak_bytes, failure=failure)


def outcome_of(
    job: Job, *, seconds: float, peak_bytes: int = 0, failure: Failure | None = None
) -> Outcome:
    """Return the outcome of a job whose run notebook, if there is one, lies in its place."""
    try:
        ran = read_notebook(job.output)
    except CourseError:  # it never came so far, or a full disk cut it off
        ran = {"cells": []}
    return Outcome(
        notebook=job.notebook,
        output=job.output,
        title=title_of(read_notebook(job.notebook)) or job.notebook.stem,
        profile=job.profile.name,
        seconds=seconds,
        peak_bytes=peak_bytes,
        records=tuple(collect(ran)),
        failure=failure,
        claims=tuple(collect_claims(ran)),
    )


@contextlib.contextmanager
def _worker(job: Job) -> Iterator[subprocess.Popen[str]]:
    """Start the process that runs a job, in an environment of its own."""
    task = {
        "input": str(job.notebook),
        "output": str(job.output),
        # The environment says the same to what a notebook does not set in its parameters cell.
        "parameters": {"source": job.source, "profile": job.profile.name, **job.parameters},
        "cell_timeout": job.profile.cell_timeout,
    }
    with tempfile.TemporaryDirectory(prefix="mnist-course-") as folder:
        private = Path(folder) / "ipython"
        if job.accelerate:
            # Before the notebook's first cell: what it imports from scikit-learn is then replaced.
            startup = private / "profile_default" / "startup"
            startup.mkdir(parents=True)
            (startup / "accelerate.py").write_text(_ACCELERATE, encoding="utf-8")
        named = {PROFILE_VARIABLE: job.profile.name, "MNIST_COURSE_SOURCE": job.source}
        yield subprocess.Popen(
            [sys.executable, "-m", "mnist_course_tools.run.worker", json.dumps(task)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=kernel_environment(
                threads=job.threads, private=private, settings={**job.settings, **named}
            ),
            # Ctrl-C is for this process to handle: it stops the others in an orderly way.
            start_new_session=True,
        )


def _follow(worker: subprocess.Popen[str], watch: CellWatcher) -> tuple[Failure | None, str]:
    """Read what a worker says until it ends; return its failure and its stderr."""
    words: list[str] = []
    listener = threading.Thread(target=lambda: words.append(worker.stderr.read()), daemon=True)
    listener.start()
    failure = None
    for line in worker.stdout:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        match event:
            case {"event": "failed", **details}:
                failure = Failure(**details)
            case {"event": "cell", "cell": int(cell)}:
                watch(cell)
            # Anything else was printed by somebody, and is not for us.
    worker.wait()
    listener.join()
    return failure, "".join(words)


def _end_on_request(worker: subprocess.Popen[str], stop: threading.Event) -> None:
    """End a worker with its kernel and whatever that started, once that is asked for."""
    while worker.poll() is None:
        if not stop.wait(_INTERVAL):
            continue
        try:
            process = psutil.Process(worker.pid)
            family = [*process.children(recursive=True), process]
        except psutil.NoSuchProcess:
            return
        for member in family:
            _quietly(member.terminate)
        _, alive = psutil.wait_procs(family, timeout=_PATIENCE)
        for member in alive:
            _quietly(member.kill)


def _quietly(end: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        end()

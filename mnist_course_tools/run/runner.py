"""Running a set of notebooks, some at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from mnist_course.errors import CourseError
from mnist_course.machine import owned_cores
from mnist_course.profiles import Profile, all_rows
from mnist_course_tools.check.claim_rules import claims_are_computed
from mnist_course_tools.memory import owned_memory
from mnist_course_tools.notebooks import check_parameters, read_notebook
from mnist_course_tools.run.job import CellWatcher, Job, Outcome, run_job

Watcher = Callable[[Path, int, int], None]
"""Called with notebook, cell and number of cells whenever a cell starts."""


class Place(Protocol):
    """Where jobs run, and how many at a time."""

    jobs: int

    def __call__(self, job: Job, watch: CellWatcher, stop: threading.Event) -> Outcome:
        """Run a job to its end; as `run_job`."""


@dataclass(frozen=True)
class ThisMachine:
    """Jobs run here, side by side, with one BLAS thread each.

    So together they never want more cores than there are, and results do not depend on how many
    run at a time: sums over several threads end in other last digits, and a solver takes another
    path (one fit of chapter 5 ended after 265 iterations with one thread, 247 with two).
    """

    jobs: int

    @classmethod
    def shared_by(cls, notebooks: int, profile: Profile, *, wanted: int | None = None):
        """Choose how many notebooks run at a time.

        Parameters
        ----------
        notebooks : int
            How many there are to run.
        profile : Profile
            Tells how much memory each may need.
        wanted : int, optional
            Notebooks at a time; by default as many as cores and memory allow.
        """
        room = max(1, owned_memory() // profile.memory)
        return cls(max(1, min(owned_cores(), notebooks, wanted or room)))

    def __call__(self, job: Job, watch: CellWatcher, stop: threading.Event) -> Outcome:
        """Run a job to its end; as `run_job`."""
        return run_job(job, watch, stop)

    def __str__(self) -> str:
        return f"{self.jobs} at a time"


@dataclass
class Runner:
    """Runs notebooks; a failing one does not keep the others from running.

    Parameters
    ----------
    profile : Profile
    source : {"mnist", "digits"}
    out : Path
        Folder for the run notebooks. One run at a time may use it.
    place : Place, optional
        This machine by default.
    parameters : mapping, optional
        Further papermill parameters.
    accelerate : bool, default=False
        Whether a faster library stands in for scikit-learn's models.
    watch : callable, optional
    """

    profile: Profile
    source: str
    out: Path
    place: Place | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accelerate: bool = False
    watch: Watcher = lambda notebook, cell, cells: None

    def run(self, notebooks: Sequence[Path]) -> list[Outcome]:
        """Run notebooks, in order as far as the place allows.

        Raises
        ------
        CourseError
            If one of them is damaged, lacks a ``parameters`` cell or one of the parameters, or,
            on all rows of MNIST, claims what it does not compute; or if the folder cannot be
            used. None is run then.
        KeyboardInterrupt
            After everything that was started has been stopped.
        """
        for notebook in notebooks:
            check_parameters(notebook, ["source", "profile", "seed", *self.parameters])
            if all_rows(self.source, self.profile.name):
                _check_claims(notebook)
        place = self.place or ThisMachine.shared_by(len(notebooks), self.profile)
        stop = threading.Event()
        with _own_folder(self.out, notebooks), ThreadPoolExecutor(place.jobs) as pool:
            try:
                waiting = [pool.submit(self._outcome, place, path, stop) for path in notebooks]
                return [future.result() for future in waiting]
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _outcome(self, place: Place, notebook: Path, stop: threading.Event) -> Outcome:
        job = Job(
            notebook=notebook.absolute(),
            output=(self.out / notebook.name).absolute(),
            profile=self.profile,
            source=self.source,
            parameters=dict(self.parameters),
            accelerate=self.accelerate,
        )
        cells = len(read_notebook(notebook).cells)
        return place(job, lambda cell: self.watch(notebook, cell, cells), stop)


def _check_claims(notebook: Path) -> None:
    """Refuse a notebook that claims something without a test."""
    problems = list(claims_are_computed(read_notebook(notebook)))
    if problems:
        raise CourseError("\n".join(f"{notebook.name}, {problem}" for problem in problems))


@contextmanager
def _own_folder(out: Path, notebooks: Sequence[Path]) -> Iterator[None]:
    """Make a folder for a run and keep other runs out of it meanwhile."""
    import filelock

    if any(out.resolve() == notebook.parent.resolve() for notebook in notebooks):
        raise CourseError(
            f"{out} holds the notebooks themselves, and a run would write over them.\n"
            f"Choose another folder with --out."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / ".running", blocking=False)
        lock.acquire()
    except filelock.Timeout:
        raise CourseError(
            f"Another run is writing into {out}, and the two would mix.\n"
            f"Wait until it has ended, or choose another folder with --out."
        ) from None
    except OSError as error:
        raise CourseError(
            f"A run cannot write into {out} ({error.strerror or error}).\n"
            f"Choose another folder with --out."
        ) from None
    try:
        yield
    finally:
        lock.release()

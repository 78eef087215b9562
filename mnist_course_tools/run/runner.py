"""Running a set of notebooks, some at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnist_course.machine import owned_cores
from mnist_course.profiles import Profile
from mnist_course_tools.run.job import CellWatcher, Job, Outcome, run_job
from mnist_course_tools.notebooks import check_parameters, count_cells

Watcher = Callable[[Path, int, int], None]
"""Called with notebook, cell and number of cells whenever a cell starts."""

Place = Callable[[Job, CellWatcher, threading.Event], Outcome]
"""Where a job runs: `run_job` on this machine, or a function that sends it elsewhere."""


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
        Notebooks at a time; on this machine no more than the cores owned, which they share.
    parameters : mapping, optional
        Further papermill parameters.
    accelerate : bool, default=False
        Whether a faster library stands in for scikit-learn's models.
    place : callable, default=run_job
    watch : callable, optional
    """

    profile: Profile
    source: str
    out: Path
    jobs: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accelerate: bool = False
    place: Place = run_job
    watch: Watcher = lambda notebook, cell, cells: None

    def __post_init__(self) -> None:
        if self.place is run_job:
            self.jobs = max(1, min(self.jobs, owned_cores()))

    @property
    def threads(self) -> int:
        """BLAS threads for each kernel here: jobs × threads never exceeds the cores owned."""
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
        stop = threading.Event()
        with ThreadPoolExecutor(self.jobs) as pool:
            try:
                waiting = [pool.submit(self._run_one, notebook, stop) for notebook in notebooks]
                return [future.result() for future in waiting]
            except BaseException:
                stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _run_one(self, notebook: Path, stop: threading.Event) -> Outcome:
        job = Job(
            notebook=notebook.absolute(),
            output=(self.out / notebook.name).absolute(),
            profile=self.profile,
            source=self.source,
            threads=self.threads,
            parameters=dict(self.parameters),
            accelerate=self.accelerate,
        )
        cells = count_cells(notebook)
        return self.place(job, lambda cell: self.watch(notebook, cell, cells), stop)

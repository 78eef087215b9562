"""Grades one submission: student code runs over there, and is judged here."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mnist_course.checks import judge
from mnist_course_tools.classroom.assemble import (
    AnotherAssignment,
    Assembled,
    Cell,
    assemble,
)
from mnist_course_tools.classroom.assignment import (
    Assignment,
    Check,
    check_of,
    is_parameters,
    titles,
    with_parameters,
)
from mnist_course_tools.classroom.marks import Marks, State, Task
from mnist_course_tools.classroom.reference import Reference, reference_of
from mnist_course_tools.classroom.session import Session, Stopped, StudentError, session
from mnist_course_tools.classroom.submission import Submission, Unreadable, notebook_of
from mnist_course_tools.classroom.usage import Used

_MOST_STARTS, _MOST_NOTES = 8, 50
_FOR_GIVEN = 2  # times as many seconds for cells of the assignment, which prepare its data
_LONGEST = 80_000  # characters of anything; pages show less
_IN_A_CELL = re.compile(r"<ipython-input[^>]*>, ")
_VERDICT = re.compile(r"^(not yet|right)\. ")


@dataclass(frozen=True)
class Found:
    """What was found of one task's code."""

    state: State
    credit: float
    reason: str


@dataclass
class _Run:
    """How far the cells of a submission have come."""

    cells: list[Cell]
    reference: Reference
    found: dict[str, Found] = field(default_factory=dict)
    left_out: set[int] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    place: int = 0
    peak_mb: float = 0.0

    def task_of(self, place: int) -> str:
        """Return the name of the next check, to which a cell belongs; empty after the last."""
        rest = self.cells[place:]
        return next((cell.name for cell in rest if cell.kind == "check"), "")

    def answers_of(self, place: int) -> list[Cell]:
        """Return the student's code before a check and after the one before it."""
        found: list[Cell] = []
        for cell in reversed(self.cells[:place]):
            if cell.kind == "check":
                break
            if cell.kind in ("answer", "own"):
                found.append(cell)
        return found

    def error_of(self, place: int) -> str:
        """Return what stopped a cell that belongs to the check at a place."""
        for back in range(place - 1, -1, -1):
            if self.cells[back].kind == "check":
                break
            if back in self.errors:
                return self.errors[back]
        return ""


def grade(
    assignment: Assignment,
    submission: Submission,
    *,
    trusted: bool = False,
    data: Path | None = None,
) -> Marks:
    """Grade a submission.

    Parameters
    ----------
    assignment : Assignment
    submission : Submission
    trusted : bool
        Run student code without isolation.
    data : Path, optional
        The folder with MNIST, where its rows are used.

    Returns
    -------
    Marks
        Whatever was handed in.

    Raises
    ------
    CourseError
        If the assignment itself does not run.
    """
    marks = Marks(submission.student, assignment.name, key=assignment.key(submission.files))
    reference = reference_of(assignment)
    try:
        sent, notes = notebook_of(submission, assignment.name)
        assembled = assemble(assignment.notebook, reference.handed_out, sent)
    except Unreadable as problem:
        return replace(marks, problem=_bounded(str(problem)))
    except AnotherAssignment:
        words = f"None of its cells belongs to {assignment.name}: it is another notebook."
        return replace(marks, problem=words)
    start = time.monotonic()
    run = _Run(_prepared(assembled, assignment), reference)
    with _files(submission) as folder:
        _run_all(run, assignment, folder, trusted=trusted, data=data)
    return replace(
        marks,
        tasks=_tasks(run, assignment),
        notes=tuple(map(_bounded, [*notes, *assembled.notes, *run.notes][:_MOST_NOTES])),
        seconds=round(time.monotonic() - start, 2),
        peak_mb=round(run.peak_mb, 1),
    )


def _prepared(assembled: Assembled, assignment: Assignment) -> list[Cell]:
    """Return the cells with the values of the class in the parameters' cell."""
    changed = {
        cell.source: with_parameters(cell.source, assignment.parameters)
        for cell in assignment.notebook.cells
        if is_parameters(cell)
    }
    return [
        Cell("given", changed[cell.source]) if cell.source in changed else cell
        for cell in assembled.cells
    ]


def _run_all(
    run: _Run, assignment: Assignment, folder: Path, *, trusted: bool, data: Path | None
) -> None:
    """Run all cells; where one has to be stopped, start anew without it.

    So an endless loop in one task costs that task alone.
    """
    limits = assignment.limits
    used = Used()
    settings = {"seed": assignment.seed, "trusted": trusted, "data": data}
    for _ in range(_MOST_STARTS):
        run.place = 0
        line = None
        try:
            with session(folder, limits, used, **settings) as line:
                _run_cells(run, line, _FOR_GIVEN * limits.cell_seconds)
            return
        except Stopped as stop:
            _note_stop(run, str(stop))
        finally:
            if line is not None:
                run.peak_mb, used = max(run.peak_mb, line.peak_mb), line.used
        if used.beyond(limits.seconds):
            return


def _run_cells(run: _Run, line: Session, for_given: float) -> None:
    for place, cell in enumerate(run.cells):
        run.place = place
        if place in run.left_out or cell.kind == "words":
            continue
        check = check_of(cell.source) if cell.kind == "check" else None
        try:
            given = cell.kind in ("given", "check")
            line.run(check.before if check else cell.source, seconds=for_given if given else None)
        except StudentError as error:
            words = _IN_A_CELL.sub("", str(error))
            run.errors[place] = f"stopped with {type(error).__name__}: {words}"
        if check and cell.name not in run.found:
            run.found[cell.name] = _judged(run, line, check)


def _judged(run: _Run, line: Session, check: Check) -> Found:
    """Fetch a task's answers and judge them."""
    error = run.error_of(run.place)
    try:
        answers = line.answers(list(check.answers))
    except StudentError as missing:
        error = error or f"stopped with {type(missing).__name__}: {missing}"
        return Found("wrong", 0.0, f"Your code {error}.")
    verdict = judge(check.number, answers, run.reference.given[check.number])
    words = _VERDICT.sub("", verdict.words)
    if verdict:
        return Found("right", 1.0, words)
    if error:
        return Found("wrong", 0.0, f"Your code {error}.")
    if verdict.blank:
        written = any(cell.kind == "own" or not cell.blank for cell in run.answers_of(run.place))
        return Found("wrong" if written else "blank", 0.0, words)
    return Found("partly" if verdict.credit else "wrong", verdict.credit, words)


def _note_stop(run: _Run, why: str) -> None:
    """Keep in mind which cell it was, and what that means for its task."""
    cell, task = run.cells[run.place], run.task_of(run.place)
    if cell.kind in ("answer", "check") and task not in run.found:
        hint = " Is there a loop without an end?" if why.startswith("ran for") else ""
        run.found[task] = Found("stopped", 0.0, f"Your code {why}.{hint}")
    elif cell.kind in ("given", "own"):
        line = cell.source.strip().partition("\n")[0][:50]
        run.notes.append(f"The cell that begins with `{line}` {why}, so it was left out.")
    if cell.kind != "check":
        run.left_out.add(run.place)


def _tasks(run: _Run, assignment: Assignment) -> tuple[Task, ...]:
    """Return points and reasons, in the order of the checks."""
    headings = titles(assignment.notebook)
    tasks: list[Task] = []
    code: list[str] = []
    for cell in run.cells:
        if cell.kind in ("answer", "own"):
            code.append("" if cell.blank else cell.source)
        elif cell.kind == "check":
            never = Found("stopped", 0.0, "Time was up before this task was reached.")
            found = run.found.get(cell.name, never)
            number = check_of(cell.source).number
            points = round(found.credit * cell.points, 2)
            written = "\n\n".join(filter(None, code))
            tasks.append(
                Task(
                    number,
                    headings.get(cell.name, ""),
                    points,
                    cell.points,
                    found.state,
                    _bounded(found.reason),
                    code=_bounded(written),
                )
            )
            code = []
        elif cell.kind == "words" and tasks:
            text = "" if cell.blank else cell.source
            tasks[-1] = replace(tasks[-1], text=_bounded(text), text_out_of=cell.points)
    return tuple(tasks)


def _bounded(text: str) -> str:
    return text[:_LONGEST]


@contextmanager
def _files(submission: Submission) -> Iterator[Path]:
    """Yield a folder with a submission's files, which every user may read."""
    with tempfile.TemporaryDirectory(prefix="mnist-course-") as name:
        # Its own folder may be read by every user; nobody else gets as far as that.
        folder = Path(name) / "submission"
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)
        for file, content in submission.files.items():
            (folder / file).write_bytes(content)
            (folder / file).chmod(0o644)
        yield folder

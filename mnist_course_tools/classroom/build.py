"""Builds an assignment: from an exercise of the course, or from a teacher's own notebook."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.checks.answers import demanding
from mnist_course.errors import CourseError, UsageError
from mnist_course_tools.classroom.assemble import kind_of
from mnist_course_tools.classroom.assignment import Assignment, check_of, read_assignment
from mnist_course_tools.classroom.grading import grade_here
from mnist_course_tools.classroom.marks import Marks
from mnist_course_tools.classroom.reference import run_reference
from mnist_course_tools.classroom.room import RUBRICS, Room, with_seed
from mnist_course_tools.classroom.submission import Submission
from mnist_course_tools.exercises import learners_edition
from mnist_course_tools.notebooks import (
    EXERCISES,
    SOURCE,
    course_folder,
    find_notebooks,
    read_notebook,
    write_notebook,
    write_whole,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

Tell = Callable[[str], None]
"""Is told what is being done."""
# Shares of the mistakes that may remain where a number is beaten, and draws of rows for each.
_TO_SPARE, _MOST_DRAWS = (0.2, 0.1, 0.0), 8
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:)[^)]*\.ipynb[^)]*\)")
_TOLD = (
    "\n\n*When this is graded, your code is run on other rows than yours, so numbers differ from "
    "those that you see here. What a task is worth: {points}.*"
)


def find_sources(wanted: list[str]) -> list[Path]:
    """Return notebooks with solutions: of the course by number, or a teacher's own by path."""
    own = [Path(each) for each in wanted if each.endswith(".ipynb") and Path(each).exists()]
    numbers = [each for each in wanted if Path(each) not in own]
    for each in numbers:
        if each.endswith(".ipynb"):
            raise UsageError(f"There is no file {each} here, seen from {Path.cwd()}.")
    course = find_notebooks(course_folder() / EXERCISES / SOURCE, numbers) if numbers else []
    return [*course, *own]


def build(
    room: Room,
    source: Path,
    *,
    beside: Sequence[Path] = (),
    new_rows: bool = False,
    trusted: bool = False,
    tell: Tell = lambda words: None,
) -> tuple[Room, Marks, list[str]]:
    """Build an assignment in a class's folder: all of it, or nothing.

    Parameters
    ----------
    room : Room
    source : Path
        A notebook in nbgrader's cell format, with solutions. A module of its name beside it holds
        its checks.
    beside : sequence of Path
        Further files that students are given.
    new_rows : bool
        Draw other rows than before.
    trusted : bool
    tell : callable

    Returns
    -------
    room : Room
        With the assignment's seed.
    marks : Marks
        Of the reference solution.
    handed_out : list of str
        Names of the files that students are given.

    Raises
    ------
    CourseError
        If a cell of it is not as the grader needs it, or its solution does not earn all points.
    """
    name = source.stem
    room.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=room.folder, prefix=".building-") as folder:
        trial = replace(room, folder=Path(folder))
        handed_out = write_assignment(trial, source, beside)
        if new_rows or name not in room.seeds:
            trial = draw_rows_for(trial, name, tell=tell)
        marks = prove(trial, name, trusted=trusted, tell=tell)
        rubric = room.of_source(name).parent / RUBRICS
        if rubric.exists():  # the teacher's own by now
            shutil.copyfile(rubric, trial.of_source(name).parent / RUBRICS)
        for place in (room.of_source(name).parent, room.of_release(name).parent):
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            (trial.folder / place.relative_to(room.folder)).rename(place)
    return with_seed(room, name, trial.seeds[name]), marks, handed_out


def write_assignment(room: Room, source: Path, beside: Sequence[Path] = ()) -> list[str]:
    """Write an assignment's source and what is handed out; return the names of the latter."""
    name = source.stem
    notebook = read_notebook(source)
    _look_at(notebook, name)
    kept, released = room.of_source(name), room.of_release(name)
    write_notebook(kept, notebook)
    write_notebook(released, _for_students(notebook))
    checks = source.with_suffix(".py")
    files = [*([checks] if checks.exists() else []), *beside]
    for path in files:
        for folder in (kept.parent, released.parent):
            shutil.copyfile(path, folder / path.name)
    own = source.parent / RUBRICS
    if source.is_relative_to(course_folder()):
        _write_rubrics(notebook, kept.parent / RUBRICS)
    elif own.exists():
        shutil.copyfile(own, kept.parent / RUBRICS)
    return [released.name, *(path.name for path in files)]


def _for_students(notebook: NotebookNode) -> NotebookNode:
    """Return the learner's edition with words on grading, and no link to a file left behind."""
    made = learners_edition(notebook)
    points = {kind: 0.0 for kind in ("check", "words")}
    for cell in made.cells:
        kind = kind_of(cell)
        if kind in points:
            points[kind] = max(points[kind], float(cell.metadata.nbgrader.get("points") or 0))
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(r"\1", cell.source)
    told = [f"{points['check']:g} for code"]
    told += [f"{points['words']:g} for the answer in words"] * bool(points["words"])
    first = made.cells[0]
    if first.cell_type == "markdown" and kind_of(first) is None:
        first.source += _TOLD.format(points=" and ".join(told))
    return made


def draw_rows_for(room: Room, name: str, *, tell: Tell = lambda words: None) -> Room:
    """Draw rows on which the reference solution is right, with something to spare.

    Where a number is to be beaten on few rows, luck decides a little. So rows are drawn until the
    reference makes a fifth fewer mistakes than it may; if none such are found, a tenth, or none.

    Raises
    ------
    CourseError
        If the solution is not right on any rows that were drawn.
    """
    wrong: dict[str, str] = {}
    for more in _TO_SPARE:
        for draw in range(1, _MOST_DRAWS + 1):
            tell(f"{name}: running the reference solution, draw {draw}")
            made = replace(room, seeds={**room.seeds, name: secrets.randbelow(2**31)})
            with demanding(more):
                verdicts = run_reference(read_assignment(made, name)).verdicts
            wrong = {number: verdict.words for number, verdict in verdicts.items() if not verdict}
            if not wrong:
                return with_seed(room, name, made.seeds[name])
    lines = [f"{number}: {words}" for number, words in wrong.items()]
    draws = len(_TO_SPARE) * _MOST_DRAWS
    raise CourseError(
        f"The reference solution of {name} is not right on any of {draws} draws of rows. "
        f"On the last:\n" + "\n".join(lines)
    )


def prove(room: Room, name: str, *, trusted: bool, tell: Tell = lambda words: None) -> Marks:
    """Grade the reference solution and the blank notebook; return the former's marks.

    Raises
    ------
    CourseError
        If the solution has not all points on the rows of the class, or the blank one has some.
    """
    assignment = read_assignment(room, name)
    tell(f"{name}: grading it, isolated as a student's")
    solved = _marks(assignment, assignment.source.encode(), trusted)
    if solved.problem or solved.points < solved.out_of:
        lost = [f"{t.number}: {t.reason}" for t in solved.tasks if t.points < t.out_of]
        raise CourseError(
            f"The reference solution of {name} has {solved.points:g} of {solved.out_of:g} points "
            f"when it is graded: {solved.problem or '; '.join(lost)}"
        )
    tell(f"{name}: grading a blank one")
    blank = _marks(assignment, room.of_release(name).read_bytes(), trusted)
    if blank.points:
        tasks = ", ".join(task.number for task in blank.tasks if task.points)
        raise CourseError(f"{name} gives points for nothing at all: {tasks}. Mend these checks.")
    return solved


def rubrics_of(room: Room, name: str) -> dict[str, dict[str, str]]:
    """Return what written answers are marked by, for each task; empty without any."""
    path = room.of_source(name).parent / RUBRICS
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be read ({error}). Mend it, or build again.") from None


def _marks(assignment: Assignment, notebook: bytes, trusted: bool) -> Marks:
    # The reference may take its time: what is found out here is whether it is right.
    patient = replace(assignment, limits=replace(assignment.limits, seconds=3600))
    submission = Submission("reference", {f"{assignment.name}.ipynb": notebook})
    return replace(grade_here(patient, submission, trusted), key="")


def _look_at(notebook: NotebookNode, name: str) -> None:
    """Make sure of what the grader relies on, in words for who wrote the notebook."""
    kinds = [kind_of(cell) for cell in notebook.cells]
    if "check" not in kinds or "answer" not in kinds:
        raise CourseError(
            f"{name} holds no task to grade: it takes a cell for the answer (a manually graded or "
            f"autograded answer) and one with the check (autograder tests), marked in JupyterLab's "
            f"panel Create Assignment."
        )
    seen: set[str] = set()
    for cell, kind in zip(notebook.cells, kinds, strict=True):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if kind == "check" and not cell.metadata.nbgrader.get("points"):
            raise CourseError(
                f"The check {grade_id} of {name} has no points. Set them in the panel Create "
                f"Assignment."
            )
        if kind == "check":
            number = check_of(cell.source).number
            if number in seen:
                raise CourseError(f"{name} checks {number} twice. Each task has one check.")
            seen.add(number)
        if kind in ("answer", "words") and "### BEGIN SOLUTION" not in cell.source:
            raise CourseError(
                f"The cell {grade_id} of {name} has no lines ### BEGIN SOLUTION and ### END "
                f"SOLUTION, so students would be given all of it, or nothing of the frame."
            )


def _write_rubrics(notebook: NotebookNode, path: Path) -> None:
    """Write the rubrics of one notebook's tasks, for the teacher to change."""
    numbers = {check_of(c.source).number for c in notebook.cells if kind_of(c) == "check"}
    text = (course_folder() / EXERCISES / RUBRICS).read_text(encoding="utf-8")
    blocks = text.split('\n["')
    kept = [f'["{block}' for block in blocks[1:] if block.partition('"')[0] in numbers]
    with write_whole(path) as file:
        file.write("# What written answers are marked by. Change it as you like.\n\n")
        file.write("\n".join(kept))

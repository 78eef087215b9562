"""The reference solution, run where it can be trusted: from it come the data of every check."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mnist_course
from mnist_course.checks import Verdict, judge
from mnist_course.errors import CourseError
from mnist_course_tools.classroom.assemble import kind_of
from mnist_course_tools.classroom.assignment import Assignment, is_parameters, with_parameters
from mnist_course_tools.classroom.rows import draw_rows
from mnist_course_tools.exercises import learners_edition


@dataclass
class Reference:
    """What checks are given, and what they say of the reference solution.

    Attributes
    ----------
    given : dict
        The keyword arguments of each check, by its number.
    verdicts : dict of str to Verdict
        Of the reference solution, by number.
    handed_out : NotebookNode
        The edition that students were given.
    """

    handed_out: Any
    given: dict[str, dict[str, Any]] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def look(self, number: str, *answer: Any, **given: Any) -> Verdict:
        """Stand in for `check`, and keep what it is given."""
        self.given[number] = given
        self.verdicts[number] = judge(number, answer, given)
        return self.verdicts[number]


_kept: list[tuple[Assignment, Reference]] = []
_one_at_a_time = threading.Lock()  # running it changes the folder and modules of this process


def reference_of(assignment: Assignment) -> Reference:
    """Return the reference of an assignment; that of the last one is kept in this process.

    Raises
    ------
    CourseError
        If the reference solution does not run to its end.
    """
    with _one_at_a_time:
        if not (_kept and _kept[0][0] == assignment):
            _kept[:] = [(assignment, run_reference(assignment))]
        return _kept[0][1]


def run_reference(assignment: Assignment) -> Reference:
    """Run the reference solution on the rows of the class."""
    notebook = assignment.notebook
    reference = Reference(learners_edition(notebook))
    with _place(assignment), _stand_ins(reference, assignment.seed):
        names: dict[str, Any] = {"__name__": "__main__"}
        for place, cell in enumerate(notebook.cells, start=1):
            if cell.cell_type != "code":
                continue
            code = cell.source
            if is_parameters(cell):
                code = with_parameters(code, assignment.parameters)
            try:
                exec(compile(_plain(code), f"cell {place}", "exec"), names)
            except Exception as error:
                what = "check" if kind_of(cell) == "check" else "cell"
                raise CourseError(
                    f"The reference solution of {assignment.name} does not run: {what} {place} "
                    f"stopped with {type(error).__name__}: {error}"
                ) from error
    return reference


@contextlib.contextmanager
def _place(assignment: Assignment) -> Iterator[None]:
    """Work in a folder with what lies beside the notebook; its modules can be imported."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="mnist-course-") as folder:
        for name, content in assignment.files.items():
            (Path(folder) / name).write_bytes(content)
        os.chdir(folder)
        sys.path.insert(0, folder)
        try:
            yield
        finally:
            os.chdir(before)
            sys.path.remove(folder)


@contextlib.contextmanager
def _stand_ins(reference: Reference, seed: int) -> Iterator[None]:
    """Put our own `check` and rows where the notebook looks for them, for as long as it runs."""
    kept = mnist_course.check, mnist_course.load_mnist
    mnist_course.check = reference.look
    draw_rows(seed)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(action="ignore"),
        ):
            yield
    finally:
        mnist_course.check, mnist_course.load_mnist = kept
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def _plain(code: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(code)

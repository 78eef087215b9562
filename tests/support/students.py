"""Notebooks as students hand them in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from mnist_course_tools.classroom.assignment import Assignment
from mnist_course_tools.classroom.sandbox import Limits
from mnist_course_tools.classroom.submission import Submission
from mnist_course_tools.exercises import learners_edition
from mnist_course_tools.notebooks import find_notebooks, read_notebook, title_of

SOURCES = find_notebooks(Path(__file__).parents[2] / "exercises" / "source")
# With few rows luck decides whether a number is beaten. On these draws it is, with something to
# spare, because sums of floats come out a little different on each kind of processor.
SEEDS = {"03_logistic_regression": 3, "06_pca_polynomial": 7, "09_own_handwriting": 1}
QUICK = "04_metrics"  # the assignment that is graded fastest


def assignment_of(name: str, *, limits: Limits | None = None) -> Assignment:
    """Return an assignment of the course, without a class's folder around it."""
    (path,) = (path for path in SOURCES if path.stem == name)
    title, text = title_of(read_notebook(path)) or name, path.read_text(encoding="utf-8")
    seed = SEEDS.get(name, 12345)
    return Assignment(name, title, text, {}, "digits", seed, limits or Limits())


def solved(name: str) -> NotebookNode:
    """Return the assignment with the reference solution, as a student may have written it."""
    return copy.deepcopy(assignment_of(name).notebook)


def blank(name: str) -> NotebookNode:
    """Return the assignment as it is handed out."""
    return learners_edition(assignment_of(name).notebook)


def answering(name: str, code: Mapping[str, str], *, rest: str = "solved") -> NotebookNode:
    """Return the assignment with other code in some of its cells.

    Parameters
    ----------
    name : str
    code : mapping of str to str
        By grade id.
    rest : {"solved", "blank"}
        What stands in the other cells.
    """
    notebook = solved(name) if rest == "solved" else blank(name)
    for grade_id, text in code.items():
        cell_of(notebook, grade_id).source = text
    return notebook


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    """Return the first cell with a grade id."""
    return next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def as_bytes(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode("utf-8")


def submission_of(notebook: NotebookNode | bytes, name: str = QUICK, **files: bytes) -> Submission:
    """Return a notebook as it is handed in, with other files beside it."""
    content = notebook if isinstance(notebook, bytes) else as_bytes(notebook)
    beside = {file.replace("_py", ".py"): text for file, text in files.items()}
    return Submission("somebody", {f"{name}.ipynb": content, **beside})


def hand_in(folder: Path, student: str, notebook: NotebookNode | bytes, name: str = QUICK) -> Path:
    """Put a notebook where a class's folder has submissions."""
    path = folder / "submitted" / student / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebook if isinstance(notebook, bytes) else as_bytes(notebook))
    return path

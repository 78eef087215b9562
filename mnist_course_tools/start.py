"""The learner's edition: lessons without outputs and exercises without answers, to work in.

It lies in a folder of the learner's own. A note in that folder says what was put there, so that a
later `start` replaces what the learner left alone, and keeps what they changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbformat.v4 import new_code_cell

from mnist_course.errors import CourseError
from mnist_course_tools.exercises import without_outputs
from mnist_course_tools.notebooks import (
    EXERCISES,
    LESSONS,
    SOLUTIONS,
    course_folder,
    find_notebooks,
    read_notebook,
    write_notebook,
    write_whole,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path("my-course")  # unless the learner names another
_OURS = (LESSONS, EXERCISES)
# Its two steps leave alone what Colab has: the helper runs with older packages than those that made
# the committed outputs. Elsewhere the cell does nothing.
_INSTALL = """\
# Google Colab does not have the course's helper yet. Everywhere else this cell does nothing.
from importlib.util import find_spec

if find_spec("mnist_course") is None:
    %pip install --quiet anywidget filelock platformdirs pooch
    %pip install --quiet --no-deps mnist-course"""
_NOTE = ".mnist-course.json"  # name of each notebook, and the fingerprint of what was put there


@dataclass(frozen=True)
class Delivery:
    """What `start` did in a folder; names are relative to it.

    Attributes
    ----------
    new, replaced, kept : tuple of Path
        Notebooks that were not there, that the learner had left alone, and that they had changed.
    beside : dict of Path to Path
        For each of the kept ones that has a newer version: the name under which that lies there.
    """

    folder: Path
    new: tuple[Path, ...]
    replaced: tuple[Path, ...]
    kept: tuple[Path, ...]
    beside: dict[Path, Path]


def default_folder() -> Path:
    """Return the present folder if it is a learner's, else ``my-course`` in it."""
    return Path() if Path(_NOTE).exists() else FOLDER


def start(folder: Path, *, solutions: bool = False, course: Path | None = None) -> Delivery:
    """Put the learner's edition into a folder, and lose nothing that the learner changed.

    Parameters
    ----------
    folder : Path
    solutions : bool, default=False
        Whether the solved exercises are put there too.
    course : Path, optional
        Where the course's own notebooks lie, if not in this installation.

    Raises
    ------
    CourseError
        If the folder cannot be written, or is the course's own.
    """
    course = course or course_folder()
    own, target = course.resolve(), folder.resolve()
    if own == target or any((own / part) in (target, *target.parents) for part in _OURS):
        raise CourseError(
            f"{folder} holds the course itself. Name a folder of your own, such as {FOLDER}."
        )
    try:
        # A folder that holds something already is the learner's to keep or to hide from git.
        fresh = not folder.exists() or not any(folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        if fresh:
            (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        return _deliver(folder, course, [LESSONS, EXERCISES] + [SOLUTIONS] * solutions)
    except OSError as error:
        raise CourseError(
            f"The notebooks cannot be put into {folder} ({error.strerror or error}).\n"
            f"Nothing of yours was touched. Choose another folder, or make room."
        ) from None


def _deliver(folder: Path, course: Path, parts: list[str]) -> Delivery:
    note = _read_note(folder)
    new, replaced, kept, beside = [], [], [], {}
    for name, notebook in _edition(course, parts):
        mark, known = fingerprint(notebook), note.get(name.as_posix(), {})
        state = _state(folder / name, known, mark)
        if state in ("missing", "alone"):
            write_notebook(folder / name, notebook)
            (new if state == "missing" else replaced).append(name)
        if state in ("missing", "alone", "same"):
            note[name.as_posix()] = {"put": mark}
        if state == "changed":
            kept.append(name)
            if mark not in known.values():
                beside[name] = _put_beside(folder, name, notebook, known)
                note[name.as_posix()] = {**known, "beside": mark}
        _write_note(folder, note)
    return Delivery(folder, tuple(new), tuple(replaced), tuple(kept), beside)


def _edition(course: Path, parts: list[str]) -> Iterator[tuple[Path, NotebookNode]]:
    """Yield name and content of each notebook as the learner gets it."""
    for part in parts:
        for path in find_notebooks(course / part):
            notebook = read_notebook(path)
            if part != SOLUTIONS:
                notebook = with_helper(without_outputs(notebook))
            yield Path(part) / path.name, notebook


def with_helper(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook whose first code cell installs the helper where it is missing."""
    cell = new_code_cell(_INSTALL, id="install-helper")
    first = next((i for i, c in enumerate(notebook.cells) if c.cell_type == "code"), 0)
    notebook.cells.insert(first, cell)
    return notebook


def _state(path: Path, known: dict[str, str], mark: str) -> str:
    """Say of the learner's notebook: missing, same, left alone since it was put there, changed."""
    if not path.exists():
        return "missing"
    try:
        found = fingerprint(read_notebook(path))
    except CourseError:  # damaged is changed: somebody may still want to rescue something
        return "changed"
    if found == mark:
        return "same"
    return "alone" if found == known.get("put") else "changed"


def _put_beside(folder: Path, name: Path, notebook: NotebookNode, known: dict[str, str]) -> Path:
    """Write a newer version beside the learner's own; an older one there, if changed, stays."""
    ours, number = {"put": known.get("beside", "")}, 1
    place = name.with_name(f"{name.stem}.new.ipynb")
    while _state(folder / place, ours, "") == "changed":
        number += 1
        place = name.with_name(f"{name.stem}.new-{number}.ipynb")
    write_notebook(folder / place, notebook)
    return place


def fingerprint(notebook: NotebookNode) -> str:
    """Return a checksum of what a learner may have changed: cells and outputs, no metadata."""
    cells = [
        [cell.cell_type, cell.source, cell.get("attachments") or None, cell.get("outputs")]
        for cell in notebook.cells
    ]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:32]


def _read_note(folder: Path) -> dict[str, Any]:
    path = folder / _NOTE
    try:
        note = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError:
        note = None
    if not isinstance(note, dict) or not all(isinstance(value, dict) for value in note.values()):
        # Without it nothing counts as left alone, so nothing of the learner's is replaced.
        return {}
    return note


def _write_note(folder: Path, note: dict[str, Any]) -> None:
    with write_whole(folder / _NOTE) as file:
        json.dump(note, file, indent=1, sort_keys=True)

"""Finding, reading and writing the course's notebooks."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mnist_course.errors import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Where they lie in the course's folder, and in a learner's.
LESSONS, EXERCISES, SOLUTIONS = "notebooks", "exercises", "exercises/solutions"
SOURCE = "source"  # in the folder of the exercises, for teachers
_NUMBERED = re.compile(r"^(\d+)_.+\.ipynb$")
_CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)


def course_folder() -> Path:
    """Return where this installation keeps lessons and exercises: the checkout, or the wheel."""
    here = Path(__file__).parent
    return here.parent if (here.parent / LESSONS).is_dir() else here / "course"


def find_notebooks(folder: Path, chosen: Sequence[str] = ()) -> list[Path]:
    """Return the numbered notebooks of a folder, in order.

    Parameters
    ----------
    folder : Path
    chosen : sequence of str
        Numbers such as ``3`` or ``03``, or names; all notebooks if empty.

    Raises
    ------
    CourseError
        If the folder holds no numbered notebook, or not one of those chosen.
    """
    found = {p: int(m[1]) for p in sorted(folder.glob("*.ipynb")) if (m := _NUMBERED.match(p.name))}
    if not found:
        raise CourseError(f"The folder {folder} holds no numbered notebook such as 01_name.ipynb.")
    if not chosen:
        return list(found)
    picked = []
    for wish in chosen:
        stem = Path(wish).stem
        matches = [
            path
            for path, number in found.items()
            if path.stem == stem or (wish.isdigit() and int(wish) == number)
        ]
        if not matches:
            raise CourseError(
                f"There is no notebook {wish!r}. There are: "
                + ", ".join(path.stem for path in found)
                + "."
            )
        picked += matches
    return list(dict.fromkeys(picked))


def chapter_of(path: Path) -> int:
    """Return the number that a notebook's name begins with; 0 if it has none."""
    match = _NUMBERED.match(path.name)
    return int(match[1]) if match else 0


def is_solution(path: Path) -> bool:
    """Tell whether a notebook holds solved exercises, not a lesson."""
    return path.parent.name == Path(SOLUTIONS).name


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook.

    Raises
    ------
    CourseError
        If the file cannot be read or is no notebook; one that git left with both versions in
        it is named as that.
    """
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise CourseError(f"{path.name} cannot be read ({why}).") from None
    try:
        return nbformat.reads(text, as_version=4)
    except Exception as error:  # nbformat lets through what its parsers raise
        if _CONFLICT.search(text):
            raise CourseError(
                f"{path.name} holds two versions at once: git could not merge your changes with "
                f"newer ones and marked the places with <<<<<<< and >>>>>>>.\n"
                f"To keep your version: git checkout --ours {_from_here(path)}. To take the new "
                f"one: git checkout --theirs {_from_here(path)}. Then run it again."
            ) from None
        # Of nbformat's message, which quotes the whole file, the first words.
        reason = str(error).splitlines()[0][:80] if isinstance(error, ValueError) else repr(error)
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else reason
        raise CourseError(
            f"{path.name} is not a notebook, or a damaged one ({where}).\n{take_again(path)}"
        ) from None


def run_again(path: Path) -> str:
    """Return the sentence that says how a committed notebook gets its outputs."""
    exercises = " --exercises" if is_solution(path) else ""
    return (
        f"Run it again: mnist-course run {chapter_of(path)}{exercises} --profile full --source "
        f"mnist --update"
    )


def take_again(path: Path) -> str:
    """Return the sentence that says how a damaged file becomes the committed one again."""
    return (
        f"Take the committed version again: git checkout {_from_here(path)}; in a folder of your "
        f"own, move the file away and say mnist-course start."
    )


def _from_here(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return str(path)


def write_notebook(path: Path, notebook: NotebookNode) -> None:
    """Write a notebook as the repository keeps it: UTF-8, and one line end at the end."""
    import nbformat

    with write_whole(path) as file:
        file.write(nbformat.writes(notebook, version=4).rstrip("\n") + "\n")


@contextlib.contextmanager
def write_whole(path: Path) -> Iterator[TextIO]:
    """Open a text file that replaces another only once it is complete.

    A full disk or an interruption then costs nobody the old one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def title_of(notebook: NotebookNode) -> str:
    """Return the first heading of a notebook, or an empty string."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:].strip()
    return ""


def check_parameters(path: Path, wanted: Sequence[str]) -> None:
    """Make sure that a notebook declares the parameters that are to be set.

    Raises
    ------
    CourseError
        If it has no cell tagged ``parameters``, or does not declare one of them. papermill
        itself would only warn, and the run would quietly use other values.
    """
    from papermill.inspection import inspect_notebook

    notebook = read_notebook(path)
    if not any("parameters" in cell.metadata.get("tags", ()) for cell in notebook.cells):
        raise CourseError(
            f"{path.name} has no cell tagged 'parameters', so it cannot be run with any.\n"
            f"Tag the cell that sets source, profile and seed."
        )
    declared = inspect_notebook(str(path))
    for name in wanted:
        if name not in declared:
            raise CourseError(
                f"{path.name} has no parameter {name!r}. It has: {', '.join(declared)}."
            )

"""Finding the course's notebooks, and reading what they declare."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.errors import CourseError

if TYPE_CHECKING:
    from nbformat import NotebookNode

_NUMBERED = re.compile(r"^(\d+)_.+\.ipynb$")


def project_folder() -> Path:
    """Return the folder that holds ``notebooks/``: the checkout, else the present folder.

    Raises
    ------
    CourseError
        If neither holds notebooks.
    """
    for folder in (Path(__file__).parents[2], Path.cwd()):
        if (folder / "notebooks").is_dir():
            return folder
    raise CourseError(
        "No folder 'notebooks' was found.\nStart the command in a checkout of the course, or "
        "name the folder with --notebooks."
    )


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


def title_of(notebook: NotebookNode) -> str:
    """Return the first heading of a notebook, or an empty string."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("# "):
            return cell.source.splitlines()[0][2:].strip()
    return ""


def count_cells(path: Path) -> int:
    """Return how many cells a notebook has, prose included."""
    import nbformat

    return len(nbformat.read(path, as_version=4).cells)


def check_parameters(path: Path, wanted: Sequence[str]) -> None:
    """Make sure that a notebook declares the parameters that are to be set.

    Raises
    ------
    CourseError
        If it has no cell tagged ``parameters``, or does not declare one of them. papermill
        itself would only warn, and the run would quietly use other values.
    """
    import nbformat
    from papermill.inspection import inspect_notebook

    notebook = nbformat.read(path, as_version=4)
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

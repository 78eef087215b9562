"""The exercises' editions: one source in nbgrader's cell format, and what is made from it.

``exercises/source/NN_slug.ipynb`` holds questions, solutions and checks. From it come
``exercises/NN_slug.ipynb``, in which the learner writes, and ``exercises/solutions/NN_slug.ipynb``,
which is run like a lesson and shows one way to do it.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.errors import CourseError
from mnist_course_tools.normalise import normalise
from mnist_course_tools.notebooks import SOURCE, find_notebooks, read_notebook, write_notebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

# In the source, between these two stands what only the solution shows; nbgrader knows them.
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"
# Ends a line that gives the answer its name, which only the learner's edition needs.
_PLACE = "# your answer"
# Before the target of a link to another exercise or out of the folder.
_LINK = re.compile(r"\]\((?=\.\./|\d\d_)")
_CODE_STUB = "pass  # your code here"
_TEXT_STUB = "*Write your answer here.*"


def learners_edition(source: NotebookNode) -> NotebookNode:
    """Return the edition with stubs in the place of solutions, by nbgrader's own means."""
    from nbgrader.preprocessors import CheckCellMetadata, ClearOutput, ClearSolutions, LockCells

    notebook, resources = copy.deepcopy(source), {}
    for step in (
        CheckCellMetadata(),
        ClearSolutions(code_stub={"python": _CODE_STUB}, text_stub=_TEXT_STUB),
        LockCells(),
        ClearOutput(),
    ):
        notebook, resources = step.preprocess(notebook, resources)
    return without_outputs(notebook)


def solutions_edition(source: NotebookNode) -> NotebookNode:
    """Return the edition with solutions, not run yet."""
    notebook = without_outputs(source)
    for cell in notebook.cells:
        kept = [line for line in cell.source.splitlines() if _is_shown(line)]
        cell.source = "\n".join(kept)
        if cell.cell_type == "markdown":  # it lies one folder deeper
            cell.source = _LINK.sub("](../", cell.source)
        cell.metadata.pop("nbgrader", None)
    return notebook


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook as nobody ran it."""
    notebook = normalise(notebook, notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def write_editions(folder: Path) -> list[Path]:
    """Write both editions of every source; return the solutions that have to be run.

    Parameters
    ----------
    folder : Path
        The folder ``exercises``.

    Raises
    ------
    CourseError
        If one of the sources is damaged.
    """
    changed = []
    for path in find_notebooks(folder / SOURCE):
        source = read_notebook(path)
        write_notebook(folder / path.name, learners_edition(source))
        solution, solved = solutions_edition(source), folder / "solutions" / path.name
        if not _take_outputs(solution, solved):
            changed.append(solved)
        write_notebook(solved, solution)
    return changed


def _take_outputs(solution: NotebookNode, solved: Path) -> bool:
    """Give a solution the outputs of its last run, if no code has changed since."""
    try:
        ran = [cell for cell in read_notebook(solved).cells if cell.cell_type == "code"]
    except CourseError:  # there is none, or it is damaged: it is made anew
        return False
    code = [cell for cell in solution.cells if cell.cell_type == "code"]
    if [cell.source for cell in ran] != [cell.source for cell in code]:
        return False
    for cell, old in zip(code, ran, strict=True):
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
    return all(cell.execution_count for cell in code)


def _is_shown(line: str) -> bool:
    return line.strip() not in (_BEGIN, _END) and not line.rstrip().endswith(_PLACE)


if __name__ == "__main__":  # for `make exercises`, which then runs the solutions
    from mnist_course_tools.notebooks import EXERCISES, course_folder

    for path in write_editions(course_folder() / EXERCISES):
        print(f"{path.name}: solutions are new and want to be run")

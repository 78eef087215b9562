"""Making a run notebook fit to be committed: nothing in it that differs from run to run."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from mnist_course_tools.outputs import lasting

if TYPE_CHECKING:
    from nbformat import NotebookNode

_KEPT_CELL_METADATA = ("tags", "jupyter", "editable", "deletable", "nbgrader")


def normalise(ran: NotebookNode, original: NotebookNode) -> NotebookNode:
    """Return a run notebook with the volatile parts taken out.

    Timestamps, papermill's notes, widget models and stderr go; cell ids and the notebook's
    metadata are those of the original, so that a second run gives the same file.

    Parameters
    ----------
    ran : NotebookNode
        As papermill wrote it, with or without an injected parameters cell.
    original : NotebookNode
        What was run. A notebook is fit to be committed if it equals ``normalise(it, it)``.

    Returns
    -------
    NotebookNode

    Raises
    ------
    ValueError
        If the two do not hold the same cells.
    """
    cells = [c for c in ran.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    if [cell.source for cell in cells] != [cell.source for cell in original.cells]:
        raise ValueError("The run notebook holds other cells than the original.")
    clean = copy.deepcopy(original)
    clean.metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        # The version would change with every reader's Python.
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    }
    clean.nbformat, clean.nbformat_minor = 4, 5
    count = 0
    for cell, cell_ran in zip(clean.cells, cells, strict=True):
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in _KEPT_CELL_METADATA}
        if cell.cell_type != "code":
            continue
        count += bool(cell.source.strip())
        cell.execution_count = count if cell.source.strip() else None
        outputs = [_normalise_output(output, count) for output in cell_ran.outputs]
        kept = [output for output in outputs if output is not None]
        cell.outputs = _join_streams(kept)
    return clean


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join texts that follow each other: where the kernel cut them is a matter of timing."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.output_type == joined[-1].output_type == "stream":
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _normalise_output(output: NotebookNode, count: int) -> NotebookNode | None:
    """Return what lasts of an output, or None if that is nothing."""
    if output.get("name") == "stderr":
        return None
    output = copy.deepcopy(output)
    if "execution_count" in output:
        output.execution_count = count
    if "data" in output:
        output.data = lasting(output.data)
        return output if output.data else None
    return output

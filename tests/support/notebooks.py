"""Tiny notebooks for testing the tools that run and check notebooks."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'source = "digits"\nprofile = "quick"\nseed = 42'
KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def write_notebook(
    path: Path, *cells: str, parameters: str | None = PARAMETERS, title: str = "Tiny?"
) -> Path:
    """Write a notebook that was not run: a title, a parameters cell, and code cells.

    Parameters
    ----------
    path : Path
    *cells : str
        Sources of code cells.
    parameters : str or None
        Source of the parameters cell; None leaves it out.
    title : str
    """
    notebook = new_notebook(metadata={"kernelspec": KERNELSPEC})
    notebook.cells.append(new_markdown_cell(f"# {title}"))
    if parameters is not None:
        tagged = new_code_cell(parameters, metadata={"tags": ["parameters"]})
        notebook.cells.append(tagged)
    notebook.cells += [new_code_cell(source) for source in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
    return path

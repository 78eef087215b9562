"""Tiny notebooks for testing the tools that run and check notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

if TYPE_CHECKING:
    import pytest

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


def spoil_start_up(monkeypatch: pytest.MonkeyPatch, home: Path, code: str) -> None:
    """Give the reader a home with an IPython start-up file of their own."""
    startup = home / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text(code, encoding="utf-8")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("IPYTHONDIR", str(home / ".ipython"))

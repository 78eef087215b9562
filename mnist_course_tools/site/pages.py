"""Notebooks as pages: committed outputs, figures with words, links that lead somewhere.

Everything is done to a copy. The notebooks themselves stay as they are.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course_tools.notebooks import EXERCISES, LESSONS, SOLUTIONS, chapter_of
from mnist_course_tools.outputs import lasting
from mnist_course_tools.site.frames import cut
from mnist_course_tools.site.links import rewrite

if TYPE_CHECKING:
    from nbformat import NotebookNode

_OURS = "application/vnd.mnist-course."  # records for machines
_MINUTES = re.compile(r"\*\*Time:\*\* about (\d+) minutes")
_WITHOUT_KERNEL = re.compile(
    r"\(On a page without a running kernel you see (\w+) positions(?: side by side)?\.\)"
)
_WITHOUT_PAD = re.compile(
    r"\(On a page without a kernel you see a still picture of [^)]*\)(.*)$", re.DOTALL
)
_PAD = (
    r"(On this page the site's own pad answers, in the page itself. Below it stands the "
    r"notebook's, as a still picture.)\1"
    "\n\n<div data-digit-pad><p>The drawing pad needs JavaScript.</p></div>"
)
_STYLE = re.compile(r"<style\b.*?</style>\s*", re.DOTALL)
_EMPTY_HEADER = re.compile(r"<th\b([^>]*)>\s*</th>")
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)


@dataclass(frozen=True)
class Figures:
    """Where pictures are written, and how pages name that place."""

    folder: Path
    address: str  # as seen from a page

    def add(self, png: bytes, alt: str) -> str:
        """Write a picture, and return the HTML that shows it."""
        name = f"{hashlib.sha256(png).hexdigest()[:20]}.png"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(png)
        width, height = struct.unpack(">II", png[16:24])
        return (
            f'<img src="{self.address}/{name}" alt="{html.escape(alt)}" '
            f'width="{width}" height="{height}">'
        )


def minutes_of(notebook: NotebookNode) -> int:
    """Return how long a lesson says that it takes."""
    return next(int(match[1]) for cell in notebook.cells if (match := _MINUTES.search(cell.source)))


def lesson_page(notebook: NotebookNode, name: str, figures: Figures, repository: str):
    """Return the page of a lesson.

    Parameters
    ----------
    notebook : NotebookNode
    name : str
        Of its file, such as ``04_metrics.ipynb``.
    figures : Figures
    repository : str
        Address of the repository, or an empty string.

    Returns
    -------
    NotebookNode
        With a bar of links below the title.
    """
    page = _page(notebook, f"{LESSONS}/{name}", f"lessons/{name}", figures, repository)
    for cell in page.cells:
        if cell.cell_type == "markdown":
            cell.source = _WITHOUT_KERNEL.sub(
                r"(On this page you can step through \1 positions.)", cell.source
            )
            cell.source = _WITHOUT_PAD.sub(_PAD, cell.source)
    bar = [
        f"<span>{minutes_of(notebook)} minutes</span>",
        f'<a class="first" href="../run/notebooks/index.html?path=lessons/{name}">'
        "Run this lesson here</a>",
        f'<a href="../exercises/{Path(name).stem}.html">Exercises</a>',
        f'<a href="../downloads/lessons/{name}" download>Download</a>',
    ]
    return _with_bar(page, bar)


def exercise_page(notebook: NotebookNode, name: str, figures: Figures, repository: str):
    """Return the page of a chapter's exercises, as a learner gets them.

    Parameters
    ----------
    notebook : NotebookNode
        The learner's edition.
    name : str
    figures : Figures
    repository : str

    Returns
    -------
    NotebookNode
    """
    page = _page(notebook, f"{EXERCISES}/{name}", f"exercises/{name}", figures, repository)
    stem = Path(name).stem
    bar = [
        f'<a class="first" href="../run/notebooks/index.html?path=exercises/{name}">'
        "Work on these here</a>",
        f'<a href="../lessons/{stem}.html">Lesson</a>',
        f'<a href="../downloads/exercises/{name}" download>Download</a>',
        f'<a href="../solutions/{stem}.html">Solutions, once you have tried</a>',
    ]
    return _with_bar(page, bar)


def solution_page(
    solved: NotebookNode, asked: NotebookNode, name: str, figures: Figures, repository: str
):
    """Return the page of a chapter's solutions, each of them behind a click.

    Parameters
    ----------
    solved : NotebookNode
        The edition with solutions, run.
    asked : NotebookNode
        The learner's edition, cell by cell the same but for the solutions.
    name : str
    figures : Figures
    repository : str

    Returns
    -------
    NotebookNode
    """
    page = _page(solved, f"{SOLUTIONS}/{name}", f"solutions/{name}", figures, repository)
    questions = _page(asked, f"{EXERCISES}/{name}", f"solutions/{name}", figures, repository)
    for cell, question in zip(page.cells, questions.cells, strict=True):
        if cell.cell_type == "markdown" and cell.source != question.source:
            cell.source = _behind_a_click(cell.source, question.source)
        elif cell.cell_type == "code" and cell.source != question.source:
            _hide(cell, "cell", "Show the solution")
        elif cell.get("outputs"):
            _hide(cell, "output", "Show the output")
    number = chapter_of(Path(name))
    heading = f"# Solutions {number}:"
    page.cells[0].source = page.cells[0].source.replace(f"# Exercises {number}:", heading, 1)
    bar = [f'<a href="../exercises/{Path(name).stem}.html">Exercises</a>']
    return _with_bar(page, bar)


def _page(
    notebook: NotebookNode, source: str, page: str, figures: Figures, repository: str
) -> NotebookNode:
    """Return a copy whose links, tables and pictures are fit for the site."""
    copied = copy.deepcopy(notebook)
    for cell in copied.cells:
        cell.metadata = {}
        if cell.cell_type == "markdown":
            cell.source = rewrite(cell.source, source=source, page=page, repository=repository)
        else:
            cell.outputs = [output for output in cell.outputs if _prepare(output, figures)]
    return copied


def _prepare(output: NotebookNode, figures: Figures) -> bool:
    """Change an output in place; tell whether anything of it is left."""
    if "data" not in output:
        return bool(output.get("text", "").strip())
    data = lasting({m: c for m, c in output.data.items() if not m.startswith(_OURS)})
    if "image/png" in data:
        alt = output.metadata["image/png"]["alt"]
        data = {"text/html": _figure(base64.b64decode(data["image/png"]), alt, figures)}
    elif "text/html" in data:
        data = {"text/html": _table(data["text/html"])}
    output.data, output.metadata = data, {}
    return bool(data)


def _figure(png: bytes, alt: str, figures: Figures) -> str:
    """Return the HTML of a picture; a strip brings what a script makes a control of."""
    frames = cut(png, alt)
    if not frames:
        return f"<figure>{figures.add(png, alt)}</figure>"
    still = figures.add(png, alt)
    steps = [{"state": frame.state, "img": figures.add(frame.png, frame.alt)} for frame in frames]
    data = html.escape(json.dumps(steps, ensure_ascii=False))
    return f'<figure class="stepper" data-steps="{data}">{still}</figure>'


def _table(text: str) -> str:
    """Return HTML in which each table scrolls in a box of its own."""
    text = _EMPTY_HEADER.sub(r"<td\1></td>", _STYLE.sub("", text)).replace(' border="1"', "")
    return _TABLE.sub(r'<div class="wide-table" tabindex="0">\g<0></div>', text)


def _behind_a_click(answered: str, asked: str) -> str:
    """Return a question in words, with its answer folded."""
    question = asked.partition("\n\n")[0]
    answer = answered.removeprefix(question).strip()
    return f"{question}\n\n<details><summary>Show one answer</summary>\n\n{answer}\n\n</details>"


def _hide(cell: NotebookNode, what: str, prompt: str) -> None:
    cell.metadata = {
        "tags": [f"hide-{what}"],
        "mystnb": {"code_prompt_show": prompt, "code_prompt_hide": prompt.replace("Show", "Hide")},
    }


def _with_bar(page: NotebookNode, entries: list[str]) -> NotebookNode:
    """Put a bar of links below the title."""
    title, _, rest = page.cells[0].source.partition("\n")
    bar = f'<nav class="page-bar" aria-label="This page">{"".join(entries)}</nav>'
    page.cells[0].source = f"{title}\n\n{bar}\n\n{rest.lstrip()}"
    return page


def references_of(notebook: NotebookNode) -> Iterator[str]:
    """Yield what a lesson lists at its end, an entry at a time, without numbers."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            section = cell.source.partition("## References\n")[2].partition("\n**Next")[0]
            yield from re.findall(r"^\d+\. (.+)$", section, re.MULTILINE)

"""The field's terms: their page, and their first occurrence in each lesson made a link to it."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course_tools.site.prose import in_prose

if TYPE_CHECKING:
    from docutils import nodes
    from nbformat import NotebookNode
    from sphinx.application import Sphinx

_LAST_SECTION = "## References"


@dataclass(frozen=True)
class Term:
    """A word of the field."""

    name: str
    chapter: int  # in which it is met
    text: str
    also: tuple[str, ...] = ()  # other forms of the word
    ordinary: bool = False  # an everyday word too, which earlier chapters use as such


def read_terms(path: Path) -> list[Term]:
    """Read the terms, in alphabetical order."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["term"]
    terms = [Term(**{**entry, "also": tuple(entry.get("also", ()))}) for entry in entries]
    return sorted(terms, key=lambda term: term.name.lower())


def glossary(terms: Sequence[Term], chapters: Sequence[tuple[str, str]]) -> str:
    """Return the list of terms as MyST Markdown.

    Parameters
    ----------
    terms : sequence of Term
    chapters : sequence of (str, str)
        Page and title of each chapter, in order.
    """
    entries = []
    for term in terms:
        page, title = chapters[term.chapter - 1]
        where = f"[Chapter {term.chapter}: {title}]({page})"
        entries.append(f"{term.name}\n  {term.text} {where}.\n")
    return "\n".join(["```{glossary}", *entries, "```", ""])


def link_terms(notebook: NotebookNode, terms: Sequence[Term], *, chapter: int) -> None:
    """Make the first occurrence of each term in a lesson's sentences a link to the glossary.

    Parameters
    ----------
    notebook : NotebookNode
        Changed in place.
    terms : sequence of Term
    chapter : int
        Of the lesson.
    """
    meant = [term for term in terms if not term.ordinary or term.chapter <= chapter]
    by_form = {form.lower(): term for term in meant for form in (term.name, *term.also)}
    longest_first = sorted(by_form, key=len, reverse=True)
    # A hyphen belongs to the word: "test" is none in "test-driven".
    any_form = re.compile(
        rf"(?<![\w-])({'|'.join(map(re.escape, longest_first))})(?![\w-])", re.IGNORECASE
    )
    met: set[str] = set()

    def link(match: re.Match[str]) -> str:
        term = by_form[match[0].lower().replace("\n", " ")]
        if term.name in met:
            return match[0]
        met.add(term.name)
        return f"{{term}}`{match[0]} <{term.name}>`"

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            body, heading, rest = cell.source.partition(_LAST_SECTION)
            cell.source = in_prose(lambda text: any_form.sub(link, text), body) + heading + rest


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx to show a term's first sentence where a pointer rests on its link."""
    app.add_config_value("glossary_terms", [], "html")
    app.connect("doctree-resolved", _add_tooltips)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_tooltips(app: Sphinx, doctree: nodes.document, page: str) -> None:
    from docutils import nodes

    first_sentences = {
        _letters(term.name): term.text.partition(". ")[0].rstrip(".") + "."
        for term in app.config.glossary_terms
    }
    for link in doctree.findall(nodes.reference):
        name = next(iter(link.findall(nodes.inline)), None)
        anchor = link.get("refuri", link.get("refid", "")).rpartition("#")[2]
        if name is not None and "std-term" in name["classes"]:
            link["reftitle"] = first_sentences[_letters(anchor.removeprefix("term-"))]


def _letters(words: str) -> str:
    """Return what a term and the anchor that Sphinx makes of it have in common."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[\W_]+", "", plain.lower())

"""The glossary's entries against the lessons that they send readers to and are linked from."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from nbformat.v4 import new_notebook

from mnist_course_tools.notebooks import LESSONS, chapter_of, read_notebook
from mnist_course_tools.site.glossary import link_terms, read_terms

ROOT = Path(__file__).parents[1]
TERMS = read_terms(ROOT / "docs" / "glossary.toml")
# Earlier lessons mention these in passing, as "the subject of chapter 7", or use them in a plain
# sense before their own chapter says what they are.
AHEAD = {
    *("calibration", "confusion matrix", "convergence", "F1", "nearest neighbour", "precision"),
    *("recall", "score", "solver", "support vector machine", "threshold"),
}
_LINK = re.compile(r"\{term\}`[^`<]+ <([^>]+)>`")


@pytest.fixture(scope="module")
def mentions():
    """Return, for each chapter, in how many of its cells each form of a word would be linked."""
    # Each form a term of its own: the linker stops at the first form that it meets.
    forms = [
        replace(term, name=form, also=()) for term in TERMS for form in (term.name, *term.also)
    ]
    found: dict[int, Counter[str]] = {}
    for path in sorted((ROOT / LESSONS).glob("*.ipynb")):
        found[chapter_of(path)] = counter = Counter()
        for cell in read_notebook(path).cells:
            alone = new_notebook(cells=[cell])
            link_terms(alone, forms, chapter=chapter_of(path))
            if cell.cell_type == "markdown":
                counter.update(_LINK.findall(alone.cells[0].source))
    return found


def _of_term(mentions, term):
    """Return in how many cells of each chapter that has it a term stands, whatever its form."""
    counts = {n: sum(c[form] for form in (term.name, *term.also)) for n, c in mentions.items()}
    return {chapter: count for chapter, count in counts.items() if count}


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_stands_in_the_sentences_of_the_chapter_that_explains_it(mentions, term):
    # Of an ordinary word, from its own chapter on: earlier it means something else, and is no link.
    found = _of_term(mentions, term)
    assert term.chapter in found, f"{term.name}: chapter {term.chapter}, and met in {[*found]}"
    if term.name in AHEAD:
        earlier = [count for chapter, count in found.items() if chapter < term.chapter]
        assert 0 < max(earlier, default=0) < found[term.chapter], f"{term.name}: {found}"
    else:
        assert term.chapter == min(found), f"{term.name}: met in chapter {min(found)} already"


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_every_other_form_of_a_word_is_met_in_some_lesson(mentions, term):
    dead = [form for form in term.also if not any(counter[form] for counter in mentions.values())]
    assert not dead, f"{term.name}: no lesson's sentences have {dead}, so nothing is linked by them"


def test_no_form_belongs_to_two_terms():
    forms = Counter(form.lower() for term in TERMS for form in (term.name, *term.also))
    assert not [form for form, times in forms.items() if times > 1]

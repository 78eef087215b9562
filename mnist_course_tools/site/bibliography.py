"""What the lessons cite, collected from their own lists."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mnist_course.report import published, write
from mnist_course_tools.site.tables import values_in

_SOURCE = re.compile(r'Source ([A-D]): ("[^"]+" \([^)]*\))')
_TITLE = re.compile(r"\(\d{4}\)\. (.+)|(\*.+)")
_LETTERS = 24  # of a title, by which two entries are known for the same


def sources(references: Mapping[int, Sequence[str]]) -> str:
    """Return the four sources as Markdown, with the chapters that take them up.

    Parameters
    ----------
    references : mapping
        The entries at the end of each chapter, by its number.
    """
    names = dict(
        match
        for entries in references.values()
        for words in entries
        for match in _SOURCE.findall(words)
    )
    lines = []
    for letter, name in sorted(names.items()):
        numbers = [number for number in published().values() if number.letter == letter]
        chapters = sorted({number.chapter for number in numbers})
        count = sum(values_in(write(number.value)) for number in numbers)
        lines.append(
            f"- **Source {letter}**: {name}. {count} of its values are taken up, in "
            f"{_chapters(chapters)}."
        )
    return "\n".join([*lines, ""])


def bibliography(references: Mapping[int, Sequence[str]]) -> str:
    """Return all that the lessons cite as Markdown: each work once, with its chapters.

    Parameters
    ----------
    references : mapping
        The entries at the end of each chapter, by its number.
    """
    works: dict[str, tuple[str, set[int]]] = {}
    for chapter, entries in references.items():
        for words in entries:
            cited, *_ = re.split(r" Source [A-D]:|; and the table on", words)
            title = _TITLE.search(cited)
            if title is None or cited.startswith("Source"):
                continue  # a remark, or one of the four sources
            key = re.sub(r"\W+", "", (title[1] or title[2]).lower())[:_LETTERS]
            known, chapters = works.get(key, ("", set()))
            cited = cited if cited.endswith((".", ".*")) else f"{cited}."
            longer = max(known, cited, key=len)
            works[key] = (longer, {*chapters, chapter})
    lines = [
        f"- {words} <small>Cited in {_chapters(sorted(chapters))}.</small>"
        for words, chapters in sorted(works.values(), key=lambda work: work[0].lower())
    ]
    return "\n".join([*lines, ""])


def _chapters(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"chapters {', '.join(first)} and {last}" if first else f"chapter {last}"

"""Markdown apart from what in it is no prose: code, formulas, HTML."""

from __future__ import annotations

import re
from collections.abc import Callable

# A block of code, or code within a line.
CODE = (
    r"^(?P<fence>`{3,}|~{3,}|:{3,}).*?^(?P=fence)[ \t]*$"
    r"|(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)"
)
_MORE = (
    r"^\#[^\n]*$|^\|[^\n]*$"  # headings and rows of tables
    r"|\$\$.+?\$\$|(?<![\\\w$])\$(?!\s)[^$]+?(?<!\s)\$(?!\d)"
    r"|!?\[[^\]]*\]\([^)]*\)|<summary>.*?</summary>|</?[a-z][^>]*>"
)
_NO_PROSE = re.compile(rf"{CODE}|{_MORE}", re.DOTALL | re.M)


def in_prose(change: Callable[[str], str], text: str) -> str:
    """Change Markdown in sentences only: no code, formula, heading, table, link or HTML tag.

    Parameters
    ----------
    change : callable
        Takes a piece of the text and returns what stands in its place.
    text : str

    Returns
    -------
    str
    """
    pieces, end = [], 0
    for match in _NO_PROSE.finditer(text):
        pieces += [change(text[end : match.start()]), match[0]]
        end = match.end()
    return "".join([*pieces, change(text[end:])])

"""Tables and texts of strangers, made so that spreadsheets and people read them safely."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from mnist_course.errors import CourseError
from mnist_course_tools.notebooks import write_whole

LONGEST = 20_000  # characters; a cell of a spreadsheet holds 32,767
BOM = "\ufeff"  # tells spreadsheets that the file is UTF-8

# Control characters, and those that turn the direction of the text after them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
LINE_END = re.compile(r"\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")
# Where a spreadsheet would begin a formula: at the start of a cell; and, as it may take another
# separator than ours, after a separator or line end, if what follows calls or asks for something.
_STARTS = r"=+\-@＝＋－＠"
_INSIDE = rf"(?<=[;,\t\r\n])%s(?=[ '\"]*[{_STARTS}][^;,\t\r\n]*[(|!])"
_FORMULA = re.compile(rf"^(?='*[{_STARTS}\t\r])|{_INSIDE % ''}")
_DEFUSED = re.compile(rf"^'(?='*[{_STARTS}\t\r])|{_INSIDE % chr(39)}")


def harmless(text: str) -> str:
    """Return text of a stranger without what is not seen, and not longer than is ever read.

    Control characters and those that turn the direction of writing go, line ends become ``\\n``,
    and a longer text ends after `LONGEST` characters with a note.
    """
    text = LINE_END.sub("\n", text)
    text = _LONE_SURROGATE.sub("\ufffd", _UNSEEN.sub("", text))
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[cut here: the first {LONGEST:,} of {len(text):,} characters]"


def defused(cell: str) -> str:
    """Return a cell that no spreadsheet runs as a formula; `restored` is its inverse.

    Examples
    --------
    >>> defused("=SUM(A1:A9)")
    "'=SUM(A1:A9)"
    """
    return _FORMULA.sub("'", cell)


def restored(cell: str) -> str:
    """Return a cell as it was before `defused`."""
    return _DEFUSED.sub("", cell)


def plain(number: float) -> str:
    """Return a number as a person writes it: ``2``, ``0.5``, not ``2.0``."""
    return f"{number:.4f}".rstrip("0").rstrip(".")


def write_table(path: Path, rows: Iterable[Sequence[str]], *, separator: str = ",") -> None:
    """Write a table that spreadsheets open with umlauts and without formulas.

    Parameters
    ----------
    path : Path
        Replaced whole or not at all.
    rows : iterable of sequence of str
        The names of the columns first.
    separator : str, default=","

    Raises
    ------
    CourseError
        If it cannot be written, such as when a spreadsheet holds it.
    """
    try:
        with write_whole(path) as file:
            file.write(BOM)
            writer = csv.writer(file, delimiter=separator)
            writer.writerows([defused(cell) for cell in row] for row in rows)
    except OSError as error:
        raise CourseError(
            f"{path} cannot be written ({error.strerror or error}). It is as it was before.\n"
            f"If it is open in a spreadsheet, close it there and try again."
        ) from None


def alphabet(name: str) -> tuple[str, str]:
    """Return what sorts names as people look for them: Änne beside Anne, not behind Zoë."""
    letters = unicodedata.normalize("NFKD", name)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold(), name


def order(number: str) -> tuple[tuple[int, str], ...]:
    """Return what sorts 5.10 behind 5.9."""
    return tuple((int(part or 0), rest) for part, rest in re.findall(r"(\d*)([^\d.]*)\.?", number))

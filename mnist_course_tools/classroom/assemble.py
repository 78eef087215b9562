"""Puts what a student wrote back into the frame of the assignment's source.

A submission may have lost cells, or hold them twice, split, elsewhere or changed. Only what the
student was asked to write is taken from it, together with cells of the student's own; all the rest
comes from the source, and each difference is said.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from nbformat import NotebookNode

_LONGEST = 20_000  # characters of a cell that is looked into
Kind = Literal["given", "answer", "check", "words", "own"]
_NAMED = {
    "answer": "the place for code",
    "check": "the check",
    "words": "the place for words",
}


@dataclass(frozen=True)
class Cell:
    """A cell that is run, or read.

    Attributes
    ----------
    kind : str
        ``"given"`` by the assignment, an ``"answer"`` in code, a ``"check"``, ``"words"``, or the
        student's ``"own"``.
    source : str
    name : str
        Its grade id; empty where it has none.
    points : float
        Of a check, or of words.
    blank : bool
        Whether an answer is still as it was handed out.
    """

    kind: Kind
    source: str
    name: str = ""
    points: float = 0.0
    blank: bool = False


@dataclass
class Assembled:
    """Cells in the source's order, and what was different in the submission."""

    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class AnotherAssignment(Exception):
    """No cell of the submission belongs to the assignment."""


def kind_of(cell: NotebookNode) -> Kind | None:
    """Return what a cell of a source is for; None for text that is only read."""
    grading = _grading(cell)
    if cell.cell_type == "markdown":
        return "words" if grading.get("solution") else None
    if grading.get("solution"):
        return "answer"
    return "check" if grading.get("grade") else "given"


def assemble(source: NotebookNode, handed_out: NotebookNode, sent: NotebookNode) -> Assembled:
    """Put a submission into the frame of its source.

    Parameters
    ----------
    source, handed_out : NotebookNode
        The assignment with solutions, and as students were given it.
    sent : NotebookNode
        What a student sent in.

    Returns
    -------
    Assembled

    Raises
    ------
    AnotherAssignment
        If nothing in it belongs to this assignment.
    """
    frame = [cell for cell in handed_out.cells if kind_of(cell)]
    places = _places(frame, sent.cells)
    if not _belongs(frame, sent.cells):
        raise AnotherAssignment
    pieces: dict[int, list[str]] = defaultdict(list)
    own: dict[int, list[str]] = defaultdict(list)
    words: dict[int, list[str]] = defaultdict(list)
    printed = {cell.source.strip() for cell in handed_out.cells} | {
        cell.source.strip() for cell in source.cells
    }
    last = -1
    for cell, place in zip(sent.cells, places, strict=True):
        if place is not None:
            pieces[place].append(cell.source)
            last = place
        elif cell.cell_type == "code" and cell.source.strip():
            own[last].append(cell.source)
        elif cell.cell_type == "markdown" and cell.source.strip() not in printed:
            words[last].append(cell.source)
    made = Assembled()
    _note_order([place for place in places if place is not None], frame, made)
    waiting: list[str] = own.pop(-1, [])
    for place, cell in enumerate(frame):
        # The student's own cells come after what was put back, and before they are judged.
        if place in pieces or kind_of(cell) == "check":
            _add_own(made, waiting)
            waiting = []
        elsewhere = [text for back in range(place) for text in words.pop(back, [])]
        if kind_of(cell) == "words" and place not in pieces and elsewhere:
            made.notes.append(f"{_said('words', _name(cell))} was missing; other words were taken.")
            pieces[place] = elsewhere
        made.cells += _cells(cell, pieces.get(place, []), made.notes)
        waiting += own[place]
    _add_own(made, waiting)
    return made


def _belongs(frame: Sequence[NotebookNode], sent: Sequence[NotebookNode]) -> bool:
    """Tell whether some cell that only this assignment has was sent."""
    names = {_name(cell) for cell in frame} - {""}
    checks = {cell.source.strip() for cell in frame if kind_of(cell) == "check"}
    return any(_name(cell) in names or cell.source.strip() in checks for cell in sent)


def _places(frame: Sequence[NotebookNode], sent: Sequence[NotebookNode]) -> list[int | None]:
    """Return for each cell that was sent which one of the frame it is, or a piece or copy of."""
    by_name = {_name(cell): place for place, cell in enumerate(frame) if _name(cell)}
    by_id = {cell.id: place for place, cell in enumerate(frame) if cell.get("id")}
    by_text = {cell.source.strip(): place for place, cell in enumerate(frame)}
    found: list[int | None] = []
    for cell in sent:
        place = by_name.get(_name(cell))
        if place is None and not _name(cell):
            place = by_text.get(cell.source.strip(), by_id.get(cell.get("id", "")))
        fits = place is not None and frame[place].cell_type == cell.cell_type
        found.append(place if fits else None)
    return found


def _cells(frame: NotebookNode, pieces: list[str], notes: list[str]) -> list[Cell]:
    """Return what stands in the place of one cell of the frame."""
    kind, name = kind_of(frame), _name(frame)
    points = float(_grading(frame).get("points", 0) or 0)
    as_it_was = frame.source.strip()
    changed = [piece for piece in pieces if piece.strip() != as_it_was]
    if kind in ("answer", "words"):
        if not pieces:
            notes.append(f"{_said(kind, name)} was missing and has been put back, empty.")
        if len(pieces) > 1:
            notes.append(f"{_said(kind, name)} stood there {len(pieces)} times: put together.")
        text = _joined(changed, code=kind == "answer") if changed else frame.source
        if kind == "words":
            text = _own_words(text, frame.source)
        return [Cell(kind, text, name, points, blank=not changed or not text)]
    if not pieces:
        notes.append(f"{_said(kind, name)} was missing and has been put back, which costs nothing.")
    elif kind == "check" and changed:
        notes.append(f"{_said(kind, name)} was changed; the original was used.")
    cells = [Cell(kind, frame.source, name, points)]
    imports = "\n".join(filter(None, map(_imports, changed))) if kind == "given" else ""
    if kind == "given" and changed:
        kept = "; your imports were kept" if imports else ""
        notes.append(f"A cell with {_first_line(frame)} was changed; the original was used{kept}.")
    if imports:
        cells.append(Cell("own", imports))
    return cells


def _own_words(text: str, printed: str) -> str:
    """Return an answer without the lines that the assignment had printed in its place."""
    lines = {line.strip() for line in printed.splitlines()} - {""}
    return "\n".join(line for line in text.splitlines() if line.strip() not in lines).strip()


def _joined(pieces: list[str], *, code: bool) -> str:
    """Put pieces of a split cell together; of copies that do not fit together, all that can run."""
    whole = "\n".join(pieces) if code else "\n\n".join(dict.fromkeys(pieces))
    if not code or len(pieces) == 1 or _parses(whole):
        return whole
    return "\n\n".join([piece for piece in pieces if _parses(piece)] or pieces[:1])


def _parses(code: str) -> bool:
    from IPython.core.inputtransformer2 import TransformerManager

    if len(code) > _LONGEST:  # IPython takes minutes for a long cell with many magics
        return False
    try:
        ast.parse(TransformerManager().transform_cell(code))
    except Exception:  # of many kinds, for text that is no code
        return False
    return True


def _imports(code: str) -> str:
    """Return the import statements of a cell; none if it cannot be read."""
    try:
        statements = ast.parse(code[:_LONGEST]).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    found = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
    return "\n".join(map(ast.unparse, found))


def _add_own(made: Assembled, sources: list[str]) -> None:
    made.cells += [Cell("own", source) for source in sources]


def _note_order(places: list[int], frame: Sequence[NotebookNode], made: Assembled) -> None:
    """Say which cells do not stand where they did: those that come after a later one."""
    furthest = -1
    for place in places:
        if place < furthest and _name(frame[place]):
            words = _said(kind_of(frame[place]), _name(frame[place]))
            made.notes.append(f"{words} stood elsewhere and has been moved back.")
        furthest = max(furthest, place)


def _said(kind: Kind | None, name: str) -> str:
    if not name:
        return "A cell of the assignment"
    number = ".".join(name.split("-")[1:]) or name
    words = f"{_NAMED.get(str(kind), 'the cell')} of {number}"
    return words[0].upper() + words[1:]


def _name(cell: NotebookNode) -> str:
    return str(_grading(cell).get("grade_id") or "")


def _grading(cell: NotebookNode) -> Mapping[str, Any]:
    """Return what nbgrader knows of a cell; a student's may be anything at all."""
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, Mapping) else {}


def _first_line(cell: NotebookNode) -> str:
    line = cell.source.strip().partition("\n")[0]
    return f"`{line[:50]}`"

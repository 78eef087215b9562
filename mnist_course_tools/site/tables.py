"""What runs recorded, as tables and sentences of the site: nothing in them is typed by hand."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_course.report import RESULTS, Record, parse, published, read_ledger
from mnist_course_tools.claims import read_claims

if TYPE_CHECKING:
    from mnist_course.report import Published

_LONGEST = 4  # components that are shown side by side
_VERDICTS = {True: "✓ yes", False: "✗ no", None: "not compared"}


def facts() -> dict[str, Any]:
    """Return the numbers that the home page states."""
    claims = read_claims(RESULTS / "claims.csv")
    best = min(recorded("race"), key=lambda row: int(row["errors"]))
    return {
        "values": sum(values_by_chapter().values()),
        "experiments": len({id.rpartition(".")[0] for id in _agreeing()}),
        "claims": sum(holds for _, _, holds, _ in claims),
        "errors": best["errors"],
        "low": best["low"],
        "high": best["high"],
    }


def values_by_chapter() -> dict[int, int]:
    """Return how many published values agree, by chapter; a value of several parts is several."""
    counts: dict[int, int] = {}
    for name, record in _agreeing().items():
        chapter = published()[name].chapter
        counts[chapter] = counts.get(chapter, 0) + values_in(record.published)
    return counts


def _agreeing() -> dict[str, Record]:
    return {r.id: r for r in read_ledger(RESULTS / "ledger.csv") if r.agrees}


def recorded(name: str) -> list[dict[str, str]]:
    """Return the rows of a table that a benchmark recorded."""
    _, *lines = (RESULTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(lines))


def machine_of(name: str) -> str:
    """Return on what machine that was."""
    first, *_ = (RESULTS / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    return first.removeprefix("#").strip()


def race_table() -> str:
    """Return the race as an HTML table."""
    head = [
        *("Model", "Published errors, %", "Our errors of 10,000", "Our errors, %"),
        *("95 % interval", "Seconds", "Peak MB"),
    ]
    rows = [
        [
            html.escape(row["row"]),
            row["published %"] or "–",
            row["errors"],
            row["error %"],
            f"{row['low']} to {row['high']}",
            row["seconds"],
            f"{int(row['peak MB']):,}",
        ]
        for row in recorded("race")
    ]
    return _table("The race: models, errors and their price", head, rows, numbers_from=1)


def ledger(titles: Sequence[str]) -> str:
    """Return the ledger as Markdown, a table for each chapter.

    Parameters
    ----------
    titles : sequence of str
        Of the chapters, in order.
    """
    head = ["What", "Source", "Published", "Ours", "Tolerance", "Agrees"]
    numbers = published()
    by_id: dict[str, Record] = {}
    for record in read_ledger(RESULTS / "ledger.csv"):
        # What ran in both profiles is shown as the lesson computes it.
        if record.id not in by_id or record.profile == "full":
            by_id[record.id] = record
    records = sorted(by_id.values(), key=lambda record: numbers[record.id].chapter)
    parts = []
    for chapter, group in groupby(records, key=lambda record: numbers[record.id].chapter):
        rows = [_ledger_row(record, numbers[record.id]) for record in group]
        caption = f"Published numbers of chapter {chapter}, and ours"
        parts.append(_section(chapter, titles, _table(caption, head, rows)))
    return "\n".join(parts)


def claims(titles: Sequence[str]) -> str:
    """Return the claims as Markdown, a table for each chapter.

    Parameters
    ----------
    titles : sequence of str
        Of the chapters, in order.
    """
    parts = []
    for chapter, group in groupby(read_claims(RESULTS / "claims.csv"), key=lambda claim: claim[0]):
        rows = [
            [html.escape(sentence), "✓ holds" if holds else "✗ does not hold"]
            for _, sentence, holds, _ in group
        ]
        table = _table(f"Claims of chapter {chapter}", ["Sentence", "On all rows"], rows)
        parts.append(_section(chapter, titles, table))
    return "\n".join(parts)


def _section(chapter: int, titles: Sequence[str], table: str) -> str:
    return f"## Chapter {chapter}: {titles[chapter - 1]}\n\n{table}\n"


def _ledger_row(record: Record, number: Published) -> list[str]:
    recorded = "" if record.profile == "full" else " <small>recorded</small>"
    words = html.escape(number.experiment if number.experiment != "same" else "")
    what = f"{html.escape(number.quantity)} <code>{record.id}</code>"
    return [
        f"{what}<small class='experiment'>{words}</small>",
        number.letter,
        *_both(record),
        "exact" if number.tolerance is None else f"± {number.tolerance:g}",
        f"{_VERDICTS[record.agrees]}{recorded}",
    ]


def _both(record: Record) -> tuple[str, str]:
    """Return the published value and ours; many components are folded."""
    theirs, ours = parse(record.published), parse(record.ours)
    if values_in(record.published) <= _LONGEST:
        return _written(theirs), _written(ours)
    summary = f"{values_in(record.published)} values"
    if isinstance(theirs, tuple) and isinstance(ours, tuple) and len(theirs) == len(ours):
        gap = float(np.max(np.abs(np.subtract(theirs, ours))))
        away = f"at most {gap:.4g} away" if gap else "all the same"
    else:
        away = summary
    return _folded(summary, _written(theirs)), _folded(away, _written(ours))


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{summary}</summary>{text}</details>"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return html.escape(value)
    numbers = value if isinstance(value, tuple) else (value,)
    return ", ".join(f"{number:.6g}" for number in numbers)


def values_in(text: str) -> int:
    """Return of how many values a number consists, as the ledger writes it."""
    return len(text.split())


def _table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers_from: int = 99
) -> str:
    """Return an HTML table without blank lines, in a box that scrolls by itself.

    Parameters
    ----------
    caption : str
    head : sequence of str
    rows : iterable of sequence of str
        HTML.
    numbers_from : int
        Columns from here on are set to the right.
    """
    heads = "".join(f'<th scope="col">{words}</th>' for words in head)
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td class="number">{cell}</td>' if place >= numbers_from else f"<td>{cell}</td>"
            for place, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        '<div class="wide-table" tabindex="0">\n<table class="table">\n'
        f"<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n"
    )

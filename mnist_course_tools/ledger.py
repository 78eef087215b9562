"""The ledger as a file: collected from run notebooks, merged, written, checked."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mnist_course.report import RECORD_MIME, Record, published, read_ledger
from mnist_course_tools.notebooks import read_notebook, run_again, write_whole


def collect(notebook: Mapping[str, Any]) -> list[Record]:
    """Return the records that a run notebook's outputs hold, in order.

    Parameters
    ----------
    notebook : mapping
        In nbformat 4.
    """
    return [
        Record.from_plain(output["data"][RECORD_MIME])
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if RECORD_MIME in output.get("data", {})
    ]


def write_ledger(path: Path, records: Iterable[Record]) -> None:
    """Write a ledger file, in the order of the published table and then of the profiles."""
    place = {id: position for position, id in enumerate(published())}
    rows = sorted(records, key=lambda record: (place.get(record.id, math.inf), record.profile))
    with write_whole(path) as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Record)], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**asdict(r), "agrees": _as_text(r.agrees)} for r in rows)


def merge(old: Iterable[Record], new: Iterable[Record]) -> list[Record]:
    """Return the records of both, the new ones where both have an id in the same profile."""
    merged = {(record.id, record.profile): record for record in (*old, *new)}
    return list(merged.values())


def ledger_problems(notebooks: Sequence[Path], ledger: Path) -> list[str]:
    """Compare the committed ledger with the committed notebooks.

    Parameters
    ----------
    notebooks : sequence of Path
        Committed notebooks, run in the full profile.
    ledger : Path
        The committed ledger; other profiles' rows in it are not looked at.

    Returns
    -------
    list of str
        A sentence for each record that does not agree with the published number, or stands
        otherwise in the ledger.

    Raises
    ------
    CourseError
        If one of them is no notebook.
    """
    stored = {(row.id, row.profile): row for row in read_ledger(ledger)}
    problems = []
    for notebook in notebooks:
        for record in collect(read_notebook(notebook)):
            if not record.agrees:
                problems.append(f"{notebook.name}: {record.id} does not agree with the source.")
            if stored.get((record.id, record.profile)) != record:
                problems.append(
                    f"{notebook.name}: {record.id} is {record.ours} in the notebook and other in "
                    f"{ledger.name}. {run_again(notebook)}"
                )
    return problems


def _as_text(agreement: bool | None) -> str:
    return "" if agreement is None else str(agreement)

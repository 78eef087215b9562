"""The claims of all chapters as a file: collected from run notebooks, written, checked."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_course.claims import CLAIM_MIME, Claim
from mnist_course.errors import CourseError
from mnist_course_tools.notebooks import (
    chapter_of,
    is_solution,
    read_notebook,
    run_again,
    take_again,
    write_whole,
)

_COLUMNS = ("chapter", "sentence", "holds", "profile")

Row = tuple[int, str, bool, str]
"""Chapter, sentence, whether it holds, and the profile it was tested in."""


def collect_claims(notebook: Mapping[str, Any]) -> list[Claim]:
    """Return the claims that a run notebook's outputs hold, in order.

    Parameters
    ----------
    notebook : mapping
        In nbformat 4.
    """
    return [
        Claim.from_plain(output["data"][CLAIM_MIME])
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if CLAIM_MIME in output.get("data", {})
    ]


def rows_of(path: Path, claims: Iterable[Claim]) -> list[Row]:
    """Return the claims of a notebook as rows of the file."""
    chapter = chapter_of(path)
    return [(chapter, claim.sentence, claim.holds, claim.profile) for claim in claims]


def read_claims(path: Path) -> list[Row]:
    """Read a file of claims; a missing one is empty.

    Raises
    ------
    CourseError
        If it is damaged.
    """
    if not path.exists():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                (int(row["chapter"]), row["sentence"], row["holds"] == "True", row["profile"])
                for row in csv.DictReader(file)
            ]
    except (ValueError, KeyError):
        raise CourseError(f"{path.name} is damaged.\n{take_again(path)}") from None


def write_claims(path: Path, rows: Iterable[Row]) -> None:
    """Write a file of claims, by chapter and profile, each in the order of its notebook."""
    with write_whole(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(sorted(rows, key=lambda row: (row[0], row[3])))


def replace(old: Iterable[Row], new: Sequence[Row], ran: Collection[tuple[int, str]]) -> list[Row]:
    """Return the old rows but those of the chapters and profiles that `ran`, and the new ones."""
    return [row for row in old if (row[0], row[3]) not in ran] + list(new)


def claim_problems(notebooks: Sequence[Path], stored: Path) -> Iterator[str]:
    """Compare the committed claims with the committed notebooks; yield a sentence for each problem.

    Parameters
    ----------
    notebooks : sequence of Path
        Committed notebooks, run in the full profile; solved exercises make no claims.
    stored : Path
        The committed file of claims.

    Raises
    ------
    CourseError
        If one of them is no notebook.
    """
    rows = read_claims(stored)
    for notebook in (path for path in notebooks if not is_solution(path)):
        claims = collect_claims(read_notebook(notebook))
        for claim in claims:
            if not claim.holds:
                yield f"{notebook.name}: this does not hold: {claim.sentence}."
        mine = [row for row in rows if row[0] == chapter_of(notebook)]
        if mine != rows_of(notebook, claims):
            yield (
                f"{notebook.name}: its claims are others in {stored.name}. {run_again(notebook)}"
            )

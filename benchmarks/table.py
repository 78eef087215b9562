"""Tables that look the same in a terminal and in a README."""

from __future__ import annotations

import csv
import platform
from collections.abc import Sequence

from mnist_course.machine import owned_cores, versions
from mnist_course.report import RESULTS


def this_machine() -> str:
    """Return one line with what the figures depend on."""
    return f"{owned_cores()} cores, {platform.system()} {platform.machine()}, {versions()}"


def print_machine() -> None:
    """Print what the figures depend on."""
    print(f"{this_machine()}\n")


def record_table(
    name: str,
    headings: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    machine: str | None = None,
) -> None:
    """Print a table, and keep it where notebooks find it.

    Parameters
    ----------
    name : str
        The benchmark's module name.
    headings, rows
        All text.
    machine : str, optional
        What the figures depend on, where that is not this process.
    """
    machine = machine or this_machine()
    print(f"{machine}\n")
    print_table(headings, list(rows))
    path = RESULTS / f"{name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(f"# {machine}\n")
        csv.writer(file, lineterminator="\n").writerows([headings, *rows])
    print(f"\nWritten to mnist_course/results/{path.name}")


def print_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a Markdown table; see `markdown`."""
    print(markdown(headings, rows))


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table with its columns aligned, the first to the left."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    rule = tuple("-" * (w - 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths))
    lines = []
    for first, *others in (headings, rule, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append(f"| {' | '.join([first.ljust(widths[0]), *cells])} |")
    return "\n".join(lines)

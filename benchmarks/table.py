"""Tables that look the same in a terminal and in a README."""

from __future__ import annotations

import platform

from mnist_course.machine import owned_cores, versions


def print_machine() -> None:
    """Print what the figures depend on."""
    print(f"{owned_cores()} cores, {platform.system()} {platform.machine()}, {versions()}\n")


def print_table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """Print a Markdown table with its columns aligned, the first to the left."""
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    rule = tuple("-" * (w - 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths))
    for first, *others in (headings, rule, *rows):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print(f"| {' | '.join([first.ljust(widths[0]), *cells])} |")

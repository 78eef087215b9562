"""What each chapter takes in the quick profile, one after the other: seconds and peak memory.

The table of chapters in the README has these figures. Each notebook runs with one BLAS thread on
the first rows of MNIST, and what counts is the most that its kernel and what it started held.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.table import record_table
from mnist_course.profiles import PROFILES
from mnist_course_tools.notebooks import LESSONS, course_folder, find_notebooks
from mnist_course_tools.run.runner import Runner, ThisMachine


def main() -> None:
    """Run all lessons once and record a line for each."""
    lessons = find_notebooks(course_folder() / LESSONS)
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(
            PROFILES["quick"], "mnist", Path(scratch), ThisMachine(1), watch=_say_where_it_is
        )
        outcomes = runner.run(lessons)
    if failed := [outcome.notebook.stem for outcome in outcomes if not outcome.ok]:
        sys.exit(f"Nothing was recorded, because these failed: {', '.join(failed)}")
    rows = [
        (str(number), f"{outcome.seconds:.0f}", f"{outcome.peak_bytes / 1e6:.0f}")
        for number, outcome in enumerate(outcomes, start=1)
    ]
    record_table("chapters", ("chapter", "seconds", "peak MB"), rows)


def _say_where_it_is(notebook: Path, cell: int, cells: int) -> None:
    if cell == 1:
        print(f"{notebook.stem} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

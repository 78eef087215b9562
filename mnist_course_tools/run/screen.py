"""What the terminal shows during a run and after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from mnist_course_tools.run.job import Outcome
from mnist_course_tools.run.pages import agreement, holding, result
from mnist_course_tools.run.runner import Watcher


@contextmanager
def progress(console: Console) -> Iterator[Watcher]:
    """Show a bar for each notebook that runs; yield the function that moves it.

    Where the output is not a terminal (a log of CI) a line for each notebook that starts
    replaces the bars.
    """
    if not console.is_terminal:
        started: set[Path] = set()

        def tell(notebook: Path, cell: int, cells: int) -> None:
            if notebook not in started:
                started.add(notebook)
                console.print(f"running {notebook.stem} ({cells} cells)")

        yield tell
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("cell {task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        tasks: dict[Path, TaskID] = {}

        def move(notebook: Path, cell: int, cells: int) -> None:
            if notebook not in tasks:
                tasks[notebook] = bars.add_task(notebook.stem, total=cells)
            bars.update(tasks[notebook], completed=cell)

        yield move


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return the table that ends a run: a row for each notebook."""
    rows = Table()
    rows.add_column("chapter", no_wrap=True)
    rows.add_column("seconds", justify="right", no_wrap=True)
    rows.add_column("peak memory", justify="right", no_wrap=True)
    rows.add_column("numbers that agree")
    rows.add_column("claims that hold")
    rows.add_column("result", overflow="fold")
    for outcome in outcomes:
        rows.add_row(
            outcome.notebook.stem,
            f"{outcome.seconds:.1f}",
            f"{outcome.peak_bytes / 1e6:.0f} MB",
            agreement(outcome),
            holding(outcome),
            Text(result(outcome), style="green" if outcome.ok else "red"),
        )
    return rows

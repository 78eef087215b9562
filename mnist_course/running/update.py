"""Writing a run back into the repository: the notebooks' outputs and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.ledger import merge, read_ledger, write_ledger
from mnist_course.running.normalise import normalise

if TYPE_CHECKING:
    from mnist_course.running.job import Outcome


def write_back(outcomes: Sequence[Outcome], results: Path, *, notebooks: bool) -> None:
    """Write the outputs of successful notebooks back, and their records into the ledger.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those that failed, or whose numbers do not agree, are left out.
    results : Path
        Folder of ``ledger.csv``.
    notebooks : bool
        Whether the notebooks are written too; committed outputs come from the full profile.
    """
    import nbformat

    good = [outcome for outcome in outcomes if outcome.ok]
    for outcome in good if notebooks else ():
        source = nbformat.read(outcome.notebook, as_version=4)
        run = nbformat.read(outcome.output, as_version=4)
        text = nbformat.writes(normalise(run, source), version=4)
        # Beside it first, then in its place: a full disk must not cost the reader a notebook.
        beside = outcome.notebook.with_suffix(".ipynb.new")
        beside.write_text(text.rstrip("\n") + "\n", encoding="utf-8", newline="\n")
        beside.replace(outcome.notebook)
    ledger = results / "ledger.csv"
    records = [record for outcome in good for record in outcome.records]
    write_ledger(ledger, merge(read_ledger(ledger), records))

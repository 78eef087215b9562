"""Writing a run back into the course: the notebooks' outputs and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.report import read_ledger
from mnist_course_tools.ledger import merge, write_ledger
from mnist_course_tools.normalise import normalise
from mnist_course_tools.notebooks import read_notebook, write_notebook

if TYPE_CHECKING:
    from mnist_course_tools.run.job import Outcome


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
    good = [outcome for outcome in outcomes if outcome.ok]
    for outcome in good if notebooks else ():
        clean = normalise(read_notebook(outcome.output), read_notebook(outcome.notebook))
        write_notebook(outcome.notebook, clean)
    ledger = results / "ledger.csv"
    records = [record for outcome in good for record in outcome.records]
    write_ledger(ledger, merge(read_ledger(ledger), records))

"""Writing a run back into the course: the notebooks' outputs, the ledger and the claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.report import read_ledger
from mnist_course_tools.claims import read_claims, replace, rows_of, write_claims
from mnist_course_tools.ledger import merge, write_ledger
from mnist_course_tools.normalise import normalise
from mnist_course_tools.notebooks import (
    chapter_of,
    is_solution,
    read_notebook,
    write_notebook,
)

if TYPE_CHECKING:
    from mnist_course_tools.run.job import Outcome


def write_back(outcomes: Sequence[Outcome], results: Path, *, notebooks: bool) -> None:
    """Write the outputs of successful notebooks back, and their records and claims.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Those that failed, whose numbers do not agree or whose claims do not hold, are left out.
    results : Path
        Folder of ``ledger.csv`` and ``claims.csv``.
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
    claims = results / "claims.csv"
    # What other profiles claim stands in no committed notebook.
    lessons = [o for o in good if notebooks and not is_solution(o.notebook)]
    rows = [row for outcome in lessons for row in rows_of(outcome.notebook, outcome.claims)]
    ran = {(chapter_of(outcome.notebook), outcome.profile) for outcome in lessons}
    write_claims(claims, replace(read_claims(claims), rows, ran))

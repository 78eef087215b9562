"""The committed lessons: they keep the house rules, and they run without any data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_course.profiles import get_profile
from mnist_course.report import RESULTS, SLOW, published, read_ledger
from mnist_course_tools.check.house import check_file
from mnist_course_tools.claims import claim_problems, collect_claims, read_claims
from mnist_course_tools.ledger import collect, ledger_problems
from mnist_course_tools.notebooks import find_notebooks, read_notebook
from mnist_course_tools.run.runner import Runner

ROOT = Path(__file__).parents[1]
NOTEBOOKS = find_notebooks(ROOT / "notebooks")
LEDGER, CLAIMS = RESULTS / "ledger.csv", RESULTS / "claims.csv"
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@each_notebook
def test_it_keeps_the_house_rules(path):
    assert check_file(path) == []


@each_notebook
def test_it_says_how_long_it_takes(path):
    assert "**Time:** about " in read_notebook(path).cells[0].source


def _profiles(path: Path) -> list[str]:
    slow = 'profile == "slow"' in "\n".join(c.source for c in read_notebook(path).cells)
    return ["quick", "slow"] if slow else ["quick"]


@pytest.mark.parametrize(
    ("path", "profile"),
    [(path, profile) for path in NOTEBOOKS for profile in _profiles(path)],
    ids=lambda value: getattr(value, "stem", value),
)
def test_it_runs_on_the_embedded_digits(path, profile, tmp_path):
    (outcome,) = Runner(get_profile(profile), "digits", tmp_path).run([path])
    assert outcome.failure is None, outcome.failure.traceback
    committed = {record.id for record in collect(read_notebook(path))}
    assert {record.id for record in outcome.records} == committed
    computed = [record for record in outcome.records if record.source == "digits"]
    assert all(record.agrees is None for record in computed)
    # The slow fits themselves, not what an earlier run recorded of them.
    assert profile == "quick" or computed == list(outcome.records)


def test_the_slow_branches_of_four_chapters_are_among_them():
    slow = [path.stem[:2] for path in NOTEBOOKS if "slow" in _profiles(path)]
    assert slow == ["03", "04", "07", "08"]


@each_notebook
def test_its_committed_numbers_come_from_all_rows_of_mnist_and_agree(path):
    for record in collect(read_notebook(path)):
        assert (record.source, record.agrees) == ("mnist", True)
        assert record.profile in ("full", SLOW)


@each_notebook
def test_the_ledger_says_what_it_says(path):
    assert ledger_problems([path], LEDGER) == []


def test_every_published_number_of_a_finished_chapter_is_in_the_ledger():
    finished = {int(path.name.split("_")[0]) for path in NOTEBOOKS}
    wanted = {id for id, number in published().items() if number.chapter in finished}
    assert {record.id for record in read_ledger(LEDGER)} == wanted


def test_all_numbers_that_the_sources_print_are_there():
    values = [n.value for n in published().values()]
    count = sum(
        len(v) if isinstance(v, tuple) else len(v.split()) if isinstance(v, str) else 1
        for v in values
    )
    assert (len(values), count) == (66, 359)


@each_notebook
def test_its_claims_hold_and_the_file_of_claims_says_the_same(path):
    assert list(claim_problems([path], CLAIMS)) == []


def test_every_lesson_makes_claims_and_no_other_chapter_is_in_the_file():
    made = {path.stem[:2] for path in NOTEBOOKS if collect_claims(read_notebook(path))}
    assert made == {path.stem[:2] for path in NOTEBOOKS}
    assert {f"{row[0]:02}" for row in read_claims(CLAIMS)} == made


def test_a_changed_number_in_the_ledger_is_found(tmp_path):
    spoiled = tmp_path / "ledger.csv"
    text = LEDGER.read_text(encoding="utf-8")
    spoiled.write_text(text.replace(",522,522,", ",522,521,"), encoding="utf-8")
    (problem,) = ledger_problems(NOTEBOOKS, spoiled)
    assert "variance100.features is 522 in the notebook" in problem

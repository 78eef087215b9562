"""Tables that benchmarks recorded: one source for notebooks, README and reader."""

from __future__ import annotations

import csv
import re
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.table import markdown, record_table
from mnist_course import recorded_benchmark
from mnist_course.errors import UsageError
from mnist_course.report import RESULTS

ROOT = Path(__file__).parents[1]
RECORDED = sorted({path.stem for path in RESULTS.glob("*.csv")} - {"ledger", "claims"})


def test_a_table_is_recorded_and_shown_with_its_machine(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.table.RESULTS", tmp_path)
    monkeypatch.setattr("mnist_course.report.RESULTS", tmp_path)
    record_table("race", ("What", "time"), [("with, comma", "1.0 s"), ("without", "")])
    capsys.readouterr()
    table = recorded_benchmark("race")
    assert table.loc["with, comma", "time"] == "1.0 s"
    assert table.loc["without", "time"] == ""
    said = capsys.readouterr().out
    packages = rf"scikit-learn {re.escape(version('scikit-learn'))}"
    assert re.search(rf"Recorded, not computed now: \d+ cores, .*{packages}", said)
    assert "python -m benchmarks.race" in said


@pytest.mark.parametrize("name", ["nothing", "ledger", "claims"])
def test_a_table_that_nobody_recorded_is_an_error_that_lists_those_there_are(name):
    with pytest.raises(UsageError, match=f"table '{name}'.\nThere are {', '.join(RECORDED)}."):
        recorded_benchmark(name)


@pytest.mark.parametrize("name", RECORDED)
def test_the_readme_of_the_benchmarks_holds_the_recorded_table(name):
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        machine = file.readline().removeprefix("# ").strip()
        headings, *rows = csv.reader(file)
    readme = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert markdown(headings, rows) in readme, f"paste the table of benchmarks.{name}"
    assert machine in readme
    assert (ROOT / "benchmarks" / f"{name}.py").exists()


def test_tables_that_notebooks_show_are_recorded():
    shown = set()
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        text = notebook.read_text(encoding="utf-8")
        shown |= set(re.findall(r'recorded_benchmark\(\\"(\w+)\\"\)', text))
    # README and the site show these.
    assert shown == set(RECORDED) - {"against", "chapters", "in_browser"}

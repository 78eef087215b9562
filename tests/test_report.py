"""`report` and the ledger: published numbers, ours, and when the two agree."""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from mnist_course import report
from mnist_course.errors import CourseError, UsageError
from mnist_course.report import (
    RECORD_MIME,
    Record,
    agrees,
    make_record,
    published,
    read_ledger,
    reporter,
)
from mnist_course_tools.ledger import collect, merge, write_ledger


def test_every_line_of_the_table_is_read():
    text = files("mnist_course").joinpath("published.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["id"] for row in rows] == list(published())
    assert all(1 <= number.chapter <= 10 for number in published().values())
    assert all(n.tolerance is None or n.tolerance > 0 for n in published().values())


def test_values_are_read_as_what_they_are():
    assert published()["variance100.features"].value == 522
    assert published()["lr-raw.converged"].value is True
    assert published()["five-sgd.cv-accuracy"].value == (0.95035, 0.96035, 0.9604)
    assert published()["knn-grid.best"].value == "n_neighbors=4 weights=distance"


@pytest.mark.parametrize(
    ("id", "ours", "expected"),
    [
        ("lr-minmax.accuracy", 0.9214, True),  # published 0.921 ± 0.0005
        ("lr-minmax.accuracy", 0.9215, True),
        ("lr-minmax.accuracy", 0.9216, False),
        ("lr-minmax.accuracy", np.float32(0.921), True),
        ("lr-minmax.accuracy", float("nan"), False),
        ("lr-minmax.accuracy", "good", False),
        ("variance100.features", 522, True),
        ("variance100.features", np.int64(522), True),
        ("variance100.features", 521, False),
        ("lr-raw.converged", True, True),
        ("lr-raw.converged", np.False_, False),
        ("lr-raw.converged", 1, False),
        ("five-sgd.cv-accuracy", [0.951, 0.96, 0.9604], True),
        ("five-sgd.cv-accuracy", [0.951, 0.96], False),
        ("five-sgd.cv-accuracy", [0.951, 0.96, 0.9], False),
        ("five-sgd.confusion", np.array([[53900, 679], [1900, 3521]]), True),
        ("five-sgd.confusion", np.array([[53900, 679], [3521, 1900]]), False),
        ("knn-grid.best", {"weights": "distance", "n_neighbors": 4}, True),
        ("knn-grid.best", {"weights": "uniform", "n_neighbors": 4}, False),
    ],
)
def test_agreement_is_judged_by_the_tolerance(id, ours, expected):
    assert agrees(ours, published()[id]) is expected


def test_only_all_rows_of_mnist_are_compared():
    assert make_record("variance100.features", 522, source="mnist", profile="full").agrees is True
    assert make_record("variance100.features", 9, source="mnist", profile="slow").agrees is False
    assert make_record("variance100.features", 522, source="mnist", profile="quick").agrees is None
    assert make_record("variance100.features", 522, source="digits", profile="full").agrees is None


@pytest.mark.parametrize(
    ("id", "words"),
    [
        (
            "lr-rwa.accuracy",
            r"no published number 'lr-rwa\.accuracy'.\nDo you mean lr-raw\.accuracy",
        ),
        ("nonsense", r"no published number 'nonsense'.\nTheir ids stand in .*published\.csv"),
    ],
)
def test_an_unknown_id_is_an_error_that_names_those_spelt_nearly_so(id, words):
    with pytest.raises(UsageError, match=words):
        reporter("mnist", "full")(id, 0.9)


def _shown(monkeypatch, *, id="variance100.features", value=522, source="mnist", profile="full"):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, **options: shown.append((data, options))
    )
    reporter(source, profile)(id, value)
    ((data, options),) = shown
    assert options == {"raw": True}
    return data


def test_report_shows_one_line_and_leaves_a_record(monkeypatch):
    data = _shown(monkeypatch)
    assert data["text/plain"] == (
        "✓ pixels kept: ours 522, published 522 (source B; agrees exactly)"
    )
    assert "<strong>522</strong>" in data["text/html"]
    notebook = {"cells": [{"outputs": [{"data": data}]}, {"cell_type": "markdown"}]}
    assert collect(notebook) == [
        Record("variance100.features", "522", "522", True, "full", "mnist")
    ]


def test_report_says_plainly_when_a_number_does_not_agree(monkeypatch):
    assert "does NOT agree" in _shown(monkeypatch, value=500)["text/plain"]


RECALL = np.array(published()["ovr-saga.recall"].value)


def test_many_numbers_are_a_table_with_the_largest_difference_named(monkeypatch):
    ours = RECALL + 0.0001
    ours[3] -= 0.0008
    data = _shown(monkeypatch, id="ovr-saga.recall", value=ours)
    first, *table = data["text/plain"].splitlines()
    assert first.endswith(
        "(source B; agrees within 0.002; the largest difference is -0.0007, at 3)"
    )
    assert [line.split()[0] for line in table] == ["0", "ours", "published", "difference"]
    assert table[3].split()[1:5] == ["+0.0001", "+0.0001", "+0.0001", "-0.0007"]
    assert data["text/html"].count("<th>") == 14  # ten digits, three rows and the corner
    assert data[RECORD_MIME]["agrees"] is True

    data = _shown(monkeypatch, id="ovr-saga.recall", value=RECALL)
    assert data["text/plain"].splitlines()[0].endswith("agrees within 0.002; no difference)")


def test_one_number_outside_the_tolerance_is_enough(monkeypatch):
    ours = RECALL.copy()
    ours[7] += 0.003
    data = _shown(monkeypatch, id="ovr-saga.recall", value=ours)
    assert data[RECORD_MIME]["agrees"] is False
    assert (
        "does NOT agree within 0.002; the largest difference is +0.003, at 7" in data["text/html"]
    )


def test_a_table_takes_its_labels_from_pandas(monkeypatch):
    named = pd.Series(RECALL + np.eye(10)[9] * 0.001, index=[f"digit {n}" for n in range(10)])
    data = _shown(monkeypatch, id="ovr-saga.recall", value=named)
    assert "+0.001, at digit 9" in data["text/plain"]


def test_a_matrix_keeps_its_shape_and_shows_where_it_differs(monkeypatch):
    matrix = np.array(published()["lr-lbfgs100.confusion"].value, dtype=int).reshape(10, 10)
    matrix[3, 4] += 5
    matrix[9, 0] -= 1
    data = _shown(monkeypatch, id="lr-lbfgs100.confusion", value=matrix)
    first, *rows = data["text/plain"].splitlines()
    assert "the largest difference is +5, at 3, 4" in first
    assert len(rows) == 11
    assert f"{matrix[3, 4]} (+5)" in rows[4]
    assert rows[10].split()[1:3] == [str(matrix[9, 0]), "(-1)"]


def test_a_value_of_another_length_is_not_compared_number_by_number(monkeypatch):
    data = _shown(monkeypatch, id="ovr-saga.recall", value=RECALL[:9])
    assert data["text/plain"].endswith("there are 10 numbers, and ours are 9)")
    assert data[RECORD_MIME]["agrees"] is False


def test_on_the_embedded_digits_report_says_that_the_published_number_is_about_mnist(monkeypatch):
    text = _shown(monkeypatch, value=400, source="digits")["text/plain"]
    assert "ours 400" in text
    assert "about MNIST" in text
    assert "agree" not in text


def test_a_ledger_survives_writing_and_reading(tmp_path):
    records = [
        Record("lr-poly.accuracy", "0.9805", "0.98048", True, "full", "mnist"),
        Record("variance100.features", "522", "522", None, "quick", "mnist"),
        Record("knn-grid.best", "n_neighbors=4 weights=distance", "a, b", False, "full", "mnist"),
    ]
    path = tmp_path / "results" / "ledger.csv"
    write_ledger(path, records)
    assert sorted(read_ledger(path), key=str) == sorted(records, key=str)
    # In the order of the published table, so that a diff shows what changed and no more.
    assert [record.id for record in read_ledger(path)] == [
        id for id in published() if id in {record.id for record in records}
    ]
    assert read_ledger(tmp_path / "none.csv") == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(",True,", ",true,"),
        lambda text: text.replace("agrees", "agree"),
        lambda text: text.replace("published", "publish"),
        lambda text: text[: text.index("full")],
        lambda text: text.replace("0.98048", "\udcff"),
    ],
    ids=["another word", "no verdicts", "a column less", "cut off", "no text"],
)
def test_a_damaged_ledger_is_an_error_that_says_what_to_do(tmp_path, damage):
    path = tmp_path / "ledger.csv"
    write_ledger(path, [Record("lr-poly.accuracy", "0.9805", "0.98048", True, "full", "mnist")])
    damaged = damage(path.read_text(encoding="utf-8"))
    path.write_text(damaged, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(CourseError, match=r"ledger\.csv is damaged.\n.*git checkout"):
        read_ledger(path)


def test_new_records_replace_those_of_the_same_id_and_profile():
    old = [Record("a", "1", "1", True, "full", "mnist"), Record("a", "1", "2", True, "quick", "m")]
    new = [Record("a", "1", "3", True, "full", "mnist")]
    assert [record.ours for record in merge(old, new)] == ["3", "2"]


def test_values_are_written_with_seven_digits():
    assert report.write(0.91507142857) == "0.9150714"
    assert report.write(np.array([[1, 2], [3, 4]])) == "1 2 3 4"
    assert report.write(True) == "True"


def _recorded(monkeypatch, tmp_path, records, id="lr-raw.accuracy"):
    path = tmp_path / "ledger.csv"
    write_ledger(path, records)
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append(data))
    reporter("digits", "quick").recorded(id)
    return shown


def test_a_recorded_number_says_that_it_is_recorded_and_how_to_repeat_it(monkeypatch, tmp_path):
    slow = Record("lr-raw.accuracy", "0.9150714", "0.9151", True, "slow", "mnist", "412")
    (data,) = _recorded(monkeypatch, tmp_path, [slow])
    assert "ours 0.9151" in data["text/plain"]
    assert "Recorded from an earlier run, took 412 s." in data["text/plain"]
    assert "mnist-course run 3 --profile slow" in data["text/html"]
    assert collect({"cells": [{"outputs": [{"data": data}]}]}) == [slow]


def test_a_number_that_nobody_recorded_is_not_made_up(monkeypatch, tmp_path, capsys):
    quick = Record("lr-raw.accuracy", "0.9150714", "0.9151", None, "full", "mnist")
    assert _recorded(monkeypatch, tmp_path, [quick]) == []
    assert "only in the slow profile" in capsys.readouterr().out
    with pytest.raises(UsageError, match="no published number 'lr-rwa'"):
        _recorded(monkeypatch, tmp_path, [], id="lr-rwa")


def test_the_seconds_of_a_slow_experiment_are_kept(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: shown.append(data))
    reporter("mnist", "slow")("lr-raw.converged", True, seconds=411.6)
    assert shown[0][RECORD_MIME]["seconds"] == "412"


def test_a_record_of_a_later_version_of_the_course_can_be_read():
    kept = {"id": "a", "published": "1", "ours": "1", "agrees": True, "profile": "full"}
    notebook = {"cells": [{"outputs": [{"data": {RECORD_MIME: {**kept, "source": "mnist"}}}]}]}
    (record,) = collect(notebook)
    notebook["cells"][0]["outputs"][0]["data"][RECORD_MIME]["phase of the moon"] = "full"
    assert collect(notebook) == [record]


def test_a_ledger_that_cannot_be_written_whole_stays_as_it_was(monkeypatch, tmp_path):
    path = tmp_path / "ledger.csv"
    write_ledger(path, [Record("variance100.features", "522", "522", True, "full", "mnist")])
    before = path.read_bytes()

    def full(self, rows):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv.DictWriter, "writerows", full)
    with pytest.raises(OSError, match="No space left"):
        write_ledger(path, [])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

"""The benchmark against the sources: it covers what they print, and compares like with like."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.against import EXPERIMENTS, Found, from_ledger, row, sums, total
from benchmarks.as_taught import TAUGHT
from benchmarks.as_written import WRITTEN
from mnist_course import Dataset, load_mnist
from mnist_course.report import published

# Worked examples: nothing is fitted, nothing takes time.
ARITHMETIC = {"disease.matrix", "threes.f1"}


@pytest.fixture(scope="module")
def few():
    """The first 252 digits, six sevenths of them for training; labels as both sides have them."""
    digits = load_mnist("digits")
    images, labels = digits.images[:252], digits.labels[:252]
    mnist = Dataset.of(images, labels, n_train=216, source="digits")
    return mnist, images.astype(np.float64), labels.astype(str).astype(object)


@pytest.mark.filterwarnings("ignore")  # few rows: what is said about them is true
def test_every_number_that_a_source_prints_comes_out_of_one_experiment(few):
    _, X, y = few
    found = [id for run in WRITTEN.values() for id in run(X=X, y=y)]
    assert len(found) == len(set(found))
    assert set(found) == published().keys() - ARITHMETIC
    assert {each.written for each in EXPERIMENTS} == WRITTEN.keys()


@pytest.mark.filterwarnings("ignore")
def test_the_course_has_the_same_numbers_or_says_that_it_runs_another_model(few):
    mnist, X, y = few
    for each in EXPERIMENTS:
        theirs = WRITTEN[each.written](X=X, y=y) if not each.recorded else None
        ours = TAUGHT[each.taught](mnist)
        if theirs is None:
            quantity = from_ledger(each.recorded)
            line = row(each.name, each.letter, quantity, Found(1.0, 1e6, dict.fromkeys(ours, "1")))
            assert "another model" in line[-1] and line[-2], each.name
        else:
            assert ours.keys() == theirs.keys(), each.name
    assert {each.taught for each in EXPERIMENTS} == TAUGHT.keys()


def test_only_what_one_run_measured_has_a_ratio():
    measured = Found(30.0, 4e9, {"lr-poly.accuracy": "0.9805"})
    ours = Found(15.0, 1e9, {"lr-poly.accuracy": "0.9804286"})
    assert row("a", "A", measured, ours) == (
        *("a", "A", "30", "15", "2.0", "4000", "1000", "4.0"),
        *("accuracy", "0.9805", "0.9804", "the same number"),
    )
    recorded = from_ledger(["svm-rbf.accuracy"])
    line = row("b", "B", recorded, Found(15.0, 1e9, {"accuracy": "0.98"}))
    assert line[4:8] == ("", "", "1000", "")
    assert line[-1] == "theirs recorded, with scikit-learn-intelex; another model"


def test_a_number_that_is_not_the_published_one_is_named():
    ours = Found(1.0, 1e9, {"lr-poly.accuracy": "0.5"}, misses=["lr-poly.accuracy"])
    assert row("a", "A", Found(1.0, 1e9, {"lr-poly.accuracy": "0.9805"}), ours)[-1].endswith(
        "ours misses lr-poly.accuracy"
    )


def test_fits_that_were_recorded_one_by_one_add_up_and_memory_does_not():
    both = from_ledger(["sgd10.first-answer", "sgd10.cv-accuracy"])
    one = [from_ledger([id]) for id in ("sgd10.first-answer", "sgd10.cv-accuracy")]
    assert both.seconds == sum(each.seconds for each in one)
    together = total([Found(1.0, 3e9), Found(2.0, 1e9)], left_out=5)
    assert (together.seconds, together.peak) == (3.0, 3e9)
    assert together.note == "without the 5 recorded"


def test_a_sum_counts_only_what_was_run_as_written_and_a_shared_model_once():
    load = Found(3.0, 7e8), Found(0.5, 9e7)
    theirs = {each.written: Found(10.0, 1e9) for each in EXPERIMENTS}
    ours = {each.taught: Found(1.0, 5e8) for each in EXPERIMENTS}
    there, here = sums("B", theirs, ours, load)
    of_b = [each for each in EXPERIMENTS if each.letter == "B"]
    assert there.seconds == 3 + 10 * len(of_b)
    assert here.seconds == 0.5 + len({each.taught for each in of_b}) < 0.5 + len(of_b)
    del theirs["svm-rbf"]
    there, here_without = sums("B", theirs, ours, load)
    assert there.seconds == 3 + 10 * (len(of_b) - 1)
    assert there.note == "without the 1 recorded"
    assert here_without.seconds == here.seconds  # the other machines still need that model

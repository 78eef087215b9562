"""Checks of exercises: a right answer passes, and whatever else comes is answered in words."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from mnist_course.checks import WrongAnswer, answers, check
from mnist_course.checks.answers import NotYet, beaten, demanding
from mnist_course.errors import UsageError
from mnist_course_tools.notebooks import read_notebook
from tests.answers import Case

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "exercises" / "source").glob("*.ipynb"))
CHAPTERS = [import_module(f"tests.answers.chapter_{path.name[:2]}") for path in SOURCES]
MAKERS = {number: make for chapter in CHAPTERS for number, make in chapter.CASES.items()}


@functools.cache
def _case(number: str) -> Case:
    return MAKERS[number]()


class _EqualToAnything:
    def __eq__(self, other):
        return True

    __hash__ = None


class _Stubborn:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")


def _fails(*args):
    raise ZeroDivisionError("by zero")


RUBBISH = [
    *("a word", b"bytes", {}, set(), [], [[1], [2, 3]], np.nan, [np.nan] * 10, np.inf, -1e300),
    *(np.zeros(3), np.full((28, 28), np.nan), object(), _EqualToAnything(), _Stubborn()),
    *(
        _fails,
        lambda *args: None,
        lambda *args: "word",
        lambda *args: np.nan,
        lambda *args: [],
        lambda *args: -1e300,
        lambda *args: 10**400,
        lambda *args: [[1], [2, 3]],
        lambda *args: range(10**30),
        lambda *args: [range(10**12)] * 2,
        lambda *args: np.broadcast_to(1.0, (10**6, 10**6)),
        lambda *args: _Stubborn(),
        lambda *args: (_Stubborn(), _Stubborn()),
        lambda *args: _EqualToAnything(),
        lambda: 1,
        print,
        int,
    ),
]

each_exercise = pytest.mark.parametrize("number", MAKERS)


@each_exercise
def test_a_right_answer_is_called_right(number):
    case = _case(number)
    for right in [case.right, *case.also]:
        verdict = check(number, *right, **case.given)
        assert verdict, verdict
        assert verdict.words.startswith("right. ")
        assert verdict.credit == 1


@each_exercise
def test_no_answer_yet_is_said_as_that(number):
    case = _case(number)
    for blank in (None, ...):
        verdict = check(number, *[blank] * len(case.right), **case.given)
        assert not verdict
        assert "nothing here yet" in verdict.words
        assert verdict.credit == 0
    for place, answer in enumerate(case.right):
        empty = (lambda *args: None) if callable(answer) else None
        answer = [*case.right[:place], empty, *case.right[place + 1 :]]
        verdict = check(number, *answer, **case.given)
        assert not verdict
        assert verdict.blank
        assert verdict.credit == 0


@each_exercise
def test_wrong_answers_are_told_what_is_wrong_with_them(number):
    case = _case(number)
    assert case.wrong
    for answer, words, *credit in case.wrong:
        verdict = check(number, *answer, **case.given)
        assert not verdict
        assert words in verdict.words, f"{words!r} is not in {verdict}"
        assert verdict.words.startswith("not yet. ")
        assert [verdict.credit] == (credit or [0]), f"{verdict} has credit {verdict.credit}"
        assert "cannot be looked at" not in verdict.words


@each_exercise
def test_whatever_an_answer_is_the_check_says_what_was_wanted(number):
    case = _case(number)
    for place in range(len(case.right)):
        for rubbish in RUBBISH:
            answer = [*case.right[:place], rubbish, *case.right[place + 1 :]]
            verdict = check(number, *answer, **case.given)
            assert not verdict, f"{rubbish!r} at {place} passed: {verdict}"
            assert verdict.credit == 0, f"{rubbish!r} at {place}: {verdict}"
            assert "cannot be looked at" not in verdict.words, f"{rubbish!r}: {verdict}"


@each_exercise
def test_a_check_leaves_the_data_as_they_are(number):
    case = _case(number)
    before = {name: np.array(value, copy=True) for name, value in case.given.items()}
    check(number, *case.right, **case.given)
    for name, value in case.given.items():
        np.testing.assert_array_equal(value, before[name])


@each_exercise
def test_numbers_of_any_size_are_answered_in_words(number):
    case = _case(number)
    least_part = {"1.2": 1, "3.1": 2}.get(number)  # whatever it is, half is left

    def like(right, value):
        if callable(right):
            return lambda *args: like(right(*args), value)
        if isinstance(right, tuple | list) and len({np.shape(part) for part in right}) > 1:
            return [like(part, value) for part in right]
        return np.full(np.shape(right), value)

    for place, right in enumerate(case.right):
        for value in (0, -1, 0.5, 300, -(2.0**62), 1e29, 1e308):
            answer = [*case.right[:place], like(right, value), *case.right[place + 1 :]]
            verdict = check(number, *answer, **case.given)
            assert not verdict, f"{value} at {place} passed: {verdict}"
            assert "cannot be looked at" not in verdict.words, f"{value} at {place}: {verdict}"
            assert verdict.credit == 0 or place == least_part, f"{value} at {place}: {verdict}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__[-2:])
def test_every_message_with_half_credit_has_a_case_that_shows_it(chapter, monkeypatch):
    module = import_module(f"mnist_course.checks.{chapter.__name__.rpartition('.')[2]}")
    lines, said = set(), []

    class Recorded(answers.NotYet):
        def __init__(self, words, *, credit=0.0):
            super().__init__(words, credit=credit)
            if credit:
                lines.add(sys._getframe(1).f_lineno)

    monkeypatch.setattr(module, "NotYet", Recorded)
    for number in chapter.CASES:
        case = _case(number)
        for answer, _, *credit in case.wrong:
            if credit:
                said.append(check(number, *answer, **case.given).words)
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and any(word.arg == "credit" for word in node.keywords):
            assert node.lineno in lines, f"no case for {ast.unparse(node)}"
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "forms":
            for words in map(ast.literal_eval, node.value.keys):
                assert any(words in each for each in said), f"no case for {words!r}"


@pytest.mark.parametrize("number", ["5.4", "6.1"])
def test_a_slip_in_the_first_trial_alone_is_not_forgotten_in_the_second(number):
    case = _case(number)
    (right,) = case.right
    calls = []

    def swapped_once(*arguments):
        calls.append(arguments)
        found = right(*arguments)
        return found[::-1] if len(calls) == 1 else found

    verdict = check(number, swapped_once, **case.given)
    assert (verdict.credit, len(calls)) == (0.5, 2)


def test_thresholds_that_other_rows_do_not_reward_are_right_all_the_same():
    rng = np.random.default_rng(5)
    truth, scores = rng.random(400) < 0.5, rng.normal(size=400)
    scores[:200] += 3 * truth[:200]  # on the second half a score says nothing
    (cheapest,) = _case("4.3").right
    verdict = check("4.3", cheapest, truth=truth, scores=scores)
    assert verdict
    assert "does not reward" in verdict.words


def test_numbers_can_be_demanded_to_be_beaten_by_more():
    assert beaten(0.95, 0.90, 1 / 2, 200)
    with demanding(0.1), pytest.raises(NotYet, match="it takes"):
        beaten(0.95, 0.90, 1 / 2, 200)
    assert beaten(0.95, 0.90, 1 / 2, 200)


def test_every_check_of_a_notebook_has_its_cases():
    called = set()
    for path in SOURCES:
        for cell in read_notebook(path).cells:
            called |= set(re.findall(r'^check\("(\d+\.\d+)"', cell.source, re.MULTILINE))
    assert called == set(MAKERS)


def test_while_nbgrader_grades_a_wrong_answer_fails_its_cell(monkeypatch):
    case = _case("2.1")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert check("2.1", *case.right, **case.given)
    with pytest.raises(WrongAnswer, match=r"2\.1: not yet"):
        check("2.1", 6, *case.right[1:], **case.given)
    with pytest.raises(WrongAnswer, match="nothing here yet"):
        check("2.1", None, None, None, **case.given)


@pytest.mark.parametrize("number", ["2.9", "77.1", "word", "", 2])
def test_an_exercise_that_is_not_there_is_said_in_words(number):
    with pytest.raises(UsageError, match="no exercise"):
        check(number, 1)


def test_a_check_cell_that_was_changed_is_said_in_words():
    with pytest.raises(UsageError, match=r"not the check of 2\.1 as it was"):
        check("2.1", 7, 5.5, 0.2)


def test_what_jupyter_shows_names_the_exercise():
    case = _case("2.1")
    right = check("2.1", *case.right, **case.given)
    assert right._repr_markdown_().startswith("✓ **Exercise 2.1:** right. ")
    blank = check("2.1", None, **case.given)
    assert repr(blank).startswith("○ Exercise 2.1: nothing here yet")

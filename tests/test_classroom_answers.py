"""Answers that come from another process: judged as in the notebook, and nothing is believed."""

from __future__ import annotations

import functools
import pickle
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pytest

from mnist_course.checks import judge
from mnist_course_tools.classroom import wire
from mnist_course_tools.classroom.inside import Inside, _words
from mnist_course_tools.classroom.reference import reference_of
from mnist_course_tools.classroom.session import RemoteFunction, RemoteObject, Session, Stopped
from tests.support.students import SOURCES, assignment_of
from tests.test_checks import MAKERS, RUBBISH, _case

each_exercise = pytest.mark.parametrize("number", MAKERS)
NAMES = {int(path.name[:2]): path.stem for path in SOURCES}


class Loop(Session):
    """A line to a student's code in this very process: all that it says goes over the wire."""

    def __init__(self) -> None:
        self.inside = Inside.__new__(Inside)
        self.inside.objects = []

    def _give_up(self) -> NoReturn:
        raise Stopped("gave up")

    def take(self, answers: tuple[Any, ...]) -> tuple[Any, ...]:
        found = wire.from_student(
            wire.to_grader({"values": [self.inside._encode(each) for each in answers]})
        )
        return tuple(map(self._decode, found["values"]))

    def _request(
        self, *request: Any, values: int = 0, seconds: float | None = None
    ) -> dict[str, Any]:
        name, *rest = wire.from_grader(wire.to_student(request))
        try:
            found = getattr(self.inside, f"_{name}")(*rest)
        except Exception as error:
            found = {"raised": _words(error)}
        return self._checked(wire.from_student(wire.to_grader(found)), values)


def _over_the_wire(number: str, answers: tuple[Any, ...]) -> Any:
    return judge(number, Loop().take(answers), _case(number).given)


@each_exercise
def test_right_and_wrong_answers_are_judged_as_in_the_notebook(number):
    case = _case(number)
    for answers in (case.right, *case.also):
        assert _over_the_wire(number, answers)
    half = [wrong for wrong in case.wrong if len(wrong) > 2]
    # Not all of them: test_checks asks about each, and here each is asked over the wire.
    for answers, words, *credit in [*case.wrong[:3], *half]:
        verdict = _over_the_wire(number, answers)
        assert not verdict
        # An endless range stays where it is, so nobody learns how long it is.
        assert words in verdict.words or "a range cannot be read" in verdict.words
        assert [verdict.credit] == (credit or [0.0])


class _Lying(np.ndarray):
    """An array that claims to be right, whatever it is compared with."""

    def __eq__(self, other):
        return np.True_

    def __abs__(self):
        return np.zeros(self.shape).view(np.ndarray)

    def __array_ufunc__(self, *args, **kwargs):
        return np.zeros(self.shape)

    def __array__(self, *args, **kwargs):
        return np.zeros(3)


class _Callable:
    """Equal to all, larger and smaller, and whatever it is asked for it gives itself."""

    __name__ = "right"

    def __call__(self, *args):
        return self

    def __eq__(self, other):
        return True

    def __getattr__(self, name):
        return self

    def __getitem__(self, key):
        return self

    __lt__ = __gt__ = __le__ = __ge__ = __eq__
    __hash__ = None


@each_exercise
def test_no_object_can_talk_its_way_to_a_mark(number):
    case = _case(number)
    for lie in (np.arange(10.0).view(_Lying), _Callable(), *RUBBISH):
        for answers in (
            [lie] * len(case.right),
            [(lambda *args, lie=lie: lie) if callable(a) else lie for a in case.right],
        ):
            verdict = _over_the_wire(number, tuple(answers))
            assert not verdict, f"{lie!r} passed"
            assert verdict.credit == 0


NOT_OF_ROWS = {"6.3"}  # its answer is a pipeline, fitted by the check itself


def _recorded(function: Any) -> tuple[Any, Any]:
    """Return a function that keeps what another returned, and one that knows only that."""
    kept: dict[bytes, Any] = {}

    def keeping(*args):
        key = pickle.dumps(args)
        kept[key] = function(*args)
        return kept[key]

    def knowing(*args):
        found = kept.get(pickle.dumps(args))
        return next(iter(kept.values())) if found is None else found

    return keeping, knowing


@functools.cache
def _unseen(chapter: int) -> dict[str, dict[str, Any]]:
    """Return what checks are given for rows that students have not seen."""
    return reference_of(assignment_of(NAMES[chapter])).given


@each_exercise
def test_an_answer_that_was_written_down_earns_nothing_on_rows_that_nobody_has_seen(number):
    case = _case(number)
    pairs = [_recorded(each) if callable(each) else (each, each) for each in case.right]
    assert judge(number, tuple(keeping for keeping, _ in pairs), case.given)
    written_down = tuple(knowing for _, knowing in pairs)
    assert judge(number, written_down, case.given)  # right on the rows that it was made for
    if number in NOT_OF_ROWS:
        return
    verdict = judge(number, written_down, _unseen(int(number.partition(".")[0]))[number])
    assert not verdict
    assert verdict.credit == 0


@pytest.mark.parametrize(
    "value",
    [
        None,
        ...,
        True,
        3,
        -0.5,
        float("inf"),
        "über",
        b"bytes",
        [1, [2.5, None]],
        (1, "two"),
        {"a": 1, 2: [3]},
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.array([[True, False]]),
        np.zeros((0, 3), dtype=np.float32),
    ],
    ids=repr,
)
def test_plain_values_arrive_as_they_are(value):
    (found,) = Loop().take((value,))
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)
    assert getattr(found, "dtype", None) == getattr(value, "dtype", None)


def test_arrays_of_pandas_and_of_objects_arrive_as_plain_ones():
    series, table, odd = Loop().take(
        (
            pd.Series([1.5, 2], index=["b", "a"]),
            pd.DataFrame({"x": [1, 2]}),
            np.array([1, None], dtype=object),
        )
    )
    assert type(series) is type(table) is np.ndarray
    np.testing.assert_array_equal(series, [1.5, 2])
    assert table.shape == (2, 1)
    assert odd == [1, None]


def test_what_is_no_plain_data_stays_where_it_is():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def change(array):
        array[0] = 9
        return array.sum()

    model, function = Loop().take((make_pipeline(StandardScaler()), change))
    assert isinstance(model, RemoteObject) and not callable(model)
    assert type(model).__name__ == "Pipeline"
    assert type(model[-1]).__name__ == "StandardScaler"
    assert model[:1].fit_transform(np.eye(2)).shape == (2, 2)
    with pytest.raises(AttributeError):
        model.steps  # noqa: B018 - nothing but a few methods
    with pytest.raises(TypeError):
        list(model)
    assert isinstance(function, RemoteFunction)
    numbers = np.zeros(3)
    assert function(numbers) == 9
    assert numbers[0] == 9  # as if it had been called here
    with pytest.raises(Exception, match=r"subscriptable|item assignment") as raised:
        function(1)
    assert type(raised.value).__name__ == "TypeError"


@pytest.mark.parametrize(
    "message",
    [
        b"\xff\xfe",
        b"[1]",
        b"{" * 100_000,
        b'{"values": 3}',
        b'{"raised": "word"}',
        b'{"done": 1}',
        b"{}",
    ],
)
def test_a_message_of_another_form_stops_the_student_and_not_the_grader(message):
    with pytest.raises((wire.BrokenMessage, Stopped)):
        Loop()._checked(wire.from_student(message), 1)


@pytest.mark.parametrize(
    "found",
    [
        3,
        {"plain": [1]},
        {"array": "AAAA", "dtype": "O", "shape": [1]},
        {"array": "AAAA", "dtype": "<f8", "shape": [10**12]},
        {"array": "!", "dtype": "<f8", "shape": []},
        {"array": "", "dtype": "V8", "shape": [0]},
        {"dict": [[{"list": []}, {"plain": 1}]]},
        {"object": "3", "name": "x", "callable": True},
        functools.reduce(lambda inner, _: {"list": [inner]}, range(200), {"plain": 1}),
    ],
    ids=lambda found: str(found)[:40],
)
def test_a_value_of_another_form_does_too(found):
    with pytest.raises(wire.BrokenMessage):
        wire.decode(found, lambda *args: None)

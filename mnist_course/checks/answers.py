"""Reading an answer, which may be anything: what it should be is said in words.

These functions take an answer to what a check can compute with, plain NumPy arrays above all, so
that no type of a learner's own takes part in a comparison.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Whatever is larger is a mistake, and would overflow or fill the memory on the way to its words.
_LARGEST_NUMBER, _LARGEST_SIZE = 1e30, 10**8


_more = 0.0  # set by `demanding`
_MANY = 300  # pictures of which no model of the course reads every single one


class NotYet(Exception):
    """The answer is not right; the message says in words what is wrong with it.

    `credit` is the share of the points that it earns all the same, where only the form is wrong:
    two numbers that have changed places, percentages in the place of shares.
    """

    def __init__(self, words: str, *, credit: float = 0.0) -> None:
        super().__init__(words)
        self.credit = credit


class Blank(NotYet):
    """There is no answer yet."""

    def __init__(self, words: str = "") -> None:
        super().__init__(words or "nothing here yet. Write your answer above and run that cell.")


def is_blank(answer: Any) -> bool:
    """Tell whether an answer is still what the exercise began with."""
    return answer is None or answer is ...


def numbers(answer: Any, shape: tuple[int, ...], what: str) -> NDArray[np.float64]:
    """Return an answer as an array of this shape.

    Parameters
    ----------
    answer : anything
    shape : tuple of int
        ``()`` for a single number; -1 stands for any length.
    what : str
        What it should be, as in "the ten means".

    Raises
    ------
    NotYet
        If it is no array of numbers, of another shape, or holds a NaN or infinity.
    """
    if is_blank(answer):
        raise Blank
    if isinstance(answer, str | bytes | dict) or callable(answer):
        raise NotYet(f"Expected {what}, and this is {_kind(answer)}.")
    if (size := _size(answer)) > _LARGEST_SIZE:
        raise NotYet(f"Expected {what}, and this holds {size:,} numbers.")
    try:
        array = np.array(answer, dtype=np.float64)
    except Exception:  # of many kinds; an answer's own conversion may raise anything
        raise NotYet(f"Expected {what}, and {_kind(answer)} cannot be read as that.") from None
    fits = len(array.shape) == len(shape) and all(
        wanted in (-1, found) for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits:
        found = f"an array of shape {array.shape}" if array.ndim else "a single number"
        wanted = f"an array of shape {shape}" if shape else "a single number"
        wanted = "a list, however long" if shape == (-1,) else wanted
        raise NotYet(f"Expected {what}, {wanted}, and this is {found}.")
    if not np.isfinite(array).all():
        raise NotYet(f"There is a NaN or an infinity in it; expected {what}.")
    if (largest := np.abs(array).max(initial=0)) > _LARGEST_NUMBER:
        raise NotYet(f"There is a number as large as {largest:.0e} in it; expected {what}.")
    return array


def number(answer: Any, what: str) -> float:
    """Return an answer that is a single number; as `numbers`."""
    return float(numbers(answer, (), what))


def whole(answer: Any, what: str) -> int:
    """Return an answer that is a whole number; as `numbers`."""
    value = number(answer, what)
    if value != round(value):
        raise NotYet(f"Expected {what}, a whole number, and this is {value:g}.")
    return round(value)


def several(answer: Any, count: int, words: str) -> tuple[Any, ...]:
    """Return the parts of an answer that is made of so many.

    Raises
    ------
    NotYet
        With these words, if it is not.
    """
    try:
        parts = tuple(islice(answer, count + 1))
    except Exception:  # an answer may be anything at all
        raise NotYet(words) from None
    if len(parts) != count:
        raise NotYet(words)
    return parts


def shape_of(answer: Any) -> tuple[int, ...] | None:
    """Return the shape of an answer, or None if it has none."""
    try:
        return np.shape(answer) if _size(answer) <= _LARGEST_SIZE else None
    except Exception:  # rows of different lengths, and whatever else
        return None


def called(function: Any, *arguments: Any) -> Any:
    """Call a function that the learner wrote, on copies; what it raises is said in words.

    Raises
    ------
    NotYet
        If it is no function, raises something, or returns nothing.
    """
    if not callable(function):
        kind = _kind(function)
        raise NotYet(f"Expected a function, and this is {kind}. Hand it over without calling it.")
    name = getattr(function, "__name__", "function")
    try:
        result = function(*copy.deepcopy(arguments))
    except Exception as error:
        raise NotYet(f"`{name}` stopped with {type(error).__name__}: {error}.") from None
    if is_blank(result):
        raise Blank(f"`{name}` returns nothing yet. Write its body, and end it with `return`.")
    return result


def digits_read(
    read: Any, pictures: NDArray[Any], *, if_odd: str = "", if_same: str = ""
) -> NDArray[np.int64]:
    """Return what a learner's function reads in pictures: a digit for each, by itself.

    `if_odd` is said as well where an answer is no digit, `if_same` where all are the same.

    Raises
    ------
    NotYet
        If it is no such function, or the answer to a picture depends on the others beside it.
    """
    what = "a digit for each picture"
    found = numbers(called(read, pictures), (len(pictures),), what)
    if not np.isin(found, np.arange(10)).all():
        words = f"A digit is a whole number from 0 to 9, and this is {_odd_one(found):g}."
        raise NotYet(f"{words} {if_odd}".rstrip())
    if len(np.unique(found)) == 1:
        raise NotYet(f"It reads a {found[0]:.0f} in every picture. {if_same}".rstrip())
    again = numbers(called(read, pictures[::-3]), (len(pictures[::-3]),), what)
    # A few may differ, where rounding decides between two answers that are equally good.
    if np.mean(again != found[::-3]) > 0.01:
        raise NotYet("The answer to a picture changes with its place among the others.")
    return found.astype(int)


@contextmanager
def demanding(more: float) -> Iterator[None]:
    """Let a number be beaten only with a share fewer mistakes than a task allows.

    Rows for a class are drawn so that the reference solution manages that: with few rows luck
    decides a little, and it should not decide against who has found another good way.
    """
    global _more
    before, _more = _more, more
    try:
        yield
    finally:
        _more = before


def beaten(right: float, to_beat: float, fewer: float, rows: int) -> str:
    """Say by how much a number is beaten; shares of rows, and of mistakes that have to go.

    Raises
    ------
    NotYet
        If it is not, with how many more pictures it takes.
    """
    allowed = (1 - to_beat) * (1 - fewer) * (1 - _more)
    if abs(right - to_beat) * rows < 0.5:
        raise NotYet(f"That reads {right:.1%}, exactly the number to beat.")
    if 1 - right > allowed + 1e-9:
        missing = int(np.ceil((1 - right - allowed) * rows))
        raise NotYet(
            f"That reads {right:.1%}; the number to beat is {to_beat:.1%}. For {fewer:.0%} fewer "
            f"mistakes it takes {missing:,} more of the {rows:,} pictures."
        )
    if rows >= _MANY and right * rows > rows - 0.5:
        raise NotYet(
            f"Not one of {rows:,} pictures is misread. That is too good to be true: has it learned "
            f"from these very pictures?"
        )
    gone = 1 - (1 - right) / (1 - to_beat)
    return f"right. That reads {right:.1%} in place of {to_beat:.1%}: {gone:.0%} fewer mistakes."


def _size(answer: Any) -> int:
    """Return how many numbers an answer holds, as far as it tells before they are looked at."""
    try:
        if isinstance(answer, list | tuple) and len(answer) <= _LARGEST_SIZE:
            return sum(max(1, _size(part)) for part in answer)
        return int(answer.size) if isinstance(answer, np.ndarray) else len(answer)
    except OverflowError:
        return sys.maxsize
    except Exception:  # a single number has no length, and whatever else has none either
        return 0


def _odd_one(found: NDArray[np.float64]) -> float:
    return found[~np.isin(found, np.arange(10))][0]


def _kind(answer: Any) -> str:
    """Name the type of an answer as one would say it."""
    named = {"int": "a number", "float": "a number", "ndarray": "an array", "str": "a text"}
    kind = type(answer).__name__
    return named.get(kind, f"{'an' if kind[0].lower() in 'aeio' else 'a'} {kind}")


def close(answer: Any, right: Any, *, within: float = 1e-6) -> bool:
    """Tell whether numbers are equal up to a small share of the largest, and of 1 at least."""
    answer, right = np.asarray(answer, float), np.asarray(right, float)
    allowed = within * max(1.0, float(np.abs(right).max(initial=0)))
    return bool(np.all(np.abs(answer - right) <= allowed))

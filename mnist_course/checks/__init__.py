"""`check`: says of an exercise's answer what is right or wrong with it, in words.

Each chapter has a module with a function for each exercise, which computes the right answer from
the data at hand. They hold the solutions, so whoever wants to try first reads them last.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from mnist_course.checks.answers import Blank, NotYet, is_blank
from mnist_course.errors import CourseError, UsageError

# nbgrader sets it while it grades: there a wrong answer has to fail its cell.
_GRADING = "NBGRADER_EXECUTION"


class WrongAnswer(CourseError):
    """An answer that is not right yet; raised only while nbgrader grades."""


@dataclass(frozen=True)
class Verdict:
    """What a check found; true if the answer is right. Jupyter shows it as a line of text.

    Attributes
    ----------
    number : str
        Of the exercise.
    right : bool
    words : str
        What is right, or what is wrong and why.
    blank : bool
        Whether there is no answer yet.
    credit : float
        The share of the points that it earns when it is graded, 0 to 1.
    """

    number: str
    right: bool
    words: str
    blank: bool = False
    credit: float = 0.0

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        mark = "✓" if self.right else "○" if self.blank else "✗"
        return f"{mark} Exercise {self.number}: {self.words}"

    def _repr_markdown_(self) -> str:
        mark, _, words = repr(self).partition(" ")
        head, _, rest = words.partition(": ")
        return f"{mark} **{head}:** {rest}"


def check(number: str, *answer: Any, **given: Any) -> Verdict:
    """Look at the answer to an exercise.

    Parameters
    ----------
    number : str
        Of the exercise, such as ``"2.1"``; ``"brightness.1"`` for `exercise_1` of a module
        ``brightness.py`` beside the notebook.
    *answer
        What the exercise asks for: a function, a number, an array.
    **given
        The data of the exercise, from which the right answer is computed.

    Returns
    -------
    Verdict
        Whatever the answer is, this function does not fail because of it.

    Raises
    ------
    UsageError
        If there is no such exercise, or the data do not belong to it.
    WrongAnswer
        If the answer is not right, and nbgrader is grading.
    """
    verdict = judge(number, answer, given)
    if os.environ.get(_GRADING) and not verdict:
        raise WrongAnswer(repr(verdict))
    return verdict


def judge(number: str, answer: tuple[Any, ...], given: dict[str, Any]) -> Verdict:
    """Look at an answer as `check` does, whoever grades; see there."""
    look = _check_of(number)
    if not answer or any(is_blank(part) for part in answer):
        return Verdict(number, False, str(Blank()), blank=True)
    try:
        inspect.signature(look).bind(*answer, **given)
    except TypeError as error:
        raise UsageError(f"This is not the check of {number} as it was: {error}.") from None
    try:
        return Verdict(number, True, look(*answer, **given), credit=1.0)
    except Blank as blank:
        return Verdict(number, False, str(blank), blank=True)
    except NotYet as found:
        return Verdict(number, False, f"not yet. {found}", credit=found.credit)
    except Exception as error:  # an answer may be anything at all
        words = f"not yet. The answer cannot be looked at ({type(error).__name__}: {error})."
        return Verdict(number, False, words)


def _check_of(number: str) -> Any:
    """Return the function for a number; a word before the point names a module of one's own."""
    chapter, _, exercise = str(number).partition(".")
    ours = f"mnist_course.checks.chapter_{chapter.zfill(2)}"
    name = chapter if chapter.isidentifier() else ours
    look = None
    try:
        look = getattr(import_module(name), f"exercise_{exercise}", None)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    if look is None:
        raise UsageError(f"There is no exercise {number!r}. Take the cell as it was: check(...).")
    return look

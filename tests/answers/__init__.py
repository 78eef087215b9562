"""For each exercise the data of its check, a right answer, and wrong ones with what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HALF = 0.5
"""Stands behind the words for an answer that is right but for its form: its credit."""

Wrong = tuple[tuple[Any, ...], str] | tuple[tuple[Any, ...], str, float]


@dataclass(frozen=True)
class Case:
    """One exercise, on the embedded digits.

    Attributes
    ----------
    given : dict
        The keyword arguments of the check.
    right : tuple
        The answers of a learner who has it right, in order.
    wrong : list of (tuple, str) or (tuple, str, float)
        Answers, and words that have to stand in what the check says of them; and their credit,
        where it is not 0.
    also : list of tuple
        Right answers in another form.
    """

    given: dict[str, Any]
    right: tuple[Any, ...]
    wrong: list[Wrong] = field(default_factory=list)
    also: list[tuple[Any, ...]] = field(default_factory=list)


Cases = dict[str, Callable[[], Case]]
"""A function for each exercise, because its data may take a moment to compute."""

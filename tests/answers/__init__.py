"""For each exercise the data of its check, a right answer, and wrong ones with what is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """One exercise, on the embedded digits.

    Attributes
    ----------
    given : dict
        The keyword arguments of the check.
    right : tuple
        The answers of a learner who has it right, in order.
    wrong : list of (tuple, str)
        Answers, and words that have to stand in what the check says of them.
    """

    given: dict[str, Any]
    right: tuple[Any, ...]
    wrong: list[tuple[tuple[Any, ...], str]] = field(default_factory=list)


Cases = dict[str, Callable[[], Case]]
"""A function for each exercise, because its data may take a moment to compute."""

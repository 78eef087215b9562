"""The three sizes in which every notebook runs."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mnist_course.errors import UsageError

PROFILE_VARIABLE = "MNIST_COURSE_PROFILE"


@dataclass(frozen=True)
class Profile:
    """How much of the data a run uses and how long one cell may take.

    Attributes
    ----------
    name : str
    train_rows, test_rows : int or None
        At most so many rows; None means all.
    cell_timeout : int
        Seconds after which a cell counts as hung.
    memory : int
        Bytes that the largest notebook may hold, with some room.
    """

    name: str
    train_rows: int | None
    test_rows: int | None
    cell_timeout: int
    memory: int


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("quick", 10_000, 2_000, cell_timeout=300, memory=1_000_000_000),
        Profile("full", None, None, cell_timeout=900, memory=1_600_000_000),
        # One published fit took half an hour on eight threads.
        Profile("slow", None, None, cell_timeout=4 * 3600, memory=4_000_000_000),
    )
}


def get_profile(name: str | None = None) -> Profile:
    """Return a profile by name; without one, that of ``MNIST_COURSE_PROFILE`` or ``quick``.

    Raises
    ------
    UsageError
        If there is no profile of that name.
    """
    name = name or os.environ.get(PROFILE_VARIABLE) or "quick"
    if name not in PROFILES:
        raise UsageError(f"There is no profile {name!r}. Choose one of: {', '.join(PROFILES)}.")
    return PROFILES[name]

"""The sizes in which every notebook runs."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

from mnist_course.errors import UsageError

PROFILE_VARIABLE = "MNIST_COURSE_PROFILE"


@dataclass(frozen=True)
class Profile:
    """How much of the data a run uses, and what a notebook may take meanwhile."""

    name: str
    train_rows: int | None  # at most so many; None means all
    test_rows: int | None
    cell_timeout: int  # seconds after which a cell counts as hung
    memory: int  # bytes that the largest notebook may hold, with some room


PROFILES = {
    profile.name: profile
    for profile in (
        # In a browser's tab, where Python is slow and alone.
        Profile("browser", 2_000, 500, cell_timeout=300, memory=700_000_000),
        Profile("quick", 10_000, 2_000, cell_timeout=300, memory=1_000_000_000),
        Profile("full", None, None, cell_timeout=900, memory=1_600_000_000),
        # One published fit took half an hour on eight threads.
        Profile("slow", None, None, cell_timeout=4 * 3600, memory=4_000_000_000),
    )
}


def get_profile(name: str | None = None) -> Profile:
    """Return a profile by name; without one, that of ``MNIST_COURSE_PROFILE`` or this place's own.

    That is ``browser`` in a browser's tab, which has no more rows than ``quick`` takes, and
    ``quick`` anywhere else.
    """
    in_browser = sys.platform == "emscripten"
    name = name or os.environ.get(PROFILE_VARIABLE) or ("browser" if in_browser else "quick")
    if name not in PROFILES:
        raise UsageError(f"There is no profile {name!r}. Choose one of: {', '.join(PROFILES)}.")
    if in_browser and PROFILES[name].train_rows is None:
        raise UsageError(
            f"The profile {name!r} needs all rows of MNIST, and a browser's tab has the first ones "
            f"only. Choose browser or quick here; for all rows, install the course."
        )
    return PROFILES[name]


def all_rows(source: str, profile: str) -> bool:
    """Tell whether a run uses every row of MNIST, which is what the course's results are about."""
    return source == "mnist" and get_profile(profile).train_rows is None

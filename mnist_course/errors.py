"""Errors that say what happened, what it means and what to do, and notices in plain sight."""

from __future__ import annotations


class CourseError(Exception):
    """Something the reader can mend; the message says how."""


class DataError(CourseError):
    """MNIST could not be had, or what was found is not MNIST."""


class ClusterError(CourseError):
    """A cluster of machines could not be had, or cannot do what is asked of it."""


_shown: set[str] = set()


def notice(text: str) -> None:
    """Print a plain line where the reader looks, once per process.

    Printed rather than raised as a warning: in a notebook a warning is a red box with a path
    and a line of code, and none of that helps here.
    """
    if text not in _shown:
        _shown.add(text)
        print(f"Note: {text}", flush=True)

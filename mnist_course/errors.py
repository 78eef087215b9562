"""Errors that say what happened, what it means and what to do, and notices in plain sight."""

from __future__ import annotations

import sys


class CourseError(Exception):
    """Something the reader can mend; the message says how."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks for this: in a notebook the message stands alone, without thirty lines of
        # how it came about.
        return [f"{type(self).__name__}: {self}"]


class UsageError(CourseError, ValueError):
    """A word or number that is none of those asked for."""


class DataError(CourseError):
    """MNIST could not be had, or what was found is not MNIST."""


class ClusterError(CourseError):
    """A cluster of machines could not be had, or cannot do what is asked of it."""


class PictureError(CourseError, ValueError):
    """A picture that cannot be read, or does not show what is asked for."""


said: set[str] = set()


def notice(text: str) -> None:
    """Print a plain line, once per process; a warning would be a red box full of code."""
    if text not in said:
        said.add(text)
        print(f"Note: {text}", flush=True)


def command(words: str) -> str:
    """Return a command of the course as it can be typed here, such as ``mnist-course fetch``."""
    import shutil

    if shutil.which("mnist-course"):
        return f"mnist-course {words}"
    return f"{sys.executable} -m mnist_course_tools {words}"

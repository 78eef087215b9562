"""The cache folder: where it lies, its lock, what killed processes left, what failed of late."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from mnist_course.data.block import UNFINISHED_PREFIX
from mnist_course.errors import notice

CACHE_VARIABLE = "MNIST_COURSE_CACHE"
_LOCK_NAME = "mnist.lock"
_FAILURE_NAME = "mnist-failed.json"
_PATIENCE = 3.0  # seconds of waiting for another process before saying so
_LOCK_LIMIT = 300.0  # seconds: a good download over a slow line ends in time, a stopped one never


def cache_folder(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return where data are kept: `data_home`, ``MNIST_COURSE_CACHE`` or the user's cache."""
    chosen = data_home or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("mnist-course", appauthor=False)


@contextlib.contextmanager
def exclusive(
    folder: Path, lock: str = _LOCK_NAME, doing: str = "fetching MNIST", limit: float | None = None
) -> Iterator[str]:
    """Hold a folder's lock; yield "", or without the lock why nothing can be kept there.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    lock, doing : str, optional
        Name of the lock file, and what another process that holds it is said to be doing.
    limit : float, optional
        Seconds after which it is not waited for any longer; five minutes by default.
    """
    import filelock

    limit = _LOCK_LIMIT if limit is None else limit
    # All users of a shared folder have to queue, so all of them may open the lock file.
    held = filelock.FileLock(folder / lock, mode=0o666, poll_interval=0.2)
    obstacle = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=_PATIENCE)
        except filelock.Timeout:
            notice(f"another process is {doing}; waiting for it to finish.")
            held.acquire(timeout=limit)
    except filelock.Timeout:
        notice(f"the other process is not done after {limit:.0f} s; going on without it.")
        obstacle = "another process has kept it locked"
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        obstacle = getattr(error, "strerror", None) or "its file system knows no locks"
    if not obstacle and not os.access(folder, os.W_OK):
        held.release()  # nobody need wait for a process that can leave nothing to the others
        obstacle = "it cannot be written"
    try:
        if not obstacle:
            # The system takes the lock from a process that is killed: its leftovers can go now.
            for leftover in folder.glob(f"{UNFINISHED_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        yield obstacle
    finally:
        held.release()


@dataclass(frozen=True)
class Failure:
    """An attempt that failed: when, which mirrors were asked, and what each of them did."""

    when: float  # seconds since 1970
    mirrors: list[str]
    findings: list[str]


def recall_failure(folder: Path) -> Failure | None:
    """Return the last failed attempt, if no later one succeeded."""
    try:
        return Failure(**json.loads((folder / _FAILURE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not there, or not of our making
        return None


def remember_failure(folder: Path, failure: Failure | None) -> None:
    """Write down a failed attempt, or with None forget it. Call it with the lock held."""
    path = folder / _FAILURE_NAME
    with contextlib.suppress(OSError):  # a full disk: the next process will have to try, too
        path.unlink(missing_ok=True)  # it may be another user's: then it can be replaced only
        if failure:
            path.write_text(json.dumps(asdict(failure), indent=1) + "\n", encoding="utf-8")

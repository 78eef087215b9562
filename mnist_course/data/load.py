"""One function, several roads: from the nearest place that has MNIST to the embedded digits."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data import cache as caching
from mnist_course.data.block import (
    BLOCK_NAME,
    MNIST,
    Edition,
    make_block,
    open_block,
    split_block,
    write_block,
)
from mnist_course.data.dataset import Dataset
from mnist_course.errors import DataError, UsageError, command, notice

FOLDER_VARIABLE = "MNIST_COURSE_DATA"
SOURCE_VARIABLE = "MNIST_COURSE_SOURCE"
SOURCES = ("auto", "mnist", "digits")
# The disk, the user's quota (which Windows has no number for), the process's file size limit.
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def load_mnist(source: str = "auto", *, data_home: str | os.PathLike[str] | None = None) -> Dataset:
    """Load MNIST, or the embedded digits where it cannot be had.

    Looked for, in this order: the folder named by ``MNIST_COURSE_DATA`` (the four IDX files,
    or a copy of the cache), the cache, public mirrors. Whatever the road, each byte is checked
    against MNIST's SHA-256, and the next call opens the cache in an instant.

    Parameters
    ----------
    source : {"auto", "mnist", "digits"}, default="auto"
        ``"mnist"`` is MNIST or an error. ``"digits"`` is scikit-learn's 1,797 digits in MNIST's
        form and never touches the network. ``"auto"`` is MNIST, or with a notice the digits, and
        asks no mirror for ten minutes after a failure; the environment variable
        ``MNIST_COURSE_SOURCE`` can decide for it.
    data_home : str or path-like, optional
        Folder of the cache; without it ``MNIST_COURSE_CACHE``, else the user's cache.

    Returns
    -------
    Dataset
        70,000 rows in the order of OpenML's ``mnist_784`` version 1; the first 60,000 train.

    Raises
    ------
    DataError
        If `source` is ``"mnist"`` and no road led to it; the message lists what was tried.
    UsageError
        If `source` is none of the three.
    """
    if source == "auto":
        source = os.environ.get(SOURCE_VARIABLE) or "auto"
    if source not in SOURCES:
        raise UsageError(
            f"There is no source {source!r}. Choose one of: {', '.join(SOURCES)}; the argument "
            f"and the environment variable {SOURCE_VARIABLE} take the same words."
        )
    if source != "digits":
        try:
            cache = caching.cache_folder(data_home)
            return load_edition(MNIST, cache, always_try=source == "mnist")
        except DataError as error:
            if source == "mnist":
                raise
            notice(
                f"{str(error).splitlines()[0]} Going on with the 1,797 small digits that come "
                f"with scikit-learn, so figures and scores will differ from the text. "
                f"After a failed attempt the mirrors are left alone for ten minutes; "
                f"'{command('fetch')}' asks them at once and says what is wrong."
            )
    from mnist_course.data.digits import load_digits

    return load_digits()


def fetch_mnist(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Fetch MNIST unless it is here already, and return the checked file that keeps it.

    Raises
    ------
    DataError
        If MNIST could not be had, or could not be kept; the message says why.
    """
    cache = caching.cache_folder(data_home)
    block, why = _find(MNIST, cache)
    if not isinstance(block, np.memmap):
        raise DataError(
            f"MNIST could be fetched but not kept in {cache}: {why}.\n"
            f"Every start would have to fetch it again.\nWhat to do: make room for 55 MB there "
            f"that you may write, or name another folder in {caching.CACHE_VARIABLE}."
        )
    return Path(block.filename)


def load_edition(edition: Edition, cache: Path, *, always_try: bool = True) -> Dataset:
    """Load an edition by the nearest road, and keep it in the cache.

    Parameters
    ----------
    edition : Edition
    cache : Path
    always_try : bool, default=True
        Ask the mirrors even if they failed within the last ten minutes.

    Raises
    ------
    DataError
        If no road led to it.
    """
    block, why = _find(edition, cache, always_try=always_try)
    if why:
        notice(
            f"MNIST is loaded but could not be kept in {cache} ({why}); the next start will load "
            f"it again. {caching.CACHE_VARIABLE} can name another folder."
        )
    images, labels = split_block(block, edition)
    return Dataset.of(images, labels, n_train=edition.n_train, source="mnist")


def named_folder() -> Path | None:
    """Return the folder that ``MNIST_COURSE_DATA`` names, if it names one."""
    name = os.environ.get(FOLDER_VARIABLE)
    if not name:
        return None
    # abspath tidies "../shared" where Path.absolute does not, and resolve would follow links.
    return Path(os.path.abspath(Path(name).expanduser()))  # noqa: PTH100


def check_folder(folder: Path, edition: Edition = MNIST) -> str:
    """Check a folder, and say what it holds: "the cache file" or "the IDX files"; or DataError."""
    if open_block(folder, edition) is not None:
        return "the cache file"
    _from_idx(folder, edition)
    return "the IDX files"


def _find(edition: Edition, cache: Path, *, always_try: bool = True) -> tuple[NDArray, str]:
    """Return the block as the file that keeps it, mapped; or from memory, and why it is so."""
    known = caching.recall_failure(cache)
    block = _open(edition, cache)
    if block is not None:
        return block, ""
    with caching.exclusive(cache) as obstacle:
        # Another process may have been here while this one waited for the lock.
        block = _open(edition, cache)
        if block is not None:
            return block, ""
        failure = caching.recall_failure(cache)
        # An attempt that failed while this process waited speaks for it, too. An older one is
        # there for those who are content with the digits.
        if failure and failure == known and (always_try or not failure.is_recent):
            failure = None
        found = _obtain(edition, cache, failure, writable=not obstacle)
        try:
            if not obstacle:
                write_block(cache, found)
                caching.remember_failure(cache, None)
                block = open_block(cache, edition)
                obstacle = "it vanished again"
        except (OSError, DataError) as error:
            obstacle = getattr(error, "strerror", None) or str(error)
    return (found, obstacle) if block is None else (block, "")


def _open(edition: Edition, cache: Path) -> np.memmap | None:
    for folder in filter(None, (named_folder(), cache)):
        try:
            block = open_block(folder, edition)
        except DataError as error:
            notice(f"{folder / BLOCK_NAME} {error}. It is passed over and made anew.")
        else:
            if block is not None:
                return block
    return None


def _obtain(
    edition: Edition, cache: Path, failure: caching.Failure | None, *, writable: bool
) -> NDArray[np.uint8]:
    """Return the block by the first road that leads to it; none past mirrors that just failed."""
    from mnist_course.data.download import download, mirrors

    findings: list[str] = []
    folder = named_folder()
    if folder:
        try:
            return _from_idx(folder, edition)
        except DataError as error:
            findings.append(f"{FOLDER_VARIABLE} names {folder}, which {error}")
            notice(findings[-1] + ".")
    asked = mirrors()
    if not failure or failure.mirrors != asked:
        try:
            with caching.download_folder(cache, writable=writable) as place:
                download(place, edition, asked)
                return _from_idx(place, edition)
        except DataError as error:
            failure = caching.Failure(time.time(), asked, str(error).splitlines())
        except OSError as error:
            raise _no_room(error, cache) from None
        if writable:
            caching.remember_failure(cache, failure)
    findings += failure.findings
    raise DataError(
        "MNIST could not be fetched: no place that serves it could be used.\n"
        + "\n".join(f"  - {finding}" for finding in findings)
        + f"\nWhat to do: connect to the internet and run '{command('fetch')}'; or copy the four "
        f"MNIST files into a folder and name it in {FOLDER_VARIABLE}; or work with the embedded "
        "digits: load_mnist('digits')."
    )


def _from_idx(folder: Path, edition: Edition) -> NDArray[np.uint8]:
    from mnist_course.data.idx import read_edition

    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise DataError("is not a folder")
    images, labels, _ = read_edition(folder, edition)
    block = make_block(images, labels)
    if not edition.is_block(block):
        raise DataError("holds files that are not MNIST's (their checksum differs)")
    return block


def _no_room(error: OSError, cache: Path) -> DataError:
    full = error.errno in _DISK_FULL
    happened = "the disk is full" if full else (error.strerror or str(error))
    return DataError(
        f"MNIST could not be stored: {happened}.\n"
        f"The download was stopped and removed; it needs about 70 MB in {cache}.\n"
        f"What to do: free some space there, or name another folder in {caching.CACHE_VARIABLE}."
    )

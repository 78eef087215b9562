"""One function, several roads: from the nearest place that has MNIST to the embedded digits."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data import block as blocks
from mnist_course.data import cache as caching
from mnist_course.data.block import FIRST_ROWS, MNIST, Edition
from mnist_course.data.dataset import Dataset
from mnist_course.data.digits import load_digits
from mnist_course.errors import DataError, UsageError, command, notice

FOLDER_VARIABLE = "MNIST_COURSE_DATA"
SOURCE_VARIABLE = "MNIST_COURSE_SOURCE"
SOURCES = ("auto", "mnist", "digits")
_RECENT = 600.0  # seconds for which a failed attempt speaks for others
# The disk, the user's quota (which Windows has no number for), the process's file size limit.
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def load_mnist(source: str = "auto", *, data_home: str | os.PathLike[str] | None = None) -> Dataset:
    """Load MNIST, or the embedded digits where it cannot be had.

    Looked for, in this order: the folder named by ``MNIST_COURSE_DATA`` (the four IDX files,
    or a copy of the cache), the cache, public mirrors; from a browser's tab, the course's site
    alone. Each byte is checked against a SHA-256.

    Parameters
    ----------
    source : {"auto", "mnist", "digits"}, default="auto"
        ``"mnist"`` is MNIST or an error. ``"digits"`` is scikit-learn's 1,797 digits in MNIST's
        form and never touches the network. ``"auto"`` is MNIST, or with a notice the digits, and
        asks no mirror for ten minutes after a failure; ``MNIST_COURSE_SOURCE`` can decide for it.
    data_home : str or path-like, optional
        Folder of the cache; without it ``MNIST_COURSE_CACHE``, else the user's cache.

    Returns
    -------
    Dataset
        MNIST's 70,000 rows in the order of OpenML's ``mnist_784`` version 1, of which the first
        60,000 train; in a browser's tab the first ones of both kinds, as many as the profile
        ``quick`` takes. Of the 1,797 digits one in seven is for testing.

    Raises
    ------
    UsageError
        If `source` is none of the three words.
    DataError
        If `source` is ``"mnist"`` and no road led to it; the message lists what was tried.
    """
    if source == "auto":
        source = os.environ.get(SOURCE_VARIABLE) or "auto"
    if source not in SOURCES:
        raise UsageError(
            f"There is no source {source!r}. Choose one of: {', '.join(SOURCES)}; the argument "
            f"and the environment variable {SOURCE_VARIABLE} take the same words."
        )
    if source == "digits":
        return load_digits()
    if sys.platform == "emscripten":
        return _from_site(source)
    cache = caching.cache_folder(data_home)
    try:
        block, why = _find(MNIST, cache, always_try=source == "mnist")
    except DataError as error:
        if source == "mnist":
            raise
        notice(
            f"{str(error).splitlines()[0]} Going on with the 1,797 small digits that come with "
            f"scikit-learn, so figures and scores will differ from the text. After a failed "
            f"attempt the mirrors are left alone for ten minutes; '{command('fetch')}' asks them "
            f"at once and says what is wrong."
        )
        return load_digits()
    if why:
        notice(
            f"MNIST is loaded but could not be kept in {cache} ({why}); the next start will load "
            f"it again. {caching.CACHE_VARIABLE} can name another folder."
        )
    images, labels = blocks.split_block(block, MNIST)
    return Dataset.of(images, labels, n_train=MNIST.n_train, source="mnist")


def _from_site(source: str) -> Dataset:
    """Load the rows that a browser's tab has from its site, or for ``"auto"`` the digits."""
    from mnist_course import browser

    try:
        block = browser.fetch_rows()
    except DataError as error:
        if source == "mnist":
            raise DataError(
                f"{error}\nWhat to do: work with the embedded digits, load_mnist('digits'); or "
                f"install the course, which fetches MNIST by itself."
            ) from None
        notice(
            f"{error} Going on with the 1,797 small digits that come with scikit-learn, so "
            f"figures and scores differ from the text."
        )
        return load_digits()
    images, labels = blocks.split_block(block, FIRST_ROWS)
    return Dataset.of(images, labels, n_train=FIRST_ROWS.n_train, source="mnist")


def fetch_mnist(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Fetch MNIST unless it is here, and return the checked file that keeps it, or DataError."""
    cache = caching.cache_folder(data_home)
    block, why = _find(MNIST, cache)
    if not isinstance(block, np.memmap) or block.filename is None:
        raise DataError(
            f"MNIST could be fetched but not kept in {cache}: {why}.\nEvery start would fetch it "
            f"again.\nWhat to do: free {MNIST.n_bytes / 1e6:.0f} MB there, or name a folder in "
            f"{caching.CACHE_VARIABLE}."
        )
    return Path(block.filename)


def named_folder() -> Path | None:
    """Return the folder that ``MNIST_COURSE_DATA`` names, if it names one."""
    name = os.environ.get(FOLDER_VARIABLE)
    # abspath tidies "../shared" where Path.absolute does not, and resolve would follow links.
    return Path(os.path.abspath(Path(name).expanduser())) if name else None  # noqa: PTH100


def _find(edition: Edition, cache: Path, *, always_try: bool = True) -> tuple[NDArray, str]:
    """Return the block as the file that keeps it, mapped; or from memory, and why it is so."""
    known = caching.recall_failure(cache)
    kept = _open(edition, cache)
    if kept is not None:
        return kept, ""
    import mnist_course.data.download  # noqa: F401 - it takes a while; with the lock, of everybody

    with caching.exclusive(cache) as obstacle:
        # Another process may have been here while this one waited for the lock.
        kept = _open(edition, cache)
        if kept is not None:
            return kept, ""
        failure = caching.recall_failure(cache)
        # An attempt that failed while this process waited speaks for it, too. An older one does
        # for those who are content with the digits.
        old = failure and (always_try or abs(time.time() - failure.when) > _RECENT)
        if old and failure == known:
            failure = None
        block = _obtain(edition, cache, failure, writable=not obstacle)
        if obstacle:
            return block, obstacle
        try:
            blocks.write_block(cache, block)
            caching.remember_failure(cache, None)
            kept = blocks.open_block(cache, edition)
        except (OSError, DataError) as error:
            return block, getattr(error, "strerror", None) or str(error)
    return (block, "it vanished again") if kept is None else (kept, "")


def _open(edition: Edition, cache: Path) -> np.memmap | None:
    for folder in filter(None, (named_folder(), cache)):
        try:
            block = blocks.open_block(folder, edition)
            if block is not None:
                return block
        except DataError as error:
            notice(f"{folder / blocks.BLOCK_NAME} {error}. It is passed over and made anew.")
    return None


def _obtain(
    edition: Edition, cache: Path, failure: caching.Failure | None, *, writable: bool
) -> NDArray[np.uint8]:
    """Return the block by the first road that leads to it, not asking mirrors that just failed."""
    from mnist_course.data.download import download, mirrors

    findings: list[str] = []
    folder = named_folder()
    if folder:
        try:
            return read_files(folder, edition)
        except DataError as error:
            findings.append(f"{FOLDER_VARIABLE} names {folder}, which {error}")
            notice(findings[-1] + ".")
    asked = mirrors()
    if not failure or failure.mirrors != asked:
        try:
            with blocks.unfinished(cache if writable else None) as place:
                download(Path(place), edition, asked)
                return read_files(Path(place), edition)
        except DataError as error:
            failure = caching.Failure(time.time(), asked, str(error).splitlines())
        except OSError as error:
            why = "the disk is full" if error.errno in _DISK_FULL else error.strerror
            # For the block: the packed files, a fifth as large, are gone before it is written.
            room = f"{edition.n_bytes / 1e6:.0f} MB"
            raise DataError(
                f"MNIST could not be stored: {why}.\nThe download was stopped and removed; MNIST "
                f"needs {room} in {cache}.\n"
                f"What to do: free some space, or name another folder in {caching.CACHE_VARIABLE}."
            ) from None
        if writable:
            caching.remember_failure(cache, failure)
    listed = "\n".join(f"  - {finding}" for finding in [*findings, *failure.findings])
    raise DataError(
        f"MNIST could not be fetched: no place that serves it could be used.\n{listed}\n"
        f"What to do: connect to the internet and run '{command('fetch')}'; or copy the four "
        f"MNIST files into a folder and name it in {FOLDER_VARIABLE}; or work with the embedded "
        f"digits: load_mnist('digits')."
    )


def read_files(folder: Path, edition: Edition) -> NDArray[np.uint8]:
    """Return the block that a folder's four IDX files make, checked; or DataError."""
    from mnist_course.data.idx import read_edition

    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        raise DataError("is not a folder")
    images, labels, _ = read_edition(folder, edition)
    block = blocks.make_block(images, labels)
    if not edition.is_block(block):
        raise DataError("holds files that are not MNIST's (their checksum differs)")
    return block

"""One function, several roads: from the nearest place that has MNIST to the embedded digits."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data import cache as store
from mnist_course.data.dataset import Dataset
from mnist_course.data.block import MNIST, Edition, make_block
from mnist_course.errors import DataError, notice

FOLDER_VARIABLE = "MNIST_COURSE_DATA"
SOURCE_VARIABLE = "MNIST_COURSE_SOURCE"
SOURCES = ("auto", "mnist", "digits")
# The disk, the user's quota (which Windows has no number for), the process's file size limit.
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def load_mnist(source: str = "auto", *, data_home: str | os.PathLike[str] | None = None) -> Dataset:
    """Load MNIST, or the embedded digits where it cannot be had.

    Looked for, in this order: the folder named by ``MNIST_COURSE_DATA`` (the four IDX files,
    or a copy of the cache), the cache, public mirrors, OpenML. Whatever the road, the rows are
    checked against MNIST's checksums, and the next call opens the cache in an instant.

    Parameters
    ----------
    source : {"auto", "mnist", "digits"}, default="auto"
        ``"mnist"`` is MNIST or an error. ``"digits"`` is scikit-learn's 1,797 digits in MNIST's
        form and never touches the network. ``"auto"`` is MNIST, or with a notice the digits;
        the environment variable ``MNIST_COURSE_SOURCE`` can decide for it.
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
    ValueError
        If `source` is none of the three.
    """
    if source == "auto":
        source = os.environ.get(SOURCE_VARIABLE) or "auto"
    if source not in SOURCES:
        raise ValueError(
            f"There is no source {source!r}. Choose one of: {', '.join(SOURCES)}; the argument "
            f"and the environment variable {SOURCE_VARIABLE} take the same words."
        )
    if source != "digits":
        try:
            return load_edition(MNIST, store.cache_folder(data_home))
        except DataError as error:
            if source == "mnist":
                raise
            reason = str(error).splitlines()[0]
            notice(
                f"{reason} Going on with the 1,797 small digits that come with scikit-learn, so "
                f"figures and scores will differ from the text. 'mnist-course fetch' says why "
                f"and tries again."
            )
    from mnist_course.data.digits import load_digits

    return load_digits()


def load_edition(edition: Edition, cache: Path) -> Dataset:
    """Load an edition by the nearest road, and keep it in the cache.

    Raises
    ------
    DataError
        If no road led to it.
    """
    block = _open(edition, cache)
    if block is None:
        with store.exclusive(cache) as writable:
            # Another process may have been here while this one waited for the lock.
            block = _open(edition, cache)
            if block is None:
                block = _obtain(edition, cache, writable=writable)
                block = _keep(block, edition, cache, writable=writable)
    images, labels = store.split_block(block, edition)
    return Dataset.of(images, labels, n_train=edition.n_train, source="mnist")


def named_folder() -> Path | None:
    """Return the folder that ``MNIST_COURSE_DATA`` names, if it names one."""
    name = os.environ.get(FOLDER_VARIABLE)
    if not name:
        return None
    # abspath tidies "../shared" where Path.absolute does not, and resolve would follow links.
    return Path(os.path.abspath(Path(name).expanduser()))  # noqa: PTH100


def check_folder(folder: Path, edition: Edition = MNIST) -> str:
    """Say what a folder holds of an edition, after checking it.

    Returns
    -------
    str
        ``"the cache file"`` or ``"the IDX files"``.

    Raises
    ------
    DataError
        If it holds neither, or what it holds is damaged.
    """
    if store.open_block(folder, edition) is not None:
        return "the cache file"
    _from_idx(folder, edition)
    return "the IDX files"


def _open(edition: Edition, cache: Path) -> NDArray[np.uint8] | None:
    for folder in filter(None, (named_folder(), cache)):
        try:
            block = store.open_block(folder, edition)
        except DataError as error:
            notice(f"{folder / store.BLOCK_NAME} {error}. It is passed over and made anew.")
        else:
            if block is not None:
                return block
    return None


def _obtain(edition: Edition, cache: Path, *, writable: bool) -> NDArray[np.uint8]:
    """Return the block by the first road that leads to it."""
    findings: list[str] = []
    folder = named_folder()
    if folder:
        try:
            return _from_idx(folder, edition)
        except DataError as error:
            findings.append(f"{FOLDER_VARIABLE} names {folder}, which {error}")
            notice(findings[-1] + ".")
    try:
        return _from_mirrors(edition, cache, writable=writable)
    except DataError as error:
        findings += str(error).splitlines()
    except OSError as error:
        raise _no_room(error, cache) from None
    raise DataError(
        "MNIST could not be fetched: no place that serves it could be used.\n"
        + "\n".join(f"  - {finding}" for finding in findings)
        + "\nWhat to do: connect to the internet and run 'mnist-course fetch'; or copy the four "
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


def _from_mirrors(edition: Edition, cache: Path, *, writable: bool) -> NDArray[np.uint8]:
    from mnist_course.data.download import download, mirrors

    with store.download_folder(cache, writable=writable) as folder:
        download(folder, edition, mirrors())
        return _from_idx(folder, edition)


def _keep(
    block: NDArray[np.uint8], edition: Edition, cache: Path, *, writable: bool
) -> NDArray[np.uint8]:
    """Put the block into the cache and return it from there, or from memory if that fails."""
    why = "it cannot be written"
    if writable:
        try:
            store.write_block(cache, block)
            kept = store.open_block(cache, edition)
            if kept is not None:
                return kept
            why = "it vanished again"
        except (OSError, DataError) as error:
            why = getattr(error, "strerror", None) or str(error)
    notice(
        f"MNIST is loaded but could not be kept in {cache} ({why}); the next start will load it "
        f"again. {store.CACHE_VARIABLE} can name another folder."
    )
    return block


def _no_room(error: OSError, cache: Path) -> DataError:
    full = error.errno in _DISK_FULL
    happened = "the disk is full" if full else (error.strerror or str(error))
    return DataError(
        f"MNIST could not be stored: {happened}.\n"
        f"The download was stopped and removed; it needs about 70 MB in {cache}.\n"
        f"What to do: free some space there, or name another folder in {store.CACHE_VARIABLE}."
    )

"""The user's cache: one plain file that is mapped into memory, checked each time it is opened."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.block import PIXELS, Edition
from mnist_course.errors import DataError, notice

CACHE_VARIABLE = "MNIST_COURSE_CACHE"
BLOCK_NAME = "mnist-70000x784.u8"
_LOCK_NAME = "mnist.lock"
# Nobody else's files start like this: they are deleted, in a folder the user may share with them.
_UNFINISHED_PREFIX = "mnist-course-unfinished-"
_CHUNK = 1 << 20
_PATIENCE = 3.0  # seconds of waiting for another process before saying so


def cache_folder(data_home: str | os.PathLike[str] | None = None) -> Path:
    """Return where data are kept: `data_home`, ``MNIST_COURSE_CACHE`` or the user's cache."""
    chosen = data_home or os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("mnist-course", appauthor=False)


def open_block(folder: Path, edition: Edition) -> NDArray[np.uint8] | None:
    """Map the cache file of a folder into memory.

    Parameters
    ----------
    folder : Path
    edition : Edition

    Returns
    -------
    uint8 array of shape (n * 785,) or None
        None if the folder holds no such file.

    Raises
    ------
    DataError
        If the file is there and damaged.
    """
    path = folder / BLOCK_NAME
    try:
        size = path.stat().st_size
        if size != edition.block_bytes:
            raise DataError(f"holds {size:,} bytes instead of {edition.block_bytes:,}")
        if _crc32(path) != edition.block_crc32:
            raise DataError("is damaged: its checksum is not the one of MNIST")
        return np.memmap(path, dtype=np.uint8, mode="r")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from None


def write_block(folder: Path, block: NDArray[np.uint8]) -> None:
    """Write the cache file beside its place, then move it there in one step.

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full. Nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(prefix=_UNFINISHED_PREFIX, dir=folder)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(memoryview(block))
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for the owner alone; a shared folder wants the usual rights.
        temporary.chmod(0o644)
        temporary.replace(folder / BLOCK_NAME)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock, so that of many processes one downloads and the others wait.

    Yields
    ------
    bool
        Whether the folder can be written at all; without that there is nothing to lock.
    """
    import filelock

    lock = filelock.FileLock(folder / _LOCK_NAME)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=_PATIENCE)
        except filelock.Timeout:
            notice("another process is fetching MNIST; waiting for it to finish.")
            lock.acquire()
    except (OSError, NotImplementedError):  # the second: a file system that knows no locks
        pass
    # Not within the handler above: an error of the body would drag that one along.
    if not lock.is_locked:
        yield False
        return
    # The system takes the lock from a process that is killed, so its leftovers can go now.
    try:
        remove_leftovers(folder)
        # A lock file from better days can be opened in a folder that takes no new files.
        yield os.access(folder, os.W_OK)
    finally:
        lock.release()


def remove_leftovers(folder: Path) -> None:
    """Delete what a killed process left half done. Call it with the lock held."""
    import shutil

    for path in folder.glob(f"{_UNFINISHED_PREFIX}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            # Another user's, in a shared folder: only a waste of space.
            with contextlib.suppress(OSError):
                path.unlink()


@contextlib.contextmanager
def download_folder(folder: Path, *, writable: bool) -> Iterator[Path]:
    """Yield a folder for files on their way: within the cache, or the system's own place."""
    inside = folder if writable else None
    with tempfile.TemporaryDirectory(prefix=_UNFINISHED_PREFIX, dir=inside) as name:
        yield Path(name)


def split_block(
    block: NDArray[np.uint8], edition: Edition
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images, shape (n, 784), and the labels, shape (n,), of a block; no copies."""
    n_pixels = edition.n_rows * PIXELS
    # A plain array over the mapped file: it prints as an array and behaves as one.
    plain = block.view(np.ndarray)
    return plain[:n_pixels].reshape(-1, PIXELS), plain[n_pixels:]


def _crc32(path: Path) -> int:
    checksum = 0
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while n_read := file.readinto(buffer):
            checksum = zlib.crc32(view[:n_read], checksum)
    return checksum

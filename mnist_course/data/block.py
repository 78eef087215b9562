"""What MNIST is, to the last bit, and the one file it is kept in."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.errors import DataError

PIXELS = 784
BLOCK_NAME = "mnist-70000x784.u8"
# Nobody else's files start like this: they are deleted, in a folder the user may share with them.
UNFINISHED_PREFIX = "mnist-course-unfinished-"


@dataclass(frozen=True)
class IdxFile:
    """One of the four original files, as it is served: compressed."""

    name: str
    n_bytes: int
    sha256: str

    @property
    def raw_name(self) -> str:
        """Name of the file once it is unpacked."""
        return self.name.removesuffix(".gz")


@dataclass(frozen=True)
class Edition:
    """A fixed set of rows, with the checksums that tell it from any other.

    There is only one, `MNIST`. It is an object all the same, so that the tests can put one of 80
    rows in its place.

    Its block holds all images, row by row, and then all labels, one byte each.
    """

    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    n_train: int
    n_test: int
    block_sha256: str

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """The four files, images before labels, training before test."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def n_rows(self) -> int:
        """Training and test rows together."""
        return self.n_train + self.n_test

    def is_block(self, block: NDArray[np.uint8]) -> bool:
        """Tell whether an array holds exactly this edition's block."""
        return hashlib.sha256(np.ascontiguousarray(block)).hexdigest() == self.block_sha256


MNIST = Edition(
    train_images=IdxFile(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    n_train=60_000,
    n_test=10_000,
    block_sha256="c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83",
)


def make_block(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Put images of shape (n, 784) and labels of shape (n,) into one flat uint8 array."""
    return np.concatenate([images.reshape(-1), labels.astype(np.uint8)])


def split_block(
    block: NDArray[np.uint8], edition: Edition
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images, shape (n, 784), and the labels, shape (n,), of a block; no copies."""
    n_pixels = edition.n_rows * PIXELS
    # A plain array over the mapped file: it prints as an array and behaves as one.
    plain = block.view(np.ndarray)
    return plain[:n_pixels].reshape(-1, PIXELS), plain[n_pixels:]


def open_block(folder: Path, edition: Edition) -> np.memmap | None:
    """Check the block that a folder keeps, all of it, and map it into memory.

    Returns
    -------
    uint8 memmap of shape (n * 785,) or None
        None if the folder keeps none.

    Raises
    ------
    DataError
        If the file is there and damaged.
    """
    path = folder / BLOCK_NAME
    try:
        size, wanted = path.stat().st_size, edition.n_rows * (PIXELS + 1)
        if size != wanted:
            raise DataError(f"holds {size:,} bytes instead of {wanted:,}")
        # Read, not mapped: pages of a mapped file would count as this process's memory.
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != edition.block_sha256:
                raise DataError("is damaged: its checksum is not the one of MNIST")
        return np.memmap(path, dtype=np.uint8, mode="r")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot be read ({error.strerror or error})") from None


def write_block(folder: Path, block: NDArray[np.uint8]) -> None:
    """Write the block beside its place, then move it there in one step.

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full. Nothing is left behind.
    """
    descriptor, name = tempfile.mkstemp(prefix=UNFINISHED_PREFIX, dir=folder)
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

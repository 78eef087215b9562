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


@dataclass(frozen=True)
class Edition:
    """A fixed set of rows, with the checksums that tell it from any other.

    There are two, `MNIST` and its `FIRST_ROWS`; the tests put one of 80 rows in their place. The
    block holds all images, row by row, then all labels, one byte each.
    """

    files: tuple[IdxFile, ...]  # images before labels, training before test
    n_train: int
    n_rows: int
    block_sha256: str

    @property
    def n_bytes(self) -> int:
        """Size of the block."""
        return self.n_rows * (PIXELS + 1)

    def is_block(self, block: NDArray[np.uint8]) -> bool:
        """Tell whether an array holds exactly this edition's block."""
        return hashlib.sha256(np.ascontiguousarray(block).data).hexdigest() == self.block_sha256


MNIST = Edition(
    (
        IdxFile("train-images-idx3-ubyte.gz", 9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        IdxFile("train-labels-idx1-ubyte.gz", 28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        IdxFile("t10k-images-idx3-ubyte.gz", 1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        IdxFile("t10k-labels-idx1-ubyte.gz", 4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    n_train=60_000,
    n_rows=70_000,
    block_sha256="c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83",
)  # fmt: skip

# As many rows as the profile "quick" takes, for a browser's tab: packed, a sixth of the four files.
FIRST_ROWS = Edition(
    files=(),
    n_train=10_000,
    n_rows=12_000,
    block_sha256="b2dc5100148d550244fd51eaae6238a513e79220400367239cc3895fccaa9a74",
)


def make_block(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Put images of shape (n, 784) and labels of shape (n,) into one flat uint8 array."""
    return np.concatenate([images.reshape(-1), labels.astype(np.uint8)])


def split_block(block: NDArray[np.uint8], edition: Edition) -> tuple[NDArray, NDArray]:
    """Return the images, shape (n, 784), and the labels, shape (n,), of a block; no copies."""
    n_pixels = edition.n_rows * PIXELS
    # A plain array over the mapped file: it prints as an array and behaves as one.
    plain = block.view(np.ndarray)
    return plain[:n_pixels].reshape(-1, PIXELS), plain[n_pixels:]


def open_block(folder: Path, edition: Edition) -> np.memmap | None:
    """Check the block that a folder keeps and map it; None without one, DataError if damaged."""
    path = folder / BLOCK_NAME
    try:
        size, wanted = path.stat().st_size, edition.n_bytes
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
    """Write the block beside its place, then move it there in one step, or leave nothing behind."""
    with unfinished(folder) as place:
        temporary = Path(place) / BLOCK_NAME
        with temporary.open("wb") as file:
            file.write(block.data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # a shared folder wants this, whatever the owner's habits are
        temporary.replace(folder / BLOCK_NAME)


def unfinished(folder: Path | None) -> tempfile.TemporaryDirectory[str]:
    """Make a place for what is on its way: within a folder, or where the system keeps such."""
    return tempfile.TemporaryDirectory(prefix=UNFINISHED_PREFIX, dir=folder)

"""What MNIST is, to the last bit: its files, its rows, its checksums, where it is served."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PIXELS = 784

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)


@dataclass(frozen=True)
class IdxFile:
    """One of the four original files.

    Attributes
    ----------
    name : str
        Name of the compressed file.
    sha256 : str
        Checksum of the compressed file.
    """

    name: str
    sha256: str

    @property
    def raw_name(self) -> str:
        """Name of the file once it is unpacked."""
        return self.name.removesuffix(".gz")


@dataclass(frozen=True)
class Edition:
    """A fixed set of rows, with the checksums that tell it from any other.

    Attributes
    ----------
    train_images, train_labels, test_images, test_labels : IdxFile
    n_train, n_test : int
        Rows.
    block_sha256, block_crc32 : str, int
        Checksums of the block: all images, row by row, then all labels, one byte each. The
        first is for what comes from outside; the second is fast enough for every load.
    """

    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    n_train: int
    n_test: int
    block_sha256: str
    block_crc32: int

    @property
    def files(self) -> tuple[IdxFile, IdxFile, IdxFile, IdxFile]:
        """The four files, images before labels, training before test."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def n_rows(self) -> int:
        """Training and test rows together."""
        return self.n_train + self.n_test

    @property
    def block_bytes(self) -> int:
        """Size of the block: 784 pixels and a label for each row."""
        return self.n_rows * (PIXELS + 1)

    def is_block(self, block: NDArray[np.uint8]) -> bool:
        """Tell whether an array holds exactly this edition's block."""
        return block.size == self.block_bytes and (
            hashlib.sha256(np.ascontiguousarray(block)).hexdigest() == self.block_sha256
        )


def make_block(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Put images of shape (n, 784) and labels of shape (n,) into one flat uint8 array."""
    n_pixels = images.size
    block = np.empty(n_pixels + labels.size, dtype=np.uint8)
    block[:n_pixels] = images.reshape(-1)
    block[n_pixels:] = labels
    return block


MNIST = Edition(
    train_images=IdxFile(
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    train_labels=IdxFile(
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    test_images=IdxFile(
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    test_labels=IdxFile(
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    n_train=60_000,
    n_test=10_000,
    block_sha256="c2069063c1105f2bf96266aef1ff68c6e13bdda7a54e37bf19c16f1db24efc83",
    block_crc32=883_465_245,
)

"""Small stand-ins for MNIST: generated pictures in the four files, with their true checksums."""

from __future__ import annotations

import gzip
import hashlib
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.block import MNIST, PIXELS, Edition, IdxFile, make_block

N_TRAIN, N_TEST = 60, 20


def pictures(n: int, *, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Generate pictures of nothing, and labels with every digit as often as the others.

    Noise on 12 × 12 pixels in the middle, so that 80 of them pack to about 12 kB: the disk can
    then be full for the block (63 kB) and not for the files.

    Returns
    -------
    images : uint8 array of shape (n, 784)
    labels : uint8 array of shape (n,)
    """
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 28, 28), dtype=np.uint8)
    images[:, 8:20, 8:20] = rng.integers(0, 256, size=(n, 12, 12))
    labels = rng.permutation(np.arange(n) % 10).astype(np.uint8)
    return images.reshape(n, PIXELS), labels


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    """Write an array in the IDX format."""
    header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return header + values.tobytes()


def write_edition(folder: Path, *, seed: int = 0) -> Edition:
    """Write a small edition's four compressed files into a folder.

    Returns
    -------
    Edition
        60 training and 20 test rows, with the checksums of what was written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = pictures(N_TRAIN + N_TEST, seed=seed)
    cube = images.reshape(-1, 28, 28)
    parts = (cube[:N_TRAIN], labels[:N_TRAIN], cube[N_TRAIN:], labels[N_TRAIN:])
    written = []
    for file, values in zip(MNIST.files, parts, strict=True):
        content = gzip.compress(idx_bytes(values), mtime=0)
        (folder / file.name).write_bytes(content)
        written.append(IdxFile(file.name, len(content), hashlib.sha256(content).hexdigest()))
    block = make_block(images, labels)
    return Edition(
        tuple(written),
        n_train=N_TRAIN,
        n_rows=N_TRAIN + N_TEST,
        block_sha256=hashlib.sha256(block).hexdigest(),
    )


def to_plain(edition: Edition) -> dict[str, Any]:
    """Return an edition as JSON can hold it, for a child process."""
    return asdict(edition)


def from_plain(plain: dict[str, Any]) -> Edition:
    """Return the edition that `to_plain` wrote down."""
    return Edition(**{**plain, "files": tuple(IdxFile(**file) for file in plain["files"])})

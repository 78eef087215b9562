"""The IDX format of the four original files: a short header, then bytes."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.block import MNIST, PIXELS, Edition
from mnist_course.data.dataset import Dataset
from mnist_course.errors import DataError

_GZIP_MAGIC = b"\x1f\x8b"


def parse_idx(content: bytes) -> NDArray[np.uint8]:
    """Read the bytes of an IDX file of unsigned bytes into a read-only array of its shape.

    They are two zero bytes, the type (8: unsigned byte), the number of dimensions, the size of
    each as a big-endian 32-bit number, then the values; DataError if not.
    """
    if content[:3] != b"\0\0\x08" or len(content) < 4 or content[3] > 3:
        raise DataError("is not an IDX file of unsigned bytes (its first bytes are others)")
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise DataError("ends within its header")
    shape = struct.unpack(f">{n_dimensions}I", content[4:start])
    promised, held = math.prod(shape), len(content) - start
    if promised != held:
        raise DataError(f"promises {promised:,} values and holds {held:,}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        content = path.read_bytes()
        if content[:2] == _GZIP_MAGIC:
            content = gzip.decompress(content)
        return parse_idx(content)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(f"{path.name} cannot be read ({why})") from None
    except DataError as error:
        raise DataError(f"{path.name} {error}") from None


def read_edition(folder: Path, edition: Edition = MNIST) -> tuple[NDArray, NDArray, int]:
    """Read the four files of a folder: images of shape (n, 784), labels, and how many train."""
    paths = [folder / file.name.removesuffix(".gz") for file in edition.files]
    try:
        paths = [path if path.is_file() else path.with_name(f"{path.name}.gz") for path in paths]
        missing = [path.name for path in paths if not path.is_file()]
    except OSError as error:  # a folder that may not be entered, a name too long
        raise DataError(f"cannot be read ({error.strerror or error})") from None
    if missing:
        raise DataError(f"lacks {' and '.join(missing)} (unpacked files serve as well)")
    train_x, train_y, test_x, test_y = map(_read, paths)
    for images, labels in ((train_x, train_y), (test_x, test_y)):
        if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
            raise DataError(
                f"holds pictures of shape {images.shape} and labels of shape {labels.shape}; "
                f"they should be (n, 28, 28) and (n,)"
            )
    images = np.concatenate([train_x, test_x]).reshape(-1, PIXELS)
    return images, np.concatenate([train_y, test_y]), len(train_y)


def load_idx(folder: str | os.PathLike[str]) -> Dataset:
    """Load a folder that holds the four IDX files, compressed or not.

    Any data set in this form will do: Fashion-MNIST, or your own. The content is not compared
    with MNIST's checksums; `load_mnist` does that.

    Parameters
    ----------
    folder : str or path-like
        Its files have MNIST's names, such as ``train-images-idx3-ubyte`` or the same with ``.gz``;
        pictures are of 28 × 28 pixels.

    Returns
    -------
    Dataset
        Images of shape (n, 784), uint8; those of the training files train.

    Raises
    ------
    DataError
        If a file is missing or damaged; the message says which.
    """
    try:
        images, labels, n_train = read_edition(Path(folder))
    except DataError as error:
        raise DataError(
            f"The folder {folder} {error}.\nPut the four IDX files of one data set there, or "
            f"let load_mnist() fetch MNIST for you."
        ) from None
    return Dataset.of(images, labels, n_train=n_train, source="idx")

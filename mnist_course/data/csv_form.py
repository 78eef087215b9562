"""MNIST in CSV form: a label, then 784 pixels in each line."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.block import PIXELS
from mnist_course.data.dataset import Dataset
from mnist_course.errors import DataError, UsageError


def load_csv(path: str | os.PathLike[str], *, n_train: int | None = None) -> Dataset:
    """Load the CSV form of MNIST: a label, then 784 pixel values in each line.

    Parameters
    ----------
    path : str or path-like
        With or without a header line; compressed if the name ends in ``.gz``.
    n_train : int, optional
        How many lines are for training; all of them unless given.

    Raises
    ------
    DataError, UsageError
        If a line is not of this form (the message says which), or `n_train` are not there.
    """
    path = Path(path)
    try:
        has_header = _has_header(path)
        values = _read_table(path, has_header)
        if values is None:
            raise _not_this_form(path, _first_fault(path, has_header))
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise _not_this_form(path, f"It cannot be read ({why}).") from None
    n_train = len(values) if n_train is None else n_train
    if not 0 <= n_train <= len(values):
        raise UsageError(f"n_train is {n_train}, but the file holds {len(values)} rows.")
    images = np.ascontiguousarray(values[:, 1:], dtype=np.uint8)
    return Dataset.of(images, values[:, 0], n_train=n_train, source="csv")


def _open_text(path: Path) -> TextIO:
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    return opener(path, "rt", encoding="utf-8-sig")


def _has_header(path: Path) -> bool:
    with _open_text(path) as file:
        first = file.readline().split(",")[0].strip().strip('"')
    return bool(first) and not first.lstrip("-").replace(".", "", 1).isdigit()


def _read_table(path: Path, has_header: bool) -> NDArray[np.int16] | None:
    """Return labels and pixels, or None if some line is not of this form."""
    import pandas as pd

    try:
        # int16 holds every value this form allows, at a quarter of pandas' own choice. A header
        # is skipped, not read: with one name too few, pandas would take labels for row names.
        table = pd.read_csv(path, header=None, skiprows=int(has_header), dtype=np.int16)
    except (ValueError, OverflowError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        return None
    values = table.to_numpy()
    right = values.size and values.shape[1] == PIXELS + 1 and values.min() >= 0
    return values if right and values[:, 0].max() <= 9 and values.max() <= 255 else None


def _first_fault(path: Path, has_header: bool) -> str:
    """Say what is wrong with the first line that is not of this form."""
    with _open_text(path) as file:
        for number, cells in enumerate(csv.reader(file), start=1):
            if not cells or (number == 1 and has_header):
                continue  # pandas passes over empty lines, too
            if len(cells) != PIXELS + 1:
                return f"Line {number} holds {len(cells)} values."
            for column, cell in enumerate(cells):
                what, top = ("label", 9) if column == 0 else ("pixel", 255)
                if not (cell.isascii() and cell.strip().isdecimal() and int(cell) <= top):
                    return f"Line {number} holds {cell!r}, not a {what} from 0 to {top}."
    return "It holds no rows."


def _not_this_form(path: Path, finding: str) -> DataError:
    return DataError(
        f"{path} is not MNIST in CSV form. {finding}\n"
        f"Each line should hold the label (0 to 9) and then {PIXELS} pixel values (0 to 255), "
        f"separated by commas; one header line may come first."
    )

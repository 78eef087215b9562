"""The embedded stand-in: scikit-learn's 1,797 handwritten digits in MNIST's own form."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_course.data.dataset import Dataset
from mnist_course.geometry import centre_by_mass, crop, fit_box

# Of the digits of each class every seventh is for testing: MNIST's own proportion, 6 to 1.
# Counting rather than drawing keeps the split the same for ever, on every version of NumPy.
TEST_EVERY = 7
_SCALE = 255 / 16  # the 8 × 8 pictures count the dark points, 0 to 16, in blocks of a scan
# Scaling 8 × 8 up to 20 × 20 leaves soft edges. Greys below the first value become paper, above
# the second full ink: then 78 % of the pixels are empty, close to MNIST's 81 %.
_PAPER, _INK = 60, 200


def load_digits() -> Dataset:
    """Load 1,797 real digits, scaled up from 8 × 8 (Alpaydin and Kaynak 1998, UCI repository)."""
    table = small_digits()
    labels = table[:, -1]
    pictures = np.rint(table[:, :-1].reshape(-1, 8, 8) * _SCALE).astype(np.uint8)
    images = np.stack([_mnist_form(picture).reshape(-1) for picture in pictures])
    is_test = every_nth_of_each_class(labels, TEST_EVERY)
    order = np.argsort(is_test, kind="stable")
    n_train = int((~is_test).sum())
    return Dataset.of(images[order], labels[order], n_train=n_train, source="digits")


def small_digits() -> NDArray[np.int64]:
    """Return what scikit-learn's ``load_digits`` reads: 64 pixels and the label in each row.

    The file alone: to import scikit-learn for it takes forty processes longer than the network.
    """
    package = importlib.util.find_spec("sklearn")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    return np.loadtxt(path, delimiter=",", dtype=np.int64)


def _mnist_form(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    soft = fit_box(crop(picture)).astype(np.float64)
    crisp = np.clip((soft - _PAPER) / (_INK - _PAPER), 0, 1) * 255
    return centre_by_mass(np.rint(crisp).astype(np.uint8))


def every_nth_of_each_class(labels: NDArray[np.integer], n: int) -> NDArray[np.bool_]:
    """Mark the n-th, 2n-th, … row of each class."""
    marked = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        marked[np.flatnonzero(labels == label)[n - 1 :: n]] = True
    return marked

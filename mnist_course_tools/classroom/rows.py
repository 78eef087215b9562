"""Rows that a class has not seen: nine tenths of the pictures, in an order that a seed decides.

Exercises take the first rows to learn from and the next to judge by. In another order they are
others, so an answer that was copied as a number does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnist_course.data import Dataset


def drawn(dataset: Dataset, seed: int) -> Dataset:
    """Return a data set with nine tenths of its training rows, in an order that a seed decides.

    So neither the first rows nor all of them are those that were seen. Test rows stay.
    """
    import numpy as np

    from mnist_course.data import Dataset

    n_train = dataset.n_train - dataset.n_train // 10
    train = np.random.default_rng(seed).permutation(dataset.n_train)[:n_train]
    order = np.concatenate([train, np.arange(dataset.n_train, len(dataset))])
    return Dataset.of(
        dataset.images[order],
        dataset.labels[order],
        n_train=n_train,
        source=dataset.source,
    )


def draw_rows(seed: int) -> None:
    """Let `load_mnist` give all who import it from now on the rows in that order."""
    import mnist_course

    given = mnist_course.load_mnist

    def load_mnist(*args: object, **kwargs: object) -> Dataset:
        return drawn(given(*args, **kwargs), seed)

    mnist_course.load_mnist = load_mnist

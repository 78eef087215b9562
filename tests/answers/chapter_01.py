"""Answers to the exercises of chapter 1, right and wrong."""

from __future__ import annotations

import numpy as np

from mnist_course import load_mnist
from tests.answers import Case, Cases


def invert() -> Case:
    X, _ = load_mnist("digits").train
    return Case(
        {"image": X[0]},
        (lambda image: 255 - image,),
        [
            ((lambda image: -image,), "knows no minus"),
            ((lambda image: image,), "as it was"),
            ((lambda image: 1.0 - image,), "255 here, not 1"),
            ((lambda image: np.where(image > 127, 0, 255),), "Paper is right"),
            ((lambda image: image * 0 + 7,), "it became 7"),
            ((lambda image: image.reshape(28, 28)[::-1],), "shape"),
            ((255 - X[0],), "Expected a function"),
        ],
    )


def ink() -> Case:
    X, y = load_mnist("digits").train
    means = np.array([X[y == digit].mean() for digit in range(10)])
    factor = means.max() / means.min()
    sums = np.array([X[y == digit].mean(axis=1).sum() for digit in range(10)])
    dark = np.array([X[y == digit][X[y == digit] > 0].mean() for digit in range(10)])
    return Case(
        {"X": X, "y": y},
        (means, factor),
        [
            ((sums, factor), "These are sums"),
            ((dark, factor), "Paper counts too"),
            ((means[:9], factor), "shape"),
            ((means + np.eye(10)[3], factor), "mean of digit 3"),
            ((means, 1 / factor), "upside down"),
            ((means, means.max() - means.min()), "a difference"),
            ((means, 17.0), "the largest over the smallest"),
        ],
    )


def shuffled() -> Case:
    X, _ = load_mnist("digits").train
    pictures = X[1:102]  # bytes that wrap around find another neighbour here

    def shuffle(pictures, order):
        return pictures[:, order]

    def nearest(pictures):
        return int(np.square(pictures[1:].astype(float) - pictures[0]).sum(axis=1).argmin()) + 1

    def each_its_own(pictures, order):
        return np.random.default_rng(1).permuted(pictures, axis=1)

    def wraps(pictures):
        return int(np.square((pictures[1:] - pictures[0]).astype(float)).sum(axis=1).argmin()) + 1

    def squares_wrap(pictures):
        return int(np.square(pictures[1:] - pictures[0]).sum(axis=1).argmin()) + 1

    return Case(
        {"pictures": pictures},
        (shuffle, nearest),
        [
            ((lambda pictures, order: pictures, nearest), "as they were"),
            ((each_its_own, nearest), "not in the order that was given"),
            ((lambda pictures, order: pictures[::-1], nearest), "take columns, not rows"),
            ((shuffle, lambda pictures: 0), "nearest to itself"),
            ((shuffle, lambda pictures: nearest(pictures) - 1), "Off by one"),
            ((shuffle, wraps), "wraps around"),
            ((shuffle, lambda pictures: 57), "there is one nearer"),
            ((shuffle, squares_wrap), "wraps around"),
        ],
    )


CASES: Cases = {"1.1": invert, "1.2": ink, "1.3": shuffled}

"""Answers to the exercises of chapter 1, right and wrong."""

from __future__ import annotations

import numpy as np

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


def invert() -> Case:
    X, _ = load_mnist("digits").train
    return Case(
        {"image": X[0]},
        (lambda image: 255 - image,),
        [
            ((lambda image: -image,), "knows no minus"),
            ((lambda image: image,), "as it was"),
            ((lambda image: (255 - image) / 255,), "on a scale from 0 to 1", HALF),
            ((lambda image: 1.0 - image,), "255 here, not 1"),
            ((lambda image: 1 - image,), "255 here, not 1"),
            ((lambda image: image.max() - image,), "its darkest pixel"),
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
            ((means, 1 / factor), "upside down", HALF),
            ((means, means.max() - means.min()), "a difference", HALF),
            ((means, 17.0), "the largest over the smallest", HALF),
        ],
        [(means, round(factor, 1))],
    )


def shuffled() -> Case:
    X, _ = load_mnist("digits").train
    pictures = X[3:104]  # bytes that wrap around find another neighbour here

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
            ((shuffle, lambda pictures: nearest(pictures) - 1), "Off by one", HALF),
            ((shuffle, wraps), "wraps around"),
            ((shuffle, lambda pictures: 57), "there is one nearer"),
            ((shuffle, lambda _: nearest(pictures)), "there is one nearer"),
            ((shuffle, squares_wrap), "wraps around"),
        ],
    )


def several_means() -> Case:
    X, y = load_mnist("digits").train
    known, y_known, new, y_new = X[:770], y[:770], X[770:1155], y[770:1155]

    def nearest(centres, pictures):
        return np.argmin([((pictures - centre) ** 2).sum(axis=1) for centre in centres], axis=0)

    def parts(digit, number):
        own = known[y_known == digit]
        wide = np.argsort((own.reshape(-1, 28, 28)[:, :, 8:20] > 0).mean(axis=(1, 2)))
        return [own[part].mean(axis=0) for part in np.array_split(wide, number)]

    one = [known[y_known == digit].mean(axis=0) for digit in range(10)]
    several = np.vstack([parts(digit, 20) for digit in range(10)])
    owners = np.repeat(np.arange(10), 20)

    def read(pictures):
        return owners[nearest(several, pictures)]

    def by_place(pictures):
        return np.where(np.arange(len(pictures)) < 9, 0, read(pictures)[::-1])

    def nearly(pictures):
        return np.where(pictures.sum(axis=1) % 13 == 0, 0, read(pictures))

    bytes_ = [np.uint8(mean) for mean in one]
    return Case(
        {"pictures": new, "labels": y_new, "to_beat": np.mean(nearest(one, new) == y_new)},
        (read,),
        [
            ((lambda pictures: nearest(one, pictures),), "exactly the number to beat"),
            ((lambda pictures: nearest(several, pictures),), "the number of a mean"),
            ((lambda pictures: np.zeros(len(pictures)),), "It reads a 0 in every picture"),
            ((by_place,), "its place among the others"),
            ((lambda pictures: (read(pictures) + 1) % 10,), "the right owners"),
            ((nearly,), "it takes"),
            ((read(new),), "Hand it over without calling it"),
            ((lambda pictures: read(pictures)[:9],), "shape"),
            ((lambda pictures: nearest(bytes_, pictures),), "it takes"),
            ((lambda pictures: np.zeros(len(pictures)),), "Convert to float first"),
        ],
    )


CASES: Cases = {"1.1": invert, "1.2": ink, "1.3": shuffled, "1.4": several_means}

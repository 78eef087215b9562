"""Answers to the exercises of chapter 10, right and wrong."""

from __future__ import annotations

import numpy as np
from scipy.stats import binomtest
from sklearn.neighbors import KNeighborsClassifier

from mnist_course import load_mnist, normalise, orientations
from tests.answers import HALF, Case, Cases


def leaning() -> Case:
    X, _ = load_mnist("digits").train

    def parts(picture, weigh=True, whole=False):
        rows, columns = np.indices(picture.shape)
        ink = picture if weigh else picture > 0
        weight = ink / ink.sum()
        down = rows - (rows.mean() if whole else (weight * rows).sum())
        right = columns - (columns.mean() if whole else (weight * columns).sum())
        return [(weight * product).sum() for product in (down * right, down**2, right**2)]

    def slope(picture, **options):
        both, down, _ = parts(picture, **options)
        return both / down

    def correlation(picture):
        both, down, right = parts(picture)
        return both / np.sqrt(down * right)

    def fitted(picture):  # the root of bytes is a float of two bytes only
        rows, columns = np.indices(picture.shape)
        return np.polyfit(rows.ravel(), columns.ravel(), 1, w=np.sqrt(picture).ravel())[0]

    pictures = X[:100].reshape(-1, 28, 28)
    known = {picture.tobytes(): slope(picture) for picture in pictures}
    return Case(
        {"pictures": pictures},
        (slope,),
        [
            ((lambda picture: -slope(picture),), "sign is turned", HALF),
            ((lambda picture: 1 / slope(picture),), "upside-down"),
            ((lambda picture: parts(picture)[0],), "That is the covariance"),
            ((lambda picture: parts(picture)[0] / parts(picture)[2],), "variance of the *rows*"),
            ((correlation,), "correlation"),
            ((lambda picture: parts(picture)[0] / parts(picture)[1] ** 0.5,), "not by its root"),
            ((lambda picture: slope(picture, weigh=False),), "Weight it by its ink"),
            ((lambda picture: slope(picture, whole=True),), "of the *ink*"),
            ((lambda picture: 0.1,), "columns a row"),
            ((lambda picture: known.get(picture.tobytes(), 0),), "columns a row"),
            ((lambda picture: picture,), "single number"),
            ((0.3,), "Expected a function"),
        ],
        [(fitted,), (lambda picture: round(slope(picture), 4),)],
    )


def signless() -> Case:
    X, _ = load_mnist("digits").train
    pictures = normalise(X[:40])

    def squares(features):
        return np.square(features).reshape(-1, 12, 49)

    def unsigned(features):
        amount = squares(features)
        return np.sqrt(amount[:, :6] + amount[:, 6:]).reshape(-1, 294)

    def roots(features):
        parts = features.reshape(-1, 12, 49)
        return (parts[:, :6] + parts[:, 6:]).reshape(-1, 294)

    def neighbours(features):
        return np.sqrt(squares(features)[:, ::2] + squares(features)[:, 1::2]).reshape(-1, 294)

    def cells_first(features):
        parts = np.square(features).reshape(-1, 49, 12)
        return np.sqrt(parts[:, :, :6] + parts[:, :, 6:]).reshape(-1, 294)

    return Case(
        {"features": orientations(pictures), "pictures": pictures},
        (unsigned,),
        [
            ((roots,), "sums of roots"),
            ((lambda features: unsigned(features) ** 2,), "root is still to be taken", HALF),
            ((neighbours,), "half a circle on"),
            ((lambda features: features[:, :294],), "left out"),
            ((cells_first,), "reshape to (-1, 12, 49)"),
            ((lambda features: unsigned(features) / np.sqrt(2),), "means of two"),
            ((lambda features: features,), "shape"),
            ((lambda features: unsigned(features)[:5],), "and 5 rows"),
            ((lambda features: 0 * unsigned(features),), "not the roots"),
            ((lambda _: unsigned(orientations(pictures)),), "7 rows"),
            ((unsigned(orientations(pictures)),), "Expected a function"),
        ],
    )


def lead() -> Case:
    a = np.arange(2000) < 530
    b = a & (np.arange(2000) < 502)

    def counts(a, b):
        return int(np.sum(a & ~b)), int(np.sum(b & ~a))

    def right(a, b, **options):
        only_a, only_b = counts(a, b)
        return binomtest(only_a, only_a + only_b, **options).pvalue if only_a + only_b else 1.0

    def faulty(a, b):
        return binomtest(int(a.sum()), int(a.sum() + b.sum())).pvalue

    return Case(
        {"wrong_a": a, "wrong_b": b},
        (right,),
        [
            ((faulty,), "Errors in common"),
            ((lambda a, b: binomtest(counts(a, b)[0], len(a)).pvalue,), "counts all pictures"),
            ((lambda a, b: right(a, b, alternative="greater"),), "two sides"),
            ((lambda a, b: right(a, b, alternative="less"),), "two sides"),
            ((lambda a, b: 1 - right(a, b),), "other end"),
            ((lambda a, b: right(a, b) if sum(counts(a, b)) else 0.0,), "so p is 1", HALF),
            ((lambda a, b: 0.05,), "so p should be"),
            ((lambda a, b: binomtest(*counts(a, b)).pvalue,), "stopped with"),
            ((0.05,), "Expected a function"),
        ],
    )


def features() -> Case:
    X, y = load_mnist("digits").train
    known, new = slice(0, 700), slice(700, 1500)
    to_beat = KNeighborsClassifier(1).fit(X[known], y[known]).score(X[new], y[new])

    def look(pictures):
        return orientations(normalise(pictures))

    given = {"X": X[known], "y": y[known], "shown": X[new], "truth": y[new], "to_beat": to_beat}
    return Case(
        given,
        (look,),
        [
            ((lambda pictures: pictures.astype(float),), "exactly the number to beat"),
            ((lambda pictures: look(pictures) - look(pictures).mean(axis=0),), "beside it"),
            ((lambda pictures: np.ones((len(pictures), 3)),), "the same numbers"),
            ((lambda pictures: pictures.reshape(-1, 28, 28),), "shape"),
            ((lambda pictures: pictures.astype(float)[:, ::7],), "it takes"),
            ((lambda pictures: normalise(pictures),), "it takes"),
            ((look(X[new]),), "Expected a function"),
        ],
    )


CASES: Cases = {"10.1": leaning, "10.2": signless, "10.3": lead, "10.4": features}

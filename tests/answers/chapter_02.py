"""Answers to the exercises of chapter 2, right and wrong."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


def sigmoids() -> Case:
    scores = np.array([2.0, 1.0, 0.1, -1.0, 0.0, 0.5, -2.0, 3.0, 0.2, -0.5])
    one_by_one, joint = expit(scores), softmax(scores)
    total, share = one_by_one.sum(), one_by_one.max() / one_by_one.sum()
    return Case(
        {"scores": scores},
        (7, total, share),
        [
            ((scores.max(), total, share), "does not have the largest score"),
            ((7, 1.0, share), "softmax's"),
            ((7, 5.0, share), "do not add up to 5"),
            ((7, total, joint.max()), "That is softmax"),
            ((7, total, one_by_one.max()), "Divide it by the sum", HALF),
            ((7, total, 0.5), "over the sum"),
        ],
        [(7, total, round(share, 2))],
    )


def faint() -> Case:
    rng = np.random.default_rng(0)
    X, w, b = rng.normal(size=(20_000, 3)), np.array([1.5, -2.0, 0.5]), 0.5

    def right(scores, drawn_from):
        return np.mean((scores >= 0) == rng.binomial(1, expit(drawn_from)))

    far, near, half = X @ w + b, (X @ w + b) / 10, X @ w / 10 + b
    return Case(
        {"X": X, "w": w, "b": b},
        (right(near, near),),
        [
            ((right(far, far),), "Divide them by ten"),
            ((right(half, half),), "the bias is not"),
            ((1 - right(near, near),), "the share that is wrong", HALF),
            ((right(near, far),), "weights as they were"),
            ((1.0,), "Draw the classes by chance"),
            ((100 * right(near, near),), "a percentage", HALF),
            ((40.2,), "between 0 and 1"),
            ((0.3,), "Expected is a share near"),
        ],
    )


def threshold() -> Case:
    probability = np.random.default_rng(0).uniform(size=500)
    return Case(
        {"probability": probability},
        (lambda p, old, new: (p >= old) != (p >= new),),
        [
            ((lambda p, old, new: (p > old) != (p > new),), "exactly at a threshold", HALF),
            (
                (lambda p, old, new: (p >= min(old, new)) & (p <= max(old, new)),),
                "exactly at",
                HALF,
            ),
            ((lambda p, old, new: (p >= new) & (p < old),), "when the threshold rises"),
            ((lambda p, old, new: (p >= old).astype(int) - (p >= new),), "only true and false"),
            ((lambda p, old, new: (p >= old) == (p >= new),), "upside down", HALF),
            ((lambda p, old, new: (p < old) | (p >= new),), "the mask has"),
            ((lambda p, old, new: np.abs(p - old) <= abs(new - old),), "*both* sides"),
            ((lambda p, old, new: (p >= old) & (p < new),), "When it falls"),
            ((lambda p, old, new: p >= new,), "With three samples added"),
            ((lambda p, old, new: (p >= old)[:9],), "shape"),
        ],
    )


def four_or_nine() -> Case:
    X, y = load_mnist("digits").train
    fit, val = np.array_split(np.flatnonzero(np.isin(y, [4, 9])), 2)

    def window(pictures):
        return pictures.reshape(-1, 28, 28)[:, 6:10, 10:18].mean(axis=(1, 2))

    def ink(pictures):
        return pictures.mean(axis=1)

    return Case(
        {"old": X[fit], "y_old": y[fit] == 9, "new": X[val], "y_new": y[val] == 9},
        (window,),
        [
            ((ink,), "what there is to beat"),
            ((lambda pictures: 255 - ink(pictures),), "what there is to beat"),
            ((lambda pictures: np.full(len(pictures), 3),), "the same number, 3"),
            ((lambda pictures: window(pictures) - window(pictures).mean(),), "beside it"),
            ((lambda pictures: pictures[:, :2],), "shape"),
            ((lambda pictures: [[1], [2, 3]],), "cannot be read"),
            ((lambda pictures: -pictures.sum(axis=1),), "have no sign"),
            ((lambda pictures: window(pictures).mean(),), "shape"),
            ((lambda pictures: (pictures > 0).sum(axis=1) % 7,), "it takes"),
            ((window(X[fit]),), "Hand it over without calling it"),
        ],
    )


CASES: Cases = {"2.1": sigmoids, "2.2": faint, "2.3": threshold, "2.4": four_or_nine}

"""Answers to the exercises of chapter 9, right and wrong."""

from __future__ import annotations

import functools
from contextlib import suppress

import numpy as np
from scipy.ndimage import (
    gaussian_filter,
    generate_binary_structure,
    iterate_structure,
    maximum_filter,
)
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from mnist_course import Steps, load_mnist, simulate_picture, to_mnist
from mnist_course.errors import PictureError
from mnist_course.geometry import centre_by_mass
from tests.answers import HALF, Case, Cases


@functools.cache
def _fitted():
    X, y = load_mnist("digits").train
    model = make_pipeline(PCA(40, random_state=0), LogisticRegression(max_iter=2000))
    return model.fit(X[:1000] / 255, y[:1000]), X[1000:], y[1000:]


def polarity() -> Case:
    _, pictures, _ = _fitted()

    def right(picture):
        return np.mean(picture) < np.median(picture)

    def in_bytes(picture):
        with np.errstate(over="ignore"):
            return np.median(picture) > (picture.min() + picture.max()) / 2

    return Case(
        {"pictures": pictures[:40].reshape(-1, 28, 28)},
        (right,),
        [
            ((lambda picture: picture.mean() > 127,), "fixed brightness"),
            ((lambda picture: np.median(picture) > 127,), "fixed brightness"),
            ((lambda picture: not right(picture),), "other way around"),
            ((lambda picture: picture < 127,), "one truth value"),
            ((lambda picture: "dark",), "one truth value"),
            ((lambda picture: True,), "of every picture"),
            ((lambda picture: picture[0, 0] > picture.mean(),), "Something in a corner"),
            ((True,), "Expected a function"),
            ((in_bytes,), "Bytes wrap around"),
        ],
        [(lambda picture: in_bytes(picture.astype(float)),)],
    )


def centred() -> Case:
    _, pictures, _ = _fitted()

    def by(middle, weigh=True, box=False):
        def place(ink):
            rows, columns = np.indices(ink.shape)
            weight = ink / ink.sum() if weigh else (ink > 0) / (ink > 0).sum()
            means = [(weight * rows).sum(), (weight * columns).sum()]
            means = [(size - 1) / 2 for size in ink.shape] if box else means
            top, left = (round(middle - mean) for mean in means)
            placed = np.zeros((40, 40), ink.dtype)
            placed[top : top + len(ink), left : left + ink.shape[1]] = ink
            return placed[:28, :28]

        return place

    return Case(
        {"pictures": pictures[:60].reshape(-1, 28, 28)},
        (by(14),),
        [
            ((by(14, weigh=False),), "Weight it by its ink"),
            ((by(13),), "should be 14"),
            ((by(13.5),), "exact middle"),
            ((by(14, box=True),), "box around the ink"),
            ((by(12),), "rows and"),
            ((lambda ink: by(14)(ink) / 255,), "ink itself has changed"),
            ((lambda ink: by(14)(ink).astype(float),), "dtype", HALF),
            ((lambda ink: by(13)(ink).astype(float),), "should be 14"),
            ((lambda ink: by(14)(ink).astype(np.uint8),), "ink itself has changed"),
            ((lambda ink: ink,), "shape"),
            ((centre_by_mass(pictures[0].reshape(28, 28)[4:24, 4:24]),), "Expected a function"),
        ],
    )


def sure() -> Case:
    model, X, y = _fitted()
    shares = model.predict_proba(X / 255)

    def answers(shares, least):
        return np.where(shares.max(axis=1) >= least, shares.argmax(axis=1), -1)

    def judged(given, truth):
        answered = given >= 0
        right = np.mean(given[answered] == truth[answered]) if answered.any() else 1.0
        return np.mean(answered), right

    def strict(shares, least):
        return np.where(shares.max(axis=1) > least, shares.argmax(axis=1), -1)

    def unsure(shares, least):
        return np.where(shares.max(axis=1) < least, shares.argmax(axis=1), -1)

    def nan(given, truth):
        answered = given >= 0
        with np.errstate(invalid="ignore"):
            return np.mean(answered), np.divide(np.sum(given == truth), answered.sum())

    def zero(given, truth):
        return judged(given, truth) if np.any(given >= 0) else (0, 0)

    def of_all(given, truth):
        answered = given >= 0
        return answered.mean(), np.mean(given == truth) if answered.any() else 1.0

    return Case(
        {"shares": shares, "truth": y},
        (answers, judged),
        [
            ((strict, judged), "exactly `least`", HALF),
            ((strict, of_all), "as wrong"),
            ((lambda _, least: answers(shares, least), judged), "shape"),
            ((unsure, judged), "sure ones"),
            ((lambda shares, least: shares.argmax(axis=1), judged), "All pictures are answered"),
            ((lambda shares, least: answers(shares, least) + 1, judged), "should say"),
            ((lambda shares, least: shares, judged), "shape"),
            ((answers, lambda *both: judged(*both)[::-1]), "changed places", HALF),
            ((answers, lambda *both: judged(*both)[0]), "two numbers"),
            ((answers, nan), "NaN", HALF),
            ((answers, lambda g, t: (0, 0)), "should say"),
            ((answers, zero), "Without a single answer the second", HALF),
            ((answers, lambda g, t: [[1], [2, 3]]), "a share"),
            ((answers, lambda g, t: judged(g, y)), "and it says"),
            ((answers, lambda g, t: ("a", "b")), "a share"),
            ((answers, lambda g, t: (judged(g, t)[0], judged(g, t)[1] or 1.0)), "and it says"),
            ((answers, of_all), "as wrong"),
            ((answers, lambda g, t: (1 - judged(g, t)[0], judged(g, t)[1])), "*without*", HALF),
            ((answers, lambda g, t: (np.sum(g >= 0), judged(g, t)[1])), "is a count", HALF),
            ((answers, lambda g, t: (judged(g, t)[0], 1 - judged(g, t)[1])), "that is wrong", HALF),
            ((answers, lambda g, t: (0.123, 0.456)), "should say"),
        ],
        [(answers, lambda g, t: np.round(judged(g, t), 3))],
    )


def thick() -> Case:
    _, X, y = _fitted()
    known = load_mnist("digits").train
    model = make_pipeline(PCA(40, random_state=0), KNeighborsClassifier(3))
    model.fit(known[0][:1000] / 255, known[1][:1000])
    rng = np.random.default_rng(0)
    thin, truth = np.zeros((150, 784), np.uint8), y[:150]
    for row, picture in zip(thin, X, strict=False):
        with suppress(PictureError):
            row[:] = to_mnist(simulate_picture(picture, rng, "bitmap"), Steps(width=False)).ravel()

    def thicken(pictures, reach=1):
        squares = np.reshape(pictures, (-1, 28, 28)).astype(float)
        cross = iterate_structure(generate_binary_structure(2, 1), reach)[None]
        soft = gaussian_filter(maximum_filter(squares, footprint=cross), (0, 0.5, 0.5))
        return np.clip(soft, 0, 255).reshape(-1, 784)

    def mixing(pictures):
        return maximum_filter(pictures.reshape(-1, 28, 28), 2).reshape(-1, 784)

    return Case(
        {"model": model, "thin": thin, "truth": truth, "to_beat": model.score(thin / 255, truth)},
        (thicken,),
        [
            ((lambda pictures: pictures,), "as thin as they were"),
            ((mixing,), "beside it"),
            ((lambda pictures: thicken(pictures) / 255,), "0 to 1"),
            ((lambda pictures: 2.0 * pictures,), "between 0 and 255"),
            ((lambda pictures: thicken(pictures, 4),), "too thick"),
            ((lambda pictures: pictures.reshape(-1, 28, 28),), "shape"),
            ((lambda pictures: 0.9 * pictures,), "too thin"),
            ((thicken(thin),), "Expected a function"),
        ],
    )


CASES: Cases = {"9.1": polarity, "9.2": centred, "9.3": sure, "9.4": thick}

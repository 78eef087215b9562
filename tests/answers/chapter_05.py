"""Answers to the exercises of chapter 5, right and wrong."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


def _rows(n):
    X, y = load_mnist("digits").train
    X = X.astype(np.float32)
    return {"X": X[:n], "y": y[:n], "X_new": X[n : 2 * n], "y_new": y[n : 2 * n]}


def scaled() -> Case:
    def right(scaler, model, X, y, X_new, y_new):
        return make_pipeline(scaler, model).fit(X, y).score(X_new, y_new)

    def by_itself(scaler, model, X, y, X_new, y_new):
        model.fit(scaler.fit_transform(X), y)
        return model.score(scaler.fit_transform(X_new), y_new)

    def leaky(scaler, model, X, y, X_new, y_new):
        scaler.fit(np.concatenate([X, X_new]))
        return model.fit(scaler.transform(X), y).score(scaler.transform(X_new), y_new)

    def new_as_they_are(scaler, model, X, y, X_new, y_new):
        return model.fit(scaler.fit_transform(X), y).score(X_new, y_new)

    def by_hand(scaler, model, X, y, X_new, y_new):
        answers = model.fit(scaler.fit_transform(X), y).predict(scaler.transform(X_new))
        return np.sum(answers == y_new)

    def rounded(score):
        return lambda *args: round(score(*args), 2)

    def another_model(scaler, model, *rows):
        return right(scaler, KNeighborsClassifier(1), *rows)

    return Case(
        _rows(300),
        (right,),
        [
            ((by_itself,), "scaled by themselves"),
            ((leaky,), "has seen the new rows"),
            ((new_as_they_are,), "not scaled"),
            ((lambda s, m, X, y, *new: right(s, m, X, y, X, y),), "rows it learned from"),
            ((lambda s, m, X, y, *new: m.fit(X, y).score(*new),), "not used at all"),
            ((lambda *args: 1 - right(*args),), "share of errors", HALF),
            ((lambda *args: 100 * right(*args),), "between 0 and 1", HALF),
            ((by_hand,), "how many are right", HALF),
            ((lambda *args: round(100 * right(*args)),), "between 0 and 1", HALF),
            ((lambda *args: 100 * leaky(*args),), "the accuracy is"),
            ((another_model,), "the accuracy is"),
            ((rounded(by_itself),), "the accuracy is"),
            ((rounded(leaky),), "has seen the new rows"),
        ],
        also=[(rounded(right),)],
    )


def pale() -> Case:
    given = _rows(400)
    X, y, shown, truth = given.values()
    by_255, by_length = (
        make_pipeline(scaler, KNeighborsClassifier()).fit(X, y)
        for scaler in (FunctionTransformer(lambda X: X / 255), Normalizer())
    )

    def peeks(pictures):
        return by_255.predict(pictures / 0.3)

    def by_its_batch(pictures):
        return np.roll(by_length.predict(pictures), 1)

    return Case(
        {"shown": shown, "truth": truth, "to_beat": by_255.score(0.3 * shown, truth)},
        (by_length.predict,),
        [
            ((by_255.predict,), "exactly the number to beat"),
            ((lambda pictures: by_length.predict(pictures[:, ::-1]),), "it takes"),
            ((lambda pictures: np.ones(len(pictures)),), "It reads a 1 in every picture"),
            (
                (
                    lambda pictures: (
                        peeks(pictures) if pictures.max() < 80 else pictures[:, 0] * 0 + 1
                    ),
                ),
                "1 in every picture",
            ),
            (
                (
                    lambda pictures: np.where(
                        pictures.max(axis=1) > 90,
                        by_255.predict(pictures % 20),
                        by_length.predict(pictures),
                    ),
                ),
                "how pale",
            ),
            ((peeks,), "how pale"),
            ((lambda pictures: by_255.predict(255 / pictures.max() * pictures),), "how pale"),
            ((by_its_batch,), "its place among the others"),
            ((by_length,), "Expected a function"),
            ((lambda pictures: by_length.predict(pictures)[:9],), "shape"),
        ],
    )


def heavy() -> Case:
    given = _rows(700)
    X, y = given["X"] / 255, given["y"]
    kept = np.union1d(np.flatnonzero(y != 8), np.flatnonzero(y == 8)[::10])
    given = {**given, "X": X[kept], "y": y[kept], "X_new": given["X_new"] / 255}

    def fitted(weights, X, y, X_new, y_new):
        model = LogisticRegression(class_weight=weights, max_iter=300).fit(X, y)
        says, is_8 = model.predict(X_new) == 8, y_new == 8
        return says[is_8].mean(), is_8[says].mean() if says.any() else 0

    def right(weight, *rows):
        return fitted({8: weight}, *rows)

    return Case(
        given,
        (right,),
        [
            ((lambda *args: right(*args)[::-1],), "changed places", HALF),
            ((lambda w, X, y, *new: right(w, X, y, X, y),), "rows it learned from"),
            ((lambda w, *rows: right(1, *rows),), "changes nothing"),
            ((lambda w, *rows: right(1 / w, *rows),), "divided by the weight"),
            ((lambda w, *rows: fitted("balanced", *rows),), "weight of its own"),
            ((lambda w, *rows: np.subtract(right(w, *rows), 0.2),), "recall is"),
            ((lambda w, *rows: fitted({d: w for d in range(10) if d != 8}, *rows),), "nine other"),
            ((lambda *args: right(*args)[0],), "a single number"),
        ],
    )


def first_column() -> Case:
    X, y = load_mnist("digits").train
    lines = np.column_stack([y, X])[:100]
    return Case(
        {"lines": lines},
        (lambda lines: (lines[:, 1:], lines[:, 0]),),
        [
            ((lambda lines: (lines[:, :784], lines[:, 0]),), "still the label"),
            ((lambda lines: (lines, lines[:, 0]),), "label and all"),
            ((lambda lines: (lines[:, 2:], lines[:, 0]),), "these are 783"),
            ((lambda lines: (lines[:, 1:], lines[:, -1]),), "the last pixel"),
            ((lambda lines: (lines[:, 1:], lines[:, 5] + 1),), "The pixels are right"),
            ((lambda lines: (lines[:, 0], lines[:, 1:]),), "changed places", HALF),
            ((lambda lines: (lines[:, 1:] / 255, lines[:, 0]),), "as they stand"),
            ((lambda lines: lines[:, 1:],), "Expected two things"),
            ((lambda lines: (lines[:, 0], lines[:, :784]),), "still the label"),
            ((lambda _: (lines[:, 1:], lines[:, 0]),), "for each line"),
            ((lambda lines: ([[1], [2, 3]], lines[:, 0]),), "cannot be read"),
        ],
    )


CASES: Cases = {"5.1": scaled, "5.2": pale, "5.3": heavy, "5.4": first_column}

"""Answers to the exercises of chapter 5, right and wrong."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer

from mnist_course import load_mnist
from tests.answers import Case, Cases


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

    def another_model(scaler, model, *rows):
        return right(scaler, KNeighborsClassifier(1), *rows)

    return Case(
        _rows(400),
        (right,),
        [
            ((by_itself,), "scaled by themselves"),
            ((leaky,), "has seen the new rows"),
            ((new_as_they_are,), "not scaled"),
            ((lambda s, m, X, y, *new: right(s, m, X, y, X, y),), "rows it learned from"),
            ((lambda s, m, X, y, *new: m.fit(X, y).score(*new),), "not used at all"),
            ((lambda *args: 1 - right(*args),), "share of errors"),
            ((lambda *args: 100 * right(*args),), "between 0 and 1"),
            ((by_hand,), "how many are right"),
            ((another_model,), "the accuracy is"),
        ],
    )


def dimmed() -> Case:
    given = _rows(400)
    X, y, X_new, y_new = given.values()

    def fit(scaler, X, y):
        return make_pipeline(scaler, KNeighborsClassifier()).fit(X, y)

    by_255, by_length = fit(FunctionTransformer(lambda X: X / 255), X, y), fit(Normalizer(), X, y)
    pale = 0.3 * X_new
    table = np.array(
        [[model.score(part, y_new) for part in (X_new, pale)] for model in (by_255, by_length)]
    )

    def count(answers):
        return np.bincount(answers, minlength=10)

    counts = count(by_255.predict(pale))
    return Case(
        given,
        (table, counts),
        [
            ((table.T, counts), "Rows and columns"),
            ((table[::-1], counts), "The rows have changed"),
            ((table[:, ::-1], counts), "The columns have changed"),
            ((table[:, [0, 0]], counts), "Dim the new pictures only"),
            ((table[[0, 0]], counts), "The first row is right"),
            (([[table[0, 0], 0.1], table[1]], counts), "The second row is right"),
            ((table - 0.2, counts), "As they are, expected"),
            ((100 * table, counts), "between 0 and 1"),
            ((table, counts / len(y_new)), "These are shares"),
            ((table, count(y_new)), "what the pictures show"),
            ((table, count(by_255.predict(X_new))), "to the pictures as they are"),
            ((table, count(by_length.predict(pale))), "after `Normalizer`"),
            ((table, counts[::-1]), "Count the answers of"),
            ((table, by_255.predict(pale)), "shape"),
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
            ((lambda *args: right(*args)[::-1],), "changed places"),
            ((lambda w, X, y, *new: right(w, X, y, X, y),), "rows it learned from"),
            ((lambda w, *rows: right(1, *rows),), "changes nothing"),
            ((lambda w, *rows: right(1 / w, *rows),), "divided by the weight"),
            ((lambda w, *rows: fitted("balanced", *rows),), "weight of its own"),
            ((lambda w, *rows: np.subtract(right(w, *rows), 0.2),), "recall is"),
            ((lambda w, *rows: fitted({d: w for d in range(10) if d != 8}, *rows),), "nine other"),
            ((lambda *args: right(*args)[0],), "a single number"),
        ],
    )


def subtraction() -> Case:
    X, _ = load_mnist("digits").train
    pictures, mean_picture = X[:500], X.mean(axis=0).round().astype(np.uint8)

    def centred(pictures, mean_picture):
        return pictures.astype(int) - mean_picture

    below = centred(pictures, mean_picture)
    wrong = np.mean(below < 0)
    return Case(
        {"pictures": pictures, "mean_picture": mean_picture},
        (wrong, 255, centred),
        [
            ((1 - wrong, 255, centred), "are right"),
            ((np.sum(below < 0), 255, centred), "number of pixels"),
            ((np.mean(below == -1), 255, centred), "Not only -1"),
            ((0, 255, centred), "Nothing wrong?"),
            ((0.77, 255, centred), "should be below 0"),
            ((wrong, -1, centred), "There is no -1"),
            ((wrong, 0, centred), "neither stops at 0"),
            ((wrong, 254, centred), "one step below 0"),
            ((wrong, 255, lambda p, m: p - m), "wraps around as before"),
            ((wrong, 255, lambda p, m: np.abs(p.astype(int) - m)), "signs are lost"),
            ((wrong, 255, lambda p, m: np.maximum(p.astype(int) - m, 0)), "cut off"),
            ((wrong, 255, lambda p, m: m - p.astype(int)), "minus the pictures"),
            ((wrong, 255, lambda p, m: p.astype(np.int8) - m.astype(np.int8)), "ends at 127"),
            ((wrong, 255, lambda p, m: p.astype(int)), "minus the mean picture"),
            ((wrong, 255, below), "Expected a function"),
        ],
    )


CASES: Cases = {"5.1": scaled, "5.2": dimmed, "5.3": heavy, "5.4": subtraction}

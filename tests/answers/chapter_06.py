"""Answers to the exercises of chapter 6, right and wrong."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from mnist_course import load_mnist
from tests.answers import Case, Cases


@functools.cache
def _rows() -> dict[str, Any]:
    X, y = load_mnist("digits").train
    X = X[:, ::4].astype(np.float32) / 255  # fewer pixels, so that PCA takes no time
    return {"X": X[:1000], "y": y[:1000], "X_val": X[1000:], "y_val": y[1000:]}


def _pipeline(n, *, whiten=False, before=(), products=True, after=()):
    made = [PolynomialFeatures(2, include_bias=False)] if products else []
    pca = PCA(n, svd_solver="covariance_eigh", whiten=whiten)
    return make_pipeline(*before, pca, *made, *after, LogisticRegression(max_iter=1000))


def useful() -> Case:
    X, y, X_val, y_val = _rows().values()
    largest = X.max(axis=0)
    never, each = np.sum(largest == 0), PCA().fit(X).explained_variance_ratio_
    shares = each.cumsum()[[19, 59]]
    scaled = PCA().fit(StandardScaler().fit_transform(X)).explained_variance_ratio_

    def accuracy(n, rows):
        return _pipeline(n).fit(X[:rows], y[:rows]).score(X_val, y_val)

    def on_own_rows(n, rows):
        return _pipeline(n).fit(X[:rows], y[:rows]).score(X[:rows], y[:rows])

    def from_all_rows(n, rows):
        return _pipeline(n).fit(X, y).score(X_val, y_val)

    def without_products(n, rows):
        return _pipeline(n, products=False).fit(X[:rows], y[:rows]).score(X_val, y_val)

    return Case(
        _rows(),
        (never, shares, accuracy),
        [
            ((X.shape[1] - never, shares, accuracy), "pixels *with* ink"),
            ((np.sum(X == 0), shares, accuracy), "counts zeros in all pictures"),
            ((np.sum(X.min(axis=0) == 0), shares, accuracy), "0 in *some* picture"),
            ((never + 1, shares, accuracy), "largest value over all pictures"),
            ((never, each[[19, 59]], accuracy), "alone. Add up"),
            ((never, 100 * shares, accuracy), "percent"),
            ((never, shares[::-1], accuracy), "First the share of 20"),
            ((never, 1 - shares, accuracy), "variance that is lost"),
            ((never, each.cumsum()[[20, 60]], accuracy), "Off by one"),
            ((never, scaled.cumsum()[[19, 59]], accuracy), "Standardised pixels"),
            ((never, [0.5, 0.6], accuracy), "not 0.500"),
            ((never, shares, accuracy(8, 300)), "Expected a function"),
            ((never, shares, lambda n, rows: 100 * accuracy(n, rows)), "returns percent"),
            ((never, shares, on_own_rows), "judges on rows to learn from"),
            ((never, shares, from_all_rows), "learns from all rows"),
            ((never, shares, without_products), "without products"),
            ((never, shares, lambda n, rows: 0.5), "should be"),
        ],
    )


def gaps() -> Case:
    X, y, X_val, y_val = _rows().values()

    def own(model, rows):
        return model.score(X[:rows], y[:rows])

    def new(model):
        return model.score(X_val, y_val)

    return Case(
        _rows(),
        (lambda model, rows: own(model, rows) - new(model),),
        [
            ((lambda model, rows: new(model) - own(model, rows),), "turned around"),
            ((lambda model, rows: 100 * (own(model, rows) - new(model)),), "percentage points"),
            ((own,), "accuracy on the own rows"),
            ((lambda model, rows: new(model),), "only half"),
            ((lambda model, rows: model.score(X, y) - new(model),), "never met"),
            ((lambda model, rows: own(model, rows) / new(model),), "a ratio"),
            ((lambda model, rows: 0.0,), "not 0.000 apart"),
            ((lambda model, rows: (own(model, rows), new(model)),), "a gap, a single number"),
        ],
    )


def whitening() -> Case:
    right = functools.partial(_pipeline, whiten=True)
    return Case(
        {"X": _rows()["X"][:500]},
        (right,),
        [
            ((_pipeline,), "as they were"),
            ((lambda n: _pipeline(n, after=[StandardScaler()]),), "the *products*"),
            ((lambda n: right(n, after=[StandardScaler()]),), "the *products*"),
            ((lambda n: _pipeline(n, before=[StandardScaler()]),), "the *pixels*"),
            ((lambda n: right(n, products=False),), "products are missing"),
            ((lambda n: right(n + 1),), "columns should come"),
            ((lambda n: right(n, before=[StandardScaler()]),), "not those of whitened"),
            ((lambda n: PCA(n, whiten=True),), "a pipeline, and this is a PCA"),
            ((lambda n: make_pipeline(PCA(400), PCA(2), LogisticRegression()),), "do not fit"),
            ((lambda n: make_pipeline(PCA(n), KNeighborsClassifier()),), "should be `Logistic"),
            ((right(20),), "Expected a function"),
        ],
    )


def order() -> Case:
    X, y, X_val, y_val = _rows().values()
    X, y = X[:600], y[:600]
    order = np.random.default_rng(0).permutation(X.shape[1])
    model = _pipeline(10, products=False).fit(X, y)
    again = _pipeline(10, products=False).fit(X[:, order], y)
    mixed = _pipeline(10, products=False).fit(np.random.default_rng(1).permuted(X, axis=1), y)
    fewer = _pipeline(10, products=False).fit(X[:60, order], y[:60])
    return Case(
        {"model": model, "order": order, "X_val": X_val, "y_val": y_val},
        (again,),
        [
            ((model,), "learned from pictures as they are"),
            ((mixed,), "hardly better than by guessing"),
            ((fewer,), "the other can do"),
            ((_pipeline(10, products=False),), "stopped with NotFittedError"),
            ((again.predict(X_val[:, order]),), "Expected a fitted model"),
        ],
    )


CASES: Cases = {"6.1": useful, "6.2": gaps, "6.3": whitening, "6.4": order}

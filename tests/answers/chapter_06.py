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
from tests.answers import HALF, Case, Cases


@functools.cache
def _rows() -> dict[str, Any]:
    X, y = load_mnist("digits").train
    X = X[:, ::4].astype(np.float32) / 255  # fewer pixels, so that PCA takes no time
    return {"X": X[:1000], "y": y[:1000], "X_val": X[1000:], "y_val": y[1000:]}


def _pipeline(n, *, whiten=False, before=(), products=True, after=()):
    made = [PolynomialFeatures(2, include_bias=False)] if products else []
    pca = PCA(n, svd_solver="covariance_eigh", whiten=whiten)
    return make_pipeline(*before, pca, *made, *after, LogisticRegression(max_iter=1000))


def axes() -> Case:
    X, _, X_new, _ = _rows().values()

    def on(rows):
        return lambda X, X_new, n: [PCA(n).fit(rows(X, X_new)).transform(S) for S in (X, X_new)]

    right = on(lambda X, X_new: X)

    def without_mean(X, X_new, n):
        pca = PCA(n).fit(X)
        return pca.transform(X), X_new @ pca.components_.T

    return Case(
        {"X": X, "X_new": X_new},
        (right,),
        [
            (
                (lambda X, X_new, n: (PCA(n).fit_transform(X), PCA(n).fit_transform(X_new)),),
                "axes of their own",
            ),
            ((on(lambda X, X_new: np.concatenate([X, X_new])),), "from both sets"),
            ((on(lambda X, X_new: X_new),), "come from the new rows"),
            ((lambda X, X_new, n: right(X, X_new, n)[::-1],), "changed places", HALF),
            ((lambda X, X_new, n: right(X, X_new, n + 1),), "5 components for each row"),
            ((without_mean,), "subtracted"),
            ((lambda *some: right(X, X_new, 5),), "3 components for each row"),
            ((lambda *some: ([[1], [2, 3]], X_new),), "cannot be read"),
            ((lambda X, X_new, n: right(-X, X_new, n),), "not the components"),
            ((right(X, X_new, 5),), "Expected a function"),
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
            ((lambda model, rows: new(model) - own(model, rows),), "turned around", HALF),
            (
                (lambda model, rows: 100 * (own(model, rows) - new(model)),),
                "percentage points",
                HALF,
            ),
            ((own,), "accuracy on its own rows"),
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


def halved() -> Case:
    X, y, X_val, y_val = _rows().values()
    line, curve = (_pipeline(5, products=products).fit(X, y) for products in (False, True))
    near = KNeighborsClassifier(3).fit(X, y)
    return Case(
        {"shown": X_val, "truth": y_val, "to_beat": line.score(X_val, y_val)},
        (near.predict,),
        [
            ((line.predict,), "exactly the number to beat"),
            ((curve.predict,), "it takes"),
            ((curve.predict_proba,), "shape"),
            ((lambda pictures: near.predict(1000 * pictures) * 0 + 1,), "It reads a 1"),
            ((lambda pictures: near.predict(pictures) / 2,), "digits, or probabilities"),
            ((lambda pictures: np.roll(near.predict(pictures), 1),), "place among the others"),
            ((near,), "Expected a function"),
            ((KNeighborsClassifier(1).fit(X_val, y_val).predict,), "from these very pictures"),
        ],
    )


CASES: Cases = {"6.1": axes, "6.2": gaps, "6.3": whitening, "6.4": halved}

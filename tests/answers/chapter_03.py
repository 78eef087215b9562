"""Answers to the exercises of chapter 3, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


@functools.cache
def _rows():
    X, y = load_mnist("digits").train
    return X[:770].astype(np.float32), y[:770], X[770:1540].astype(np.float32), y[770:1540]


@functools.cache
def _ten():
    X, y, X_val, _ = _rows()
    standard = StandardScaler().fit(X)
    one = LogisticRegression(C=0.01, max_iter=300)
    ten = OneVsRestClassifier(one).fit(standard.transform(X), y)
    W = np.vstack([model.coef_[0] for model in ten.estimators_])
    return W, ten.predict(standard.transform(X_val))


def solvers() -> Case:
    X, y, *_ = _rows()
    order = np.argsort(X.var(axis=0))
    pixels = order[-50:]
    Z = StandardScaler().fit_transform(X[:, pixels].astype(float))

    def fit(columns, is_zero=y == 0, solver="newton-cholesky", **options):
        model = LogisticRegression(solver=solver, **{"max_iter": 1000, "tol": 1e-6, **options})
        return model.fit(columns, is_zero)

    lbfgs, newton = fit(Z, solver="lbfgs"), fit(Z)
    weights = np.vstack([lbfgs.coef_, newton.coef_])
    iterations = [lbfgs.n_iter_[0], newton.n_iter_[0]]
    by_noise = np.argsort(StandardScaler().fit_transform(X).var(axis=0))[-50:]
    brightest = np.argsort(X.mean(axis=0))[-50:]
    raw = fit(X[:, pixels] / 255).coef_
    others = fit(Z, y != 0).coef_
    early = fit(Z, solver="lbfgs", tol=1).coef_
    return Case(
        {"X": X, "is_zero": y == 0},
        (pixels, weights, iterations),
        [
            ((by_noise, weights, iterations), "Did you standardise first?"),
            ((order[:50], weights, iterations), "vary *least*"),
            ((brightest, weights, iterations), "How much do they *vary*"),
            ((order[-51:-1], weights, iterations), "than others that were left out"),
            ((order[-40:], weights, iterations), "shape"),
            ((pixels + 0.5, weights, iterations), "50 different whole numbers"),
            ((pixels[::-1], weights, iterations), "not in the order of `pixels`", HALF),
            ((pixels, np.vstack([raw, raw]), iterations), "not standardised"),
            ((pixels, np.vstack([others, others]), iterations), "*not* a zero"),
            ((pixels, np.vstack([early, weights[1:]]), iterations), "lbfgs has not converged"),
            ((pixels, np.vstack([weights[:1], others]), iterations), "the second should hold"),
            ((pixels, weights / 2, iterations), "lowest point"),
            ((pixels, weights, iterations[::-1]), "changed places", HALF),
            ((pixels, weights, [1000, iterations[1]]), "not what lbfgs needs", HALF),
        ],
    )


def shares() -> Case:
    X, y, X_val, y_val = _rows()
    X = X / 255
    braked = LogisticRegression(C=1.0, max_iter=300).fit(X, y)
    unbraked = LogisticRegression(C=np.inf, max_iter=300).fit(X, y)

    def read(pictures):
        return braked.predict(pictures / 255)

    peeked = LogisticRegression(C=np.inf, max_iter=300).fit(X_val, y_val)

    def judged(C=1.0, unit=1, *others):
        lines = []
        for share in (0.1, 0.5, 0.9):
            A, B, a, b = train_test_split(unit * X, y, test_size=share, random_state=42)
            model = LogisticRegression(C=C, max_iter=300).fit(A, a)
            lines.append([model.score(A, a), model.score(*(others or (B, b)))])
        return lines

    table = []
    for share in (0.1, 0.5, 0.9):
        A, B, a, b = train_test_split(X, y, test_size=share, random_state=42)
        model = LogisticRegression(max_iter=300).fit(A, a)
        table.append([model.score(A, a), model.score(B, b)])
    table = np.array(table)
    return Case(
        {"X": X, "y": y, "seed": 42, "X_val": X_val, "y_val": y_val},
        (table, read),
        [
            ((table[:, ::-1], read), "changed places", HALF),
            ((table[::-1], read), "*test* share"),
            ((1 - table, read), "shares of errors", HALF),
            ((100 * table, read), "between 0 and 1", HALF),
            ((90 * table, read), "between 0 and 1"),
            ((100 * table, lambda pictures: unbraked.predict(pictures / 255)), "without a brake"),
            ((table[:, [0, 0]], read), "judge the rows it learned from twice"),
            ((table - 0.3, read), "was expected for"),
            ((table[:, 0], read), "shape"),
            ((table, lambda pictures: unbraked.predict(pictures / 255)), "without a brake"),
            ((judged(C=np.inf), read), "without a brake"),
            ((judged(unit=255), read), "given other pixels"),
            ((judged(1.0, 1, X_val / 255, y_val), read), "judges by `X_val`"),
            ((table, lambda pictures: braked.predict(pictures / 255**2)), "Scale them"),
            ((table, peeked.predict), "Has it seen"),
            ((table, lambda pictures: np.zeros(len(pictures))), "reads a 0 in every picture"),
            ((table, lambda pictures: read(pictures[:, ::-1])), "it takes"),
            ((table, braked), "Expected a function"),
        ],
    )


def rim() -> Case:
    X, *_ = _rows()
    W, _ = _ten()
    inked, deviation = (X > 0).mean(axis=0), X.std(axis=0)
    rare, size = (inked > 0) & (inked < 0.01), np.abs(W).mean(axis=0)
    varies = deviation > 0
    per_ink = np.divide(size, deviation, out=np.zeros(784), where=varies)
    with np.errstate(invalid="ignore"):
        nan = size / deviation
    amount = X.mean(axis=0)
    return Case(
        {"W": W, "X": X},
        (rare, size, per_ink),
        [
            ((inked < 0.01, size, per_ink), "never inked"),
            ((~rare, size, per_ink), "upside down", HALF),
            ((inked >= 0.01, size, per_ink), "upside down", HALF),
            ((~rare, W.mean(axis=0), per_ink), "cancelled"),
            (((amount > 0) & (amount < 0.01 * 255), size, per_ink), "how *much* ink"),
            ((inked > 0, size, per_ink), "and the mask has"),
            ((inked, size, per_ink), "true or false"),
            ((np.flatnonzero(rare), size, per_ink), "shape"),
            ((rare, W.mean(axis=0), per_ink), "cancelled"),
            ((rare, np.abs(W).sum(axis=0), per_ink), "sums of ten"),
            ((rare, np.sqrt((W**2).mean(axis=0)), per_ink), "root of the mean square"),
            ((rare, np.abs(W).max(axis=0), per_ink), "mean over the ten models"),
            ((rare, size, nan), "NaN"),
            ((rare, size, size * deviation), "multiplied"),
            ((rare, size, size), "still in standard deviations"),
            ((rare, size, np.where(varies, per_ink / (deviation + ~varies), 0)), "variance", HALF),
            ((rare, size, per_ink / 255), "`size` is right"),
        ],
    )


def frequencies() -> Case:
    _, y, _, truth = _rows()
    _, answers = _ten()
    counts, shown = np.bincount(y), np.bincount(truth)
    wrong = np.bincount(truth[answers != truth], minlength=10)
    frequency, misread = counts / len(y), wrong / shown
    of_calls = [np.mean(truth[answers == digit] != digit) for digit in range(10)]

    def even_rows(y, most=None):
        most = most or np.bincount(y).min()
        return np.concatenate([np.flatnonzero(y == digit)[:most] for digit in range(10)])

    def twice(y):
        rng, most = np.random.default_rng(0), np.bincount(y).max()
        return np.concatenate([rng.choice(np.flatnonzero(y == d), most) for d in range(10)])

    def mask(y):
        return np.isin(np.arange(len(y)), even_rows(y))

    return Case(
        {"train": y, "truth": truth, "answers": answers},
        (frequency, misread, even_rows),
        [
            ((counts, misread, even_rows), "divide by the number of rows", HALF),
            ((100 * frequency, misread, even_rows), "divide by the number of rows", HALF),
            ((counts, wrong / wrong.sum(), even_rows), "shares of all errors"),
            ((shown / len(truth), misread, even_rows), "What did the models see?"),
            ((misread, misread, even_rows), "that each digit has"),
            ((frequency, 1 - misread, even_rows), "read correctly", HALF),
            ((frequency, wrong, even_rows), "These are counts"),
            ((frequency, wrong / wrong.sum(), even_rows), "shares of all errors"),
            ((frequency, wrong / len(truth), even_rows), "not by all pictures"),
            ((frequency, of_calls, even_rows), "*answered*"),
            ((frequency, frequency, even_rows), "is misread"),
            ((frequency, misread, mask), "not a mask", HALF),
            ((frequency, misread, lambda y: np.ones(len(y), bool)), "more often than"),
            ((frequency, misread, lambda labels: even_rows(y)), "whole number from 0"),
            ((frequency, misread, lambda y: range(10**12)), "holds 1,000,000,000,000 numbers"),
            ((frequency, misread, lambda y: -even_rows(y)), "whole number from 0"),
            ((frequency, misread, twice), "come twice"),
            ((frequency, misread, lambda y: np.arange(len(y))), "more often than"),
            ((frequency, misread, lambda y: even_rows(y, 10)), "are possible"),
            ((frequency, misread, lambda y: even_rows(y) + 0.5), "whole number"),
            ((frequency, misread, even_rows(y)), "Expected a function"),
        ],
    )


CASES: Cases = {"3.1": solvers, "3.2": shares, "3.3": rim, "3.4": frequencies}

"""Answers to the exercises of chapter 7, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


@functools.cache
def _rows():
    X, y = load_mnist("digits").train
    X = X[:, ::4].astype(np.float32) / 255  # fewer pixels, so that PCA takes no time
    return X, PCA(20, svd_solver="covariance_eigh").fit_transform(X), y


def confusions() -> Case:
    errors = np.zeros((10, 10), dtype=int)
    counts = {(4, 9): 9, (9, 4): 5, (3, 5): 7, (5, 3): 2, (2, 7): 8, (7, 2): 0, (3, 8): 4}
    counts |= {(8, 3): 4, (7, 9): 3, (9, 7): 4, (0, 6): 1, (1, 7): 6, (7, 1): 0}
    for (a, b), count in counts.items():
        errors[a, b] = count
    total, pairs = errors.sum(), [(4, 9), (3, 5), (7, 2), (3, 8)]
    share = (14 + 9 + 8 + 8) / total
    one_way = [(4, 9), (2, 7), (3, 5), (1, 7)]
    twice = [(4, 9), (9, 4), (3, 5), (5, 3)]
    shown = np.arange(100, 110)
    wrong, called = errors.sum(axis=1), errors.sum(axis=0)
    read = 1 - wrong / shown
    precision = (shown - wrong) / (shown - wrong + called)
    return Case(
        {"errors": errors, "shown": shown},
        (pairs, share, read),
        [
            ((pairs, share, 100 * read), "percentage", HALF),
            ((pairs, share, 1 - read), "*misread*", HALF),
            ((pairs, share, shown - wrong), "These are counts", HALF),
            ((pairs, share, 1 - called / shown), "added up columns"),
            ((pairs, share, 1 - wrong / wrong.sum()), "divides by all errors"),
            ((pairs, share, precision), "precision"),
            ((pairs, share, read * 0.9), "are read, not"),
            ((pairs, share, read[:9]), "shape"),
            ((one_way, share, read), "*one* direction"),
            ((twice, share, read), "stands there twice"),
            (([(0, 0), *pairs[:3]], share, read), "no error"),
            (([(0, 10), *pairs[:3]], share, read), "two digits from 0 to 9"),
            (([(0, 6), *pairs[:3]], share, read), "0 and 6 are confused 1 times"),
            ((pairs[:3], share, read), "shape"),
            ((pairs, 100 * share, read), "percentage", HALF),
            ((pairs, 100 * share, read * 0.9), "are read, not"),
            ((pairs, share / 2, read), "counts every error twice"),
            ((pairs, (9 + 7 + 0 + 4) / total, read), "both of their directions"),
            ((pairs, 4 / 45, read), "spread evenly"),
            ((pairs, 39, read), "the number of errors", HALF),
            ((pairs, 0.9, read), "They hold 39 of"),
        ],
    )


def gammas() -> Case:
    _, Z, y = _rows()
    given = {"Z": Z[:300], "y": y[:300], "Z_new": Z[1000:1300], "y_new": y[1000:1300]}

    def scores(gammas, Z, y, Z_new, y_new):
        return [SVC(C=5, gamma=gamma).fit(Z, y).score(Z_new, y_new) for gamma in gammas]

    def by_seen(gammas, Z, y, Z_new, y_new):
        return gammas[np.argmax(scores(gammas, Z, y, Z, y))]

    def choose(gammas, *rows):
        return gammas[np.argmax(scores(gammas, *rows))]

    def from_judges(gammas, Z, y, Z_new, y_new):
        return choose(gammas, Z_new, y_new, Z, y)

    def nearly_by_heart(gammas, Z, y, Z_new, y_new):
        seen = scores(gammas, Z, y, Z, y)
        return max([g for g, s in zip(gammas, seen, strict=True) if s < 1], default=gammas[0])

    def fewest(gammas, Z, y, Z_new, y_new):
        kept = [len(SVC(C=5, gamma=gamma).fit(Z, y).support_) for gamma in gammas]
        return gammas[np.argmin(kept)]

    grid = np.logspace(-4, 2, 7)
    return Case(
        {"gammas": grid, **given},
        (choose,),
        [
            ((nearly_by_heart,), "Another gamma"),
            ((from_judges,), "Do you fit a model to `Z_new`?"),
            ((fewest,), "Another gamma"),
            ((lambda gammas, *rows: by_seen(gammas[::-1], *rows),), "has *seen*"),
            ((lambda gammas, *rows: choose(grid, *rows),), "none of the `gammas`"),
            ((lambda gammas, *rows: np.argmax(scores(gammas, *rows)),), "the *place*", HALF),
            ((lambda gammas, *rows: max(scores(gammas, *rows)),), "the best accuracy", HALF),
            ((lambda gammas, *rows: 0.07,), "none of the `gammas`"),
            ((lambda gammas, *rows: gammas[np.argsort(scores(gammas, *rows))[-3]],), "Another"),
            ((lambda gammas, *rows: scores(gammas, *rows),), "a single number"),
            ((choose(grid, *given.values()),), "Expected a function"),
            ((lambda gammas: gammas[2],), "stopped with TypeError"),
        ],
    )


def powers() -> Case:
    X, _, _ = _rows()
    S = StandardScaler().fit_transform(X[:300, X[:300].std(axis=0) > 0.05])
    gamma = 1 / (S.shape[1] * S.var())
    right = np.array([[True, False], [False, False], [True, False]])
    odd, one, none = right.copy(), right.copy(), right.copy()
    odd[1, 0], one[0, 1], none[:] = True, True, False

    def poly(a, b, gamma, degree, coef0):
        return (gamma * (a @ b) + coef0) ** degree

    def rbf(a, b, gamma, degree, coef0):
        return np.exp(-gamma * ((a - b) ** 2).sum())

    wrong = {
        "before the power": lambda a, b, g, d, c: (g * (a @ b)) ** d + c,
        "the inner product only": lambda a, b, g, d, c: (g * (a @ b + c)) ** d,
        "changed places": lambda a, b, g, d, c: (g * (a @ b) + d) ** c,
        "Where is γ": lambda a, b, g, d, c: (a @ b + c) ** d,
        "*times*": lambda a, b, g, d, c: (g * (a @ b) + c) * d,
        "Where is `coef0`": lambda a, b, g, d, c: (g * (a @ b)) ** d,
        "Where is `degree`": lambda a, b, g, d, c: g * (a @ b) + c,
        "RBF": rbf,
        "a single number": lambda a, b, g, d, c: (g * (a * b) + c) ** d,
        "the kernel is": lambda a, b, g, d, c: 1e6,
    }
    return Case(
        {"a": S[0], "b": S[1], "gamma": gamma},
        (poly, right),
        [
            *(((function, right), words) for words, function in wrong.items()),
            ((poly, ~right), "Upside down", HALF),
            ((poly, one), "the sign matters"),
            ((poly, odd), "An odd power keeps"),
            ((poly, none), "An even power"),
            ((poly, right[:2]), "shape"),
        ],
    )


def virtual() -> Case:
    X, _, y = _rows()
    X, y, shown, truth = 255 * X[:400], y[:400], 255 * X[1000:1400], y[1000:1400]
    few, many = (SVC(C=5, gamma=0.02).fit(X[:n] / 255, y[:n]) for n in (60, 400))
    to_beat = few.score(shown / 255, truth)
    return Case(
        {"shown": shown, "truth": truth, "to_beat": to_beat},
        (lambda pictures: many.predict(pictures / 255),),
        [
            ((lambda pictures: few.predict(pictures / 255),), "exactly the number to beat"),
            ((lambda pictures: many.predict(pictures[:, ::-1] / 255),), "it takes"),
            ((many.predict,), "divided by 255"),
            ((lambda pictures: many.decision_function(pictures / 255),), "shape"),
            ((lambda pictures: np.roll(many.predict(pictures / 255), 1),), "place among"),
            ((many,), "Expected a function"),
        ],
    )


CASES: Cases = {"7.1": confusions, "7.2": gammas, "7.3": powers, "7.4": virtual}

"""Answers to the exercises of chapter 7, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from mnist_course import load_mnist
from tests.answers import Case, Cases


@functools.cache
def _rows():
    X, y = load_mnist("digits").train
    X = X[:, ::4].astype(np.float32) / 255  # fewer pixels, so that PCA takes no time
    return X, PCA(20).fit_transform(X), y


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
    return Case(
        {"errors": errors},
        (pairs, share),
        [
            ((one_way, share), "*one* direction"),
            ((twice, share), "stands there twice"),
            (([(0, 0), *pairs[:3]], share), "no error"),
            (([(0, 10), *pairs[:3]], share), "two digits from 0 to 9"),
            (([(0, 6), *pairs[:3]], share), "0 and 6 are confused 1 times"),
            ((pairs[:3], share), "shape"),
            ((pairs, 100 * share), "percent"),
            ((pairs, share / 2), "counts every error twice"),
            ((pairs, (9 + 7 + 0 + 4) / total), "both of their directions"),
            ((pairs, 4 / 45), "spread evenly"),
            ((pairs, 39), "the number of errors"),
            ((pairs, 0.9), "They hold 39 of"),
        ],
    )


def gammas() -> Case:
    _, Z, y = _rows()
    gammas = np.logspace(-4, 2, 7)
    given = {"Z": Z[:300], "y": y[:300], "Z_new": Z[1000:1300], "y_new": y[1000:1300]}

    def scores(which, C=5):
        models = [SVC(C=C, gamma=gamma).fit(Z[:300], y[:300]) for gamma in gammas]
        return [model.score(given[f"Z{which}"], given[f"y{which}"]) for model in models]

    seen, new = scores(""), scores("_new")
    best = gammas[np.argmax(new)]
    return Case(
        {"gammas": gammas, **given},
        (seen, new, best),
        [
            ((new, seen, best), "changed places"),
            ((seen, seen, best), "`new` holds the accuracy on the rows that"),
            ((new, new, best), "`seen` holds"),
            ((np.multiply(seen, 100), np.multiply(new, 100), best), "percent"),
            ((scores("", C=1), scores("_new", C=1), best), "another `C`"),
            ((np.full(7, 0.3), np.full(7, 0.3), best), "not 0.300 and 0.300"),
            ((seen[:6], new, best), "shape"),
            ((seen, new, 100), "do not help to choose"),
            ((seen, new, np.argmax(new)), "the *place*"),
            ((seen, new, max(new)), "the best accuracy"),
            ((seen, new, 0.07), "none of the `gammas`"),
            ((seen, new, 0.0001), "Another gamma"),
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
            ((poly, ~right), "Upside down"),
            ((poly, one), "the sign matters"),
            ((poly, odd), "An odd power keeps"),
            ((poly, none), "An even power"),
            ((poly, right[:2]), "shape"),
        ],
    )


def duels() -> Case:
    def counts(n):
        return n * (n - 1) // 2, n

    ratio = 10 / (45 * 0.04)
    return Case(
        {},
        (counts, ratio),
        [
            ((lambda n: counts(n)[::-1], ratio), "First the number of duels"),
            ((lambda n: (n * (n - 1), n), ratio), "counted twice"),
            ((lambda n: (n * (n + 1) // 2, n), ratio), "against itself"),
            ((lambda n: (n * n, n), ratio), "against itself"),
            ((lambda n: (45, 10), ratio), "6 pairs can be made"),
            ((lambda n: (counts(n)[0], 1), ratio), "The duels are right"),
            ((lambda n: counts(n)[0], ratio), "shape"),
            ((counts, 1 / ratio), "Upside down"),
            ((counts, 10 / 9), "with their square"),
            ((counts, 10 / 45), "numbers of models"),
            ((counts, 10 / 0.45), "*two* of the ten"),
            ((counts, 3), "squared"),
        ],
    )


CASES: Cases = {"7.1": confusions, "7.2": gammas, "7.3": powers, "7.4": duels}

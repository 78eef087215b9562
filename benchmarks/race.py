"""LeCun's table of classical methods, run again: ``python -m benchmarks.race``.

Each row is a pipeline of a few lines, fitted to the 60,000 training rows and judged once by the
10,000 test rows, in a fresh process. What was tuned was tuned on training rows. Seconds are from
reading the files to the last prediction, memory is that of the whole process. A name beside the
module (``python -m benchmarks.race "linear"``) runs that row alone and prints it as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import RidgeClassifier
from sklearn.multiclass import OneVsOneClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from benchmarks.fresh import run_each
from benchmarks.table import record_table
from mnist_course import HardDigits, course_models, deskew, load_mnist, measure

Pixels = NDArray[Any]


def divide(X: Pixels) -> Pixels:
    """Bring pixels from 0..255 to 0..1."""
    return X / np.float32(255)


def blur(X: Pixels) -> Pixels:
    """Blur pictures by a pixel, so that a small shift costs little."""
    return gaussian_filter(X.reshape(-1, 28, 28), (0, 1, 1)).reshape(X.shape)


def shifted(X: Pixels, y: Pixels) -> tuple[Pixels, Pixels]:
    """Return all pictures in nine places, one pixel apart, and their labels."""
    places = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    pictures = X.reshape(-1, 28, 28)
    return np.concatenate(
        [np.roll(pictures, place, axis=(1, 2)).reshape(X.shape) for place in places]
    ), np.tile(y, len(places))


class Shifted(ClassifierMixin, BaseEstimator):
    """Fit a pipeline to all rows in nine places."""

    def __init__(self, pipeline: Any) -> None:
        self.pipeline = pipeline

    def fit(self, X: Pixels, y: Pixels) -> Shifted:
        self.pipeline_ = clone(self.pipeline).fit(*shifted(X, y))
        return self

    def predict(self, X: Pixels) -> Pixels:
        return self.pipeline_.predict(X)


class VirtualSVC(Shifted):
    """Fit a machine, move its support vectors to nine places, and fit it to those."""

    def fit(self, X: Pixels, y: Pixels) -> VirtualSVC:
        self.pipeline_ = clone(self.pipeline).fit(X, y)
        *steps, machine = (step for _, step in self.pipeline_.steps)
        rows, labels = shifted(X[machine.support_], y[machine.support_])
        for step in steps:
            rows = step.transform(rows)
        machine.fit(rows, labels)
        return self


def components(n: int) -> PCA:
    return PCA(n, svd_solver="covariance_eigh", random_state=0)


def polynomial(degree: int, gamma: float) -> SVC:
    return SVC(kernel="poly", degree=degree, gamma=gamma, coef0=1, C=1, cache_size=500)


scale, upright = FunctionTransformer(divide), FunctionTransformer(deskew)
soft, ridge = FunctionTransformer(blur), RidgeClassifier()

# Name, error in the published table (%), and how to make the model.
RACE: dict[str, tuple[str, Callable[[], Any]]] = {
    "linear": ("12.0", lambda: make_pipeline(scale, ridge)),
    "linear, deskewed": ("8.4", lambda: make_pipeline(upright, scale, ridge)),
    "linear, pair by pair": ("7.6", lambda: make_pipeline(scale, OneVsOneClassifier(ridge))),
    "1,000 radial functions, linear": (
        "3.6",
        lambda: make_pipeline(
            scale, Nystroem(gamma=0.02, n_components=1000, random_state=0), ridge
        ),
    ),
    "40 components, their products, linear": (
        "3.3",
        lambda: make_pipeline(
            scale, components(40), StandardScaler(), PolynomialFeatures(2), ridge
        ),
    ),
    "3 neighbours": ("3.09", lambda: make_pipeline(scale, KNeighborsClassifier(3))),
    "3 neighbours, deskewed": (
        "2.4",
        lambda: make_pipeline(upright, components(50), KNeighborsClassifier(3)),
    ),
    "3 neighbours, deskewed, blurred": (
        "1.80",
        lambda: make_pipeline(upright, soft, components(50), KNeighborsClassifier(3)),
    ),
    "boosted trees, 50 components": (
        "1.53",
        lambda: make_pipeline(
            scale,
            components(50),
            HistGradientBoostingClassifier(
                max_leaf_nodes=17, max_iter=200, early_stopping=False, random_state=0
            ),
        ),
    ),
    "SVM, radial": (
        "1.4",
        lambda: make_pipeline(scale, components(50), SVC(C=5, gamma=0.02, cache_size=500)),
    ),
    "3 neighbours, deskewed, blurred, shifted": (
        "1.33",
        lambda: make_pipeline(
            upright, Shifted(make_pipeline(soft, components(50), KNeighborsClassifier(3)))
        ),
    ),
    "SVM, degree 4, deskewed": (
        "1.1",
        lambda: make_pipeline(upright, scale, components(100), polynomial(4, 0.02)),
    ),
    "virtual SVM, degree 9, deskewed": (
        "0.56",
        lambda: make_pipeline(
            upright, scale, VirtualSVC(make_pipeline(components(100), polynomial(9, 0.01)))
        ),
    ),
    "edges, SVM": ("", lambda: course_models()["edges SVM"]),
    "edges, SVM, practice on hard digits": (
        "",
        lambda: HardDigits(course_models()["edges SVM"], random_state=42),
    ),
}


def main() -> None:
    """Run every row, and record one table."""
    rows = []
    found_each = run_each("benchmarks.race", RACE, threads=1)
    for (name, (published, _)), found in zip(RACE.items(), found_each, strict=True):
        share = binomtest(found["errors"], found["of"]).proportion_ci(method="wilson")
        percent = [100 * found["errors"] / found["of"], 100 * share.low, 100 * share.high]
        spent = [f"{found['seconds']:.0f}", f"{found['peak']:.0f}"]
        rows.append((name, published, f"{found['errors']}", *(f"{p:.2f}" for p in percent), *spent))
    headings = ("row", "published %", "errors", "error %", "low", "high", "seconds", "peak MB")
    record_table("race", headings, rows)


def run(name: str) -> None:
    """Run a row in this process, and print what it found as JSON."""
    start = time.perf_counter()
    with measure() as cost:
        mnist = load_mnist("mnist")
        (X, y), (X_test, y_test) = mnist.train, mnist.test
        answers = RACE[name][1]().fit(X, y).predict(X_test)
    seconds = time.perf_counter() - start
    errors = int(np.sum(answers != y_test))
    print(
        json.dumps({"errors": errors, "of": len(y_test), "seconds": seconds, "peak": cost.peak_mb})
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        run(sys.argv[1])
    else:
        main()

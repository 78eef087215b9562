"""What source B's linear machine costs on all rows: ``python -m benchmarks.linear_svc``.

The source fits ``LinearSVC`` on standardised pixels whose variance is above 100, and prints no
accuracy for it. Beside it stand a tenth of its rows, a smaller price, and logistic regression on
the same pixels. Each runs in a fresh process.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from benchmarks.fresh import run_each
from benchmarks.table import record_table
from mnist_course import load_mnist
from mnist_course.machine import owned_cores

Model = LinearSVC | LogisticRegression
ALL = 60_000

VARIANTS: dict[str, tuple[Callable[[], Model], int]] = {
    "LinearSVC, as source B": (lambda: LinearSVC(dual=False), ALL),
    "the same, first 6,000 rows": (lambda: LinearSVC(dual=False), ALL // 10),
    "the same, C = 0.001": (lambda: LinearSVC(dual=False, C=0.001), ALL),
    "logistic regression": (lambda: LogisticRegression(max_iter=1000), ALL),
}


def main() -> None:
    """Measure every variant, and record one table."""
    rows = []
    found_each = run_each("benchmarks.linear_svc", VARIANTS, threads=owned_cores())
    for name, found in zip(VARIANTS, found_each, strict=True):
        steps = f"{found['iterations']}" + ("" if found["converged"] else ", stopped")
        accuracies = [f"{found[rows]:.4f}" for rows in ("seen", "new")]
        rows.append((name, *accuracies, f"{found['seconds']:.0f}", steps))
    headings = ("What", "accuracy, training rows", "test rows", "seconds to fit", "iterations")
    record_table("linear_svc", headings, rows)


def run(name: str) -> None:
    """Run a variant in this process, and print what it found as JSON."""
    make, n = VARIANTS[name]
    mnist = load_mnist("mnist")
    (X, y), (X_test, y_test) = mnist.train, mnist.test
    X, y = X[:n].astype(np.float32), y[:n]
    model = make_pipeline(VarianceThreshold(100), StandardScaler(), make())
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X, y)
    found = {
        "seconds": time.perf_counter() - start,
        "seen": model.score(X, y),
        "new": model.score(X_test.astype(np.float32), y_test),
        "iterations": int(np.max(model[-1].n_iter_)),
        "converged": not any(issubclass(w.category, ConvergenceWarning) for w in caught),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    if sys.argv[1:]:
        run(sys.argv[1])
    else:
        main()

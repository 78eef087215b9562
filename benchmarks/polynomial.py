"""What quadratic features cost, as published and in chapter 6: ``python -m benchmarks.polynomial``.

Each variant below is one way to write the same experiment: 100 principal components of the
scaled pixels, all products of two of them, logistic regression. Each runs in a fresh process.
Memory is that of the whole process, watched as ``mnist-course run`` does. Needs 5 GB.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, PolynomialFeatures

from benchmarks.fresh import run_fresh
from benchmarks.table import record_table
from mnist_course import load_mnist
from mnist_course.cost import Peak
from mnist_course.machine import owned_cores, thread_environment
from mnist_course_tools.memory import EVERY, family_memory

MB = 1e6
SPLIT = {"test_size": 0.2, "random_state": 42}

Fitted = tuple[LogisticRegression, float]


def as_published() -> Fitted:
    """Fit with the defaults of a notebook: a table of int64, then float64, every step kept."""
    frame = load_mnist("mnist").frame()
    X, y = frame.drop(columns="class"), frame["class"]
    return _step_by_step(*train_test_split(X, y, **SPLIT))


def float32_all_kept() -> Fitted:
    """Change the number type and nothing else."""
    data = load_mnist("mnist")
    X = data.images.astype(np.float32)
    return _step_by_step(*train_test_split(X, data.labels, **SPLIT))


def as_chapter_6(components: int = 100) -> Fitted:
    """Hand row numbers to a pipeline that lets go of each step's output once the next has it."""
    labels = load_mnist("mnist").labels
    rows_train, rows_test, y_train, y_test = train_test_split(
        np.arange(len(labels)), labels, **SPLIT
    )
    model = make_pipeline(
        FunctionTransformer(_pixels),
        MinMaxScaler(copy=False),
        PCA(components, svd_solver="covariance_eigh", copy=False),
        PolynomialFeatures(2, include_bias=False),
        LogisticRegression(max_iter=1000, class_weight="balanced"),
    )
    model.fit(rows_train, y_train)
    return model[-1], model.score(rows_test, y_test)


def as_chapter_6_with_50() -> Fitted:
    """Use the 50 components that the chapter chooses on validation rows."""
    return as_chapter_6(components=50)


VARIANTS: dict[str, Callable[[], Fitted]] = {
    "as published: float64, all kept": as_published,
    "float32, all kept": float32_all_kept,
    "chapter 6: float32 pipeline": as_chapter_6,
    "chapter 6 with 50 components": as_chapter_6_with_50,
}
OURS = "chapter 6: float32 pipeline"


def main() -> None:
    """Measure every variant, and record one table."""
    if not os.environ.get("MNIST_COURSE_DATA"):
        sys.exit("MNIST_COURSE_DATA does not name a folder with the real MNIST; set it first.")
    costs = {}
    for name in VARIANTS:
        print(f"running: {name}", file=sys.stderr)
        costs[name] = measure(name)
    ours = costs[OURS]
    record_table(
        "polynomial",
        (
            "What",
            "features",
            "iterations",
            "accuracy",
            "seconds",
            "time × ours",
            "peak MB",
            "memory × ours",
        ),
        [
            (
                name,
                f"{cost['features']}",
                f"{cost['iterations']}",
                f"{cost['accuracy']:.4f}",
                f"{cost['seconds']:.0f}",
                f"{cost['seconds'] / ours['seconds']:.1f}",
                f"{cost['peak'] / MB:.0f}",
                f"{cost['peak'] / ours['peak']:.1f}",
            )
            for name, cost in costs.items()
        ],
    )


def measure(name: str) -> dict[str, float]:
    """Run a variant in a fresh process.

    Parameters
    ----------
    name : str
        A key of `VARIANTS`.

    Returns
    -------
    dict
        ``seconds`` from the mapped file to the accuracy, imports not counted; ``peak`` (bytes)
        of the whole process; ``accuracy``, ``iterations`` and ``features`` of the model.
    """
    watch = Peak(lambda: family_memory(os.getpid()), EVERY)
    watch.start()
    environment = {**os.environ, **thread_environment(owned_cores())}
    found = run_fresh("-m", "benchmarks.polynomial", name, environment=environment)
    return {**found, "peak": watch.stop()}


def run(name: str) -> None:
    """Run a variant in this process, and print what it found as JSON."""
    start = time.perf_counter()
    model, accuracy = VARIANTS[name]()
    found = {
        "seconds": time.perf_counter() - start,
        "accuracy": accuracy,
        "iterations": int(model.n_iter_.max()),
        "features": model.n_features_in_,
    }
    print(json.dumps(found))


def _pixels(rows: NDArray[np.integer]) -> NDArray[np.float32]:
    # The mapped file counts as memory from the first look until nothing refers to it any more.
    return load_mnist("mnist").images[rows].astype(np.float32)


def _step_by_step(X_train, X_test, y_train, y_test) -> Fitted:
    scaler = MinMaxScaler()
    X_train_scaled = scaler.fit_transform(X_train)
    X_test_scaled = scaler.transform(X_test)
    pca = PCA(n_components=100)
    X_train_pca = pca.fit_transform(X_train_scaled)
    X_test_pca = pca.transform(X_test_scaled)
    poly = PolynomialFeatures(degree=2, include_bias=False)
    X_train_poly = poly.fit_transform(X_train_pca)
    X_test_poly = poly.transform(X_test_pca)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    model.fit(X_train_poly, y_train)
    return model, model.score(X_test_poly, y_test)


if __name__ == "__main__":
    if sys.argv[1:]:
        run(sys.argv[1])
    else:
        main()

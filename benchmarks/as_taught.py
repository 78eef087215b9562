"""What the lessons run where the sources ran the experiments of `benchmarks.as_written`.

Each function does what the cells of a lesson do for these numbers, in the profile ``full``. Where
the lesson only shows what a slow run recorded, it does what the lesson runs in its place: another
model for the same question, with the search that chose it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    train_test_split,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)
from sklearn.svm import SVC

from benchmarks.as_written import Numbers, each_digit
from mnist_course import Dataset, load_mnist

SIXTH = 6  # of the training rows the lessons keep the last sixth for validation


def logistic(mnist: Dataset) -> Numbers:
    """Chapter 3's own model: how strongly it is held back is chosen on validation rows."""
    (X, y), (X_test, y_test) = mnist.train, mnist.test
    n = len(y) - len(y) // SIXTH
    few = min(10_000, n)
    A, V = X[:few].astype(np.float32) / 255, X[n:].astype(np.float32) / 255
    rates = {}
    for C in (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 100.0):
        rates[C] = LogisticRegression(C=C, max_iter=300).fit(A, y[:few]).score(V, y[n:])
    model = LogisticRegression(C=max(rates, key=rates.get), max_iter=200)
    model.fit(X.astype(np.float32) / 255, y)
    return {"accuracy": model.score(X_test / 255, y_test)}


def lr_scaled(id: str, scaler: Any, mnist: Dataset) -> Numbers:
    X_train, X_test, y_train, y_test = train_test_split(
        mnist.images, mnist.labels, test_size=0.2, random_state=42
    )
    model = make_pipeline(scaler, LogisticRegression(max_iter=1000, class_weight="balanced"))
    read = model.fit(X_train, y_train).predict(X_test)
    return {f"{id}.accuracy": np.mean(read == y_test), **each_digit(id, y_test, read)}


def pixels(source: str, rows: Any) -> Any:
    # The mapped file counts as memory from the first look until nothing refers to it any more.
    return load_mnist(source).images[rows].astype(np.float32) / 255


def lr_poly(mnist: Dataset) -> Numbers:
    labels = mnist.labels
    rows, rows_test, y_train, y_test = train_test_split(
        np.arange(len(labels)), labels, test_size=0.2, random_state=42
    )
    model = make_pipeline(
        FunctionTransformer(partial(pixels, mnist.source)),
        MinMaxScaler(copy=False),
        PCA(100, svd_solver="covariance_eigh", copy=False),
        PolynomialFeatures(2, include_bias=False),
        LogisticRegression(max_iter=1000, class_weight="balanced"),
    )
    read = model.fit(rows, y_train).predict(rows_test)
    return {"lr-poly.accuracy": np.mean(read == y_test), **each_digit("lr-poly", y_test, read)}


def variance100(mnist: Dataset) -> Numbers:
    kept = VarianceThreshold(threshold=100).fit(mnist.train[0]).get_support()
    return {"variance100.features": int(kept.sum())}


def zero_sgd(mnist: Dataset) -> Numbers:
    (X, y), (X_test, y_test) = mnist.train, mnist.test
    sgd = SGDClassifier(loss="log_loss", max_iter=5, random_state=42)
    model = make_pipeline(VarianceThreshold(), StandardScaler(), sgd).fit(X, y == 0)
    read = model.predict(X_test)
    return {
        "zero-sgd.accuracy": metrics.accuracy_score(y_test == 0, read),
        "zero-sgd.f1": metrics.f1_score(y_test == 0, read),
    }


def five_sgd(mnist: Dataset) -> Numbers:
    """One pass of scores serves accuracies, matrix, thresholds and curve."""
    X, is_five = mnist.train[0], mnist.train[1] == 5
    sgd = SGDClassifier(random_state=42)
    scores = cross_val_predict(sgd, X, is_five, cv=3, method="decision_function")
    read = scores >= 0
    first = sgd.fit(X, is_five).decision_function(X[:1])[0]
    folds = [unseen for _, unseen in StratifiedKFold(3).split(X, is_five)]
    precision, recall, thresholds = metrics.precision_recall_curve(is_five, scores)
    at = np.argmax(precision[:-1] >= 0.9)
    return {
        "five-sgd.f1": metrics.f1_score(is_five, read),
        "five-sgd.cv-accuracy": [np.mean(read[fold] == is_five[fold]) for fold in folds],
        "five-sgd.confusion": metrics.confusion_matrix(is_five, read),
        "five-sgd.precision": metrics.precision_score(is_five, read),
        "five-sgd.recall": metrics.recall_score(is_five, read),
        "five-sgd.first-score": first,
        "five-sgd.first-answers": [first >= 0, first >= 3000],
        "five-sgd.threshold90": thresholds[at],
        "five-sgd.recall-at-90": recall[at],
        "five-sgd.auc": metrics.roc_auc_score(is_five, scores),
    }


def five_forest(mnist: Dataset) -> Numbers:
    X, is_five = mnist.train[0], mnist.train[1] == 5
    forest = RandomForestClassifier(random_state=42, n_jobs=-1)
    P = cross_val_predict(forest, X, is_five, cv=3, method="predict_proba")
    return {
        "five-forest.f1": metrics.f1_score(is_five, P[:, 1] >= 0.5),
        "five-forest.auc": metrics.roc_auc_score(is_five, P[:, 1]),
        "five-forest.first-probabilities": P[:2],
    }


def svc2000(mnist: Dataset) -> Numbers:
    X, y = mnist.train[0][:2000].astype(np.float64), mnist.train[1][:2000]
    return {"svc2000.scores": SVC(random_state=42).fit(X, y).decision_function(X[:1])[0]}


def sgd10(scaler: Any, mnist: Dataset) -> Numbers:
    """Chapter 4's five rounds on the pixels that vary, raw or scaled."""
    X, y = mnist.train
    sgd = SGDClassifier(max_iter=5, tol=None, random_state=42)
    read = cross_val_predict(make_pipeline(VarianceThreshold(100), scaler, sgd), X, y, cv=3)
    return {"cv-accuracy": np.mean(read == y), "five-recall": np.mean(read[y == 5] == 5)}


def svm(mnist: Dataset) -> Numbers:
    """Chapter 7's machine on fifty components, with the search for C and gamma."""
    (X, y), (X_test, y_test) = mnist.train, mnist.test
    n = len(y) - len(y) // SIXTH
    pca = PCA(50, random_state=42).fit(X[:n] / np.float32(255))
    few = min(4500, n // 3)
    choices = {"C": [0.2, 1, 5, 25, 125], "gamma": [0.005, 0.01, 0.02, 0.04, 0.08]}
    search = HalvingGridSearchCV(
        SVC(), choices, cv=3, min_resources="exhaust", random_state=42, n_jobs=-1
    )
    search.fit(pca.transform(X[:few] / np.float32(255)).astype(np.float64), y[:few])
    model = make_pipeline(
        FunctionTransformer(lambda rows: rows / np.float32(255)),
        PCA(50, random_state=42),
        FunctionTransformer(lambda components: components.astype(np.float64)),
        SVC(**search.best_params_),
    )
    return {"accuracy": model.fit(X, y).score(X_test, y_test)}


def vote(labels: Any, weights: Any) -> Any:
    """Return the digit with the most votes in each row."""
    votes = zip(labels, weights, strict=True)
    return np.argmax([np.bincount(*one, minlength=10) for one in votes], axis=1)


def knn(mnist: Dataset) -> Numbers:
    """The neighbours are looked up once, for five equal votes and for four weighted ones."""
    (X, y), (X_test, y_test) = mnist.train, mnist.test
    F, F_test = X.astype(np.float32), X_test.astype(np.float32)
    far, near = KNeighborsClassifier().fit(F, y).kneighbors(F_test)
    choices = {"weights": ["uniform", "distance"], "n_neighbors": [3, 4, 5, 6]}
    search = GridSearchCV(KNeighborsClassifier(), choices, cv=5).fit(F[:10_000], y[:10_000])
    tuned = vote(y[near[:, :4]], 1 / far[:, :4])
    return {
        "knn-tuned.accuracy": np.mean(tuned == y_test),
        "knn-default.accuracy": np.mean(vote(y[near], np.ones_like(far)) == y_test),
        "knn-grid.best": search.best_params_,
        "knn-grid.score": search.best_score_,
    }


def knn_multilabel(mnist: Dataset) -> Numbers:
    X, y = mnist.train
    F, two = X.astype(np.float32), np.column_stack([y >= 7, y % 2 == 1])
    read = cross_val_predict(KNeighborsClassifier(), F, two, cv=3)
    return {
        "knn-multilabel.f1-macro": metrics.f1_score(two, read, average="macro"),
        "knn-multilabel.f1-weighted": metrics.f1_score(two, read, average="weighted"),
        "knn-multilabel.first-answer": KNeighborsClassifier().fit(F, two).predict(F[:1])[0],
    }


def lr_lbfgs100(mnist: Dataset) -> Numbers:
    X, X_test, y, y_test = train_test_split(
        mnist.images, mnist.labels, train_size=0.8, random_state=0
    )
    model = LogisticRegression().fit(X.astype(np.float64), y)
    read = model.predict(X_test.astype(np.float64))
    first = np.flatnonzero(read != y_test)[:5]
    return {
        "lr-lbfgs100.accuracy": metrics.accuracy_score(y_test, read),
        "lr-lbfgs100.confusion": metrics.confusion_matrix(y_test, read),
        "lr-lbfgs100.first-errors": first,
        "lr-lbfgs100.first-error-digits": np.column_stack([read, y_test])[first],
    }


TAUGHT: dict[str, Callable[[Dataset], Numbers]] = {
    "logistic": logistic,
    "lr-standard": partial(lr_scaled, "lr-standard", StandardScaler(copy=False)),
    "lr-minmax": partial(lr_scaled, "lr-minmax", MinMaxScaler(copy=False)),
    "lr-poly": lr_poly,
    "variance100": variance100,
    "zero-sgd": zero_sgd,
    "svm": svm,
    "five-sgd": five_sgd,
    "five-forest": five_forest,
    "svc2000": svc2000,
    "sgd10": partial(sgd10, "passthrough"),
    "sgd10-scaled": partial(sgd10, StandardScaler()),
    "knn": knn,
    "knn-multilabel": knn_multilabel,
    "lr-lbfgs100": lr_lbfgs100,
}

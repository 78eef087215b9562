"""The experiments that the sources print, as they describe them; `benchmarks.against` runs them.

Nothing is copied: each function is written from the description in ``mnist_course/published.csv``,
in scikit-learn's idiom, with the data as ``fetch_openml`` gives them, the number types, splits and
iterations that the source names, and each published number by the call that it came from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.datasets import fetch_openml
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

# Published numbers by their id.
Numbers = dict[str, Any]


def fetch() -> Any:
    """Fetch MNIST as the sources do: a table of whole numbers, and labels that are strings."""
    return fetch_openml("mnist_784", version=1)


def table() -> tuple[Any, Any]:
    """Return that table and its labels, as sources A and B use them."""
    mnist = fetch()
    return mnist.data, mnist.target


def arrays() -> tuple[Any, Any]:
    """Return pixels as a float64 array, and the labels, as sources C and D use them."""
    mnist = fetch_openml("mnist_784", version=1, as_frame=False)
    return mnist.data.astype(np.float64), mnist.target


LOAD = {"A": table, "B": table, "C": arrays, "D": arrays}


def n_train(y: Any) -> int:
    """Count the training rows: the first 60,000 of MNIST's 70,000."""
    return len(y) * 6 // 7


def each_digit(id: str, truth: Any, read: Any) -> Numbers:
    """Return precision, recall and F1 of each digit."""
    measures = metrics.precision_recall_fscore_support(truth, read)[:3]
    names = ("precision", "recall", "f1")
    return {f"{id}.{name}": values for name, values in zip(names, measures, strict=True)}


def lr_raw(X: Any, y: Any) -> Numbers:
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    model = LogisticRegression(max_iter=2000).fit(X_train, y_train)
    read = model.predict(X_test)
    matrix = metrics.confusion_matrix(y_test, read)
    return {
        "lr-raw.accuracy": metrics.accuracy_score(y_test, read),
        "lr-raw.converged": bool(model.n_iter_[0] == 2000),
        **each_digit("lr-raw", y_test, read),
        "lr-raw.confusion-cells": [matrix[0, 0], *matrix[5, 5:9]],
    }


def lr_scaled(id: str, scaler: Any, X: Any, y: Any) -> Numbers:
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    X_train_scaled = scaler.fit_transform(X_train)
    X_test_scaled = scaler.transform(X_test)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    read = model.fit(X_train_scaled, y_train).predict(X_test_scaled)
    accuracy = metrics.accuracy_score(y_test, read)
    return {f"{id}.accuracy": accuracy, **each_digit(id, y_test, read)}


def lr_poly(X: Any, y: Any) -> Numbers:
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=42)
    scaler, pca = MinMaxScaler(), PCA(n_components=100)
    X_train_scaled, X_test_scaled = scaler.fit_transform(X_train), scaler.transform(X_test)
    X_train_pca, X_test_pca = pca.fit_transform(X_train_scaled), pca.transform(X_test_scaled)
    poly = PolynomialFeatures(degree=2, include_bias=False)
    X_train_poly, X_test_poly = poly.fit_transform(X_train_pca), poly.transform(X_test_pca)
    model = LogisticRegression(max_iter=1000, class_weight="balanced")
    read = model.fit(X_train_poly, y_train).predict(X_test_poly)
    accuracy = metrics.accuracy_score(y_test, read)
    return {"lr-poly.accuracy": accuracy, **each_digit("lr-poly", y_test, read)}


def variance100(X: Any, y: Any) -> Numbers:
    kept = VarianceThreshold(threshold=100).fit(X[: n_train(y)]).get_support()
    return {"variance100.features": int(kept.sum())}


def zero_sgd(X: Any, y: Any) -> Numbers:
    n, is_zero = n_train(y), y == "0"
    sgd = SGDClassifier(loss="log_loss", max_iter=5)
    model = make_pipeline(VarianceThreshold(), StandardScaler(), sgd).fit(X[:n], is_zero[:n])
    read = model.predict(X[n:])
    return {
        "zero-sgd.accuracy": metrics.accuracy_score(is_zero[n:], read),
        "zero-sgd.f1": metrics.f1_score(is_zero[n:], read),
    }


def ovr_saga(X: Any, y: Any) -> Numbers:
    n = n_train(y)
    ten = OneVsRestClassifier(LogisticRegression(solver="saga", random_state=42))
    model = make_pipeline(VarianceThreshold(), StandardScaler(), ten).fit(X[:n], y[:n])
    read, truth = model.predict(X[n:]), np.asarray(y[n:])
    P = model.predict_proba(X[n:])
    own = [P[truth == digit, place].mean() for place, digit in enumerate(model.classes_)]
    return {
        "ovr-saga.accuracy": metrics.accuracy_score(truth, read),
        "ovr-saga.f1-weighted": metrics.f1_score(truth, read, average="weighted"),
        "ovr-saga.recall": metrics.recall_score(truth, read, average=None),
        "ovr-saga.f1": metrics.f1_score(truth, read, average=None),
        "ovr-saga.mean-to-own": own,
        "ovr-saga.mean-to-others": 1 - np.array(own),
    }


def svm(id: str, *steps: Any, X: Any, y: Any) -> Numbers:
    *first, svc = steps
    n = n_train(y)
    model = make_pipeline(*first, StandardScaler(), OneVsRestClassifier(svc)).fit(X[:n], y[:n])
    return {f"{id}.accuracy": model.score(X[n:], y[n:])}


def five_sgd(X: Any, y: Any) -> Numbers:
    X, is_five = X[: n_train(y)], y[: n_train(y)] == "5"
    sgd = SGDClassifier(random_state=42).fit(X, is_five)
    first = sgd.decision_function(X[:1])[0]
    folds = cross_val_score(sgd, X, is_five, cv=3, scoring="accuracy")
    read = cross_val_predict(sgd, X, is_five, cv=3)
    scores = cross_val_predict(sgd, X, is_five, cv=3, method="decision_function")
    precision, recall, thresholds = metrics.precision_recall_curve(is_five, scores)
    at = np.argmax(precision[:-1] >= 0.9)
    return {
        "five-sgd.f1": metrics.f1_score(is_five, read),
        "five-sgd.cv-accuracy": folds,
        "five-sgd.confusion": metrics.confusion_matrix(is_five, read),
        "five-sgd.precision": metrics.precision_score(is_five, read),
        "five-sgd.recall": metrics.recall_score(is_five, read),
        "five-sgd.first-score": first,
        "five-sgd.first-answers": [first >= 0, first >= 3000],
        "five-sgd.threshold90": thresholds[at],
        "five-sgd.recall-at-90": recall[at],
        "five-sgd.auc": metrics.roc_auc_score(is_five, scores),
    }


def five_forest(X: Any, y: Any) -> Numbers:
    X, is_five = X[: n_train(y)], y[: n_train(y)] == "5"
    forest = RandomForestClassifier(random_state=42)
    P = cross_val_predict(forest, X, is_five, cv=3, method="predict_proba")
    return {
        "five-forest.f1": metrics.f1_score(is_five, P[:, 1] >= 0.5),
        "five-forest.auc": metrics.roc_auc_score(is_five, P[:, 1]),
        "five-forest.first-probabilities": P[:2],
    }


def svc2000(X: Any, y: Any) -> Numbers:
    svc = SVC(random_state=42).fit(X[:2000], y[:2000])
    return {"svc2000.scores": svc.decision_function(X[:1])[0]}


def sgd10(X: Any, y: Any) -> Numbers:
    X, y = X[: n_train(y)], y[: n_train(y)]
    sgd = SGDClassifier(random_state=42).fit(X, y)
    scores = sgd.decision_function(X[:1])[0]
    return {
        "sgd10.cv-accuracy": cross_val_score(sgd, X, y, cv=3, scoring="accuracy"),
        "sgd10.first-answer": int(sgd.classes_[scores.argmax()]),
        "sgd10.first-scores": np.delete(scores, 1),
    }


def sgd10_scaled(X: Any, y: Any) -> Numbers:
    X, y = X[: n_train(y)], y[: n_train(y)]
    model = make_pipeline(StandardScaler(), SGDClassifier(random_state=42))
    read = cross_val_predict(model, X, y, cv=3)
    share = metrics.confusion_matrix(y, read, normalize="true")
    return {
        "sgd10-scaled.five-recall": share[5, 5],
        "sgd10-scaled.five-as-eight": share[5, 8],
        "sgd10-scaled.eight-as-five": share[8, 5],
        "sgd10-scaled.nines-among-false-sevens": np.mean(y[(read == "7") & (y != "7")] == "9"),
    }


def knn(X: Any, y: Any) -> Numbers:
    n = n_train(y)
    default = KNeighborsClassifier().fit(X[:n], y[:n]).score(X[n:], y[n:])
    choices = {"weights": ["uniform", "distance"], "n_neighbors": [3, 4, 5, 6]}
    search = GridSearchCV(KNeighborsClassifier(), choices, cv=5)
    search.fit(X[:n][:10_000], y[:n][:10_000])
    tuned = search.best_estimator_.fit(X[:n], y[:n]).score(X[n:], y[n:])
    return {
        "knn-tuned.accuracy": tuned,
        "knn-default.accuracy": default,
        "knn-grid.best": search.best_params_,
        "knn-grid.score": search.best_score_,
    }


def knn_multilabel(X: Any, y: Any) -> Numbers:
    X, digit = X[: n_train(y)], y[: n_train(y)].astype(int)
    two = np.column_stack([digit >= 7, digit % 2 == 1])
    model = KNeighborsClassifier().fit(X, two)
    read = cross_val_predict(model, X, two, cv=3)
    return {
        "knn-multilabel.f1-macro": metrics.f1_score(two, read, average="macro"),
        "knn-multilabel.f1-weighted": metrics.f1_score(two, read, average="weighted"),
        "knn-multilabel.first-answer": model.predict(X[:1])[0],
    }


def lr_lbfgs100(X: Any, y: Any) -> Numbers:
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.8, random_state=0)
    model = LogisticRegression(solver="lbfgs", max_iter=100).fit(X_train, y_train)
    read = model.predict(X_test)
    first = np.flatnonzero(read != y_test)[:5]
    return {
        "lr-lbfgs100.accuracy": metrics.accuracy_score(y_test, read),
        "lr-lbfgs100.confusion": metrics.confusion_matrix(y_test, read),
        "lr-lbfgs100.first-errors": first,
        "lr-lbfgs100.first-error-digits": np.column_stack([read, y_test])[first].astype(int),
    }


WRITTEN: dict[str, Callable[..., Numbers]] = {
    "lr-raw": lr_raw,
    "lr-standard": partial(lr_scaled, "lr-standard", StandardScaler()),
    "lr-minmax": partial(lr_scaled, "lr-minmax", MinMaxScaler()),
    "lr-poly": lr_poly,
    "variance100": variance100,
    "zero-sgd": zero_sgd,
    "ovr-saga": ovr_saga,
    "svm-poly3-variance100": partial(
        svm, "svm-poly3-variance100", VarianceThreshold(100), SVC(kernel="poly", degree=3)
    ),
    "svm-poly3": partial(svm, "svm-poly3", SVC(kernel="poly", degree=3)),
    "svm-poly4-variance100": partial(
        svm, "svm-poly4-variance100", VarianceThreshold(100), SVC(kernel="poly", degree=4)
    ),
    "svm-rbf": partial(svm, "svm-rbf", SVC(kernel="rbf")),
    "svm-sigmoid": partial(svm, "svm-sigmoid", SVC(kernel="sigmoid")),
    "five-sgd": five_sgd,
    "five-forest": five_forest,
    "svc2000": svc2000,
    "sgd10": sgd10,
    "sgd10-scaled": sgd10_scaled,
    "knn": knn,
    "knn-multilabel": knn_multilabel,
    "lr-lbfgs100": lr_lbfgs100,
}

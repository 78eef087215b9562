"""Scores over a solver's iterations, with scikit-learn's callbacks or without them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mnist_course.errors import notice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from pandas import DataFrame

_LOOKS = 16  # without callbacks each costs a fit of its own

Scoring = Callable[[Any, Any, Any], Mapping[str, float]]


def scores_by_iteration(model: Any, X: ArrayLike, y: ArrayLike, scoring: Scoring) -> DataFrame:
    """Fit a copy of a model, and score it after each iteration.

    Before scikit-learn 1.9 nobody can look while a model is fitted. There it is fitted anew with
    1, 2, … iterations: the same scores, at fewer places, and a notice says so.

    Parameters
    ----------
    model : LogisticRegression
        With the solver ``lbfgs``, which takes the same way each time.
    X, y : array-like
        What it learns from.
    scoring : callable
        Is given the model as it is after an iteration, `X` and `y`; returns scores by name.

    Returns
    -------
    DataFrame
        A row for each iteration, counted from 1, and a column for each score.
    """
    if find_spec("sklearn.callback"):
        return _watched(model, X, y, scoring)
    notice(
        f"this version of scikit-learn cannot be watched while it fits, so the model is fitted "
        f"anew for each point of the curve, and the curve has {_LOOKS} points at most."
    )
    return _fitted_anew(model, X, y, scoring)


def _watched(model: Any, X: ArrayLike, y: ArrayLike, scoring: Scoring) -> DataFrame:
    from sklearn.base import clone
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring=scoring)
    fitted = clone(model).set_callbacks(monitor).fit(X, y)
    logs = monitor.get_logs().data_as_pandas.query("task_name == 'lbfgs-iter'")
    scores = logs[list(scoring(fitted, X, y))].reset_index(drop=True)
    scores.index += 1
    return scores


def _fitted_anew(model: Any, X: ArrayLike, y: ArrayLike, scoring: Scoring) -> DataFrame:
    import numpy as np
    import pandas as pd
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    rows: dict[int, Mapping[str, float]] = {}
    # The first iterations change most, so they lie closest together.
    for limit in np.unique(np.geomspace(1, model.max_iter, _LOOKS).round().astype(int)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
            fitted = clone(model).set_params(max_iter=int(limit)).fit(X, y)
        rows[int(fitted.n_iter_[0])] = scoring(fitted, X, y)
        if fitted.n_iter_[0] < limit:
            break
    return pd.DataFrame.from_dict(rows, orient="index")

"""Scores by iteration: with scikit-learn's callbacks and without them, the same curve."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from sklearn.linear_model import LogisticRegression

from mnist_course import errors, iterations, load_mnist, scores_by_iteration

X, y = load_mnist("digits").train
X = X[:300].astype("float32")
y = y[:300]


needs_callbacks = pytest.mark.skipif(
    find_spec("sklearn.callback") is None, reason="scikit-learn before 1.9 has no callbacks"
)


def scores(fitted, X, y):
    return {"all": fitted.score(X, y), "first ten": fitted.score(X[:10], y[:10])}


@pytest.fixture
def without_callbacks(monkeypatch):
    monkeypatch.setattr(iterations, "find_spec", lambda name: None)
    monkeypatch.setattr(errors, "said", set())


@needs_callbacks
def test_without_callbacks_the_curve_is_the_same_at_fewer_points_and_says_so(
    without_callbacks, capsys
):
    model = LogisticRegression(max_iter=200)
    watched = iterations._watched(model, X, y, scores)
    anew = scores_by_iteration(model, X, y, scores)
    assert list(anew) == list(watched) == ["all", "first ten"]
    assert watched.index.tolist() == list(range(1, len(watched) + 1))
    assert anew.index[0] == 1
    assert anew.index[-1] == watched.index[-1]
    assert 5 < len(anew) < len(watched)
    assert (anew == watched.loc[anew.index]).all(axis=None)
    assert "cannot be watched" in capsys.readouterr().out


@needs_callbacks
def test_a_model_whose_iterations_run_out_is_followed_to_the_last(without_callbacks, capsys):
    with pytest.warns(match="failed to converge"):
        watched = iterations._watched(LogisticRegression(max_iter=7), X, y, scores)
    anew = scores_by_iteration(LogisticRegression(max_iter=7), X, y, scores)
    assert anew.index.tolist() == watched.index.tolist() == list(range(1, 8))
    assert (anew == watched).all(axis=None)


def test_the_model_itself_is_left_unfitted():
    model = LogisticRegression(max_iter=200)
    scores_by_iteration(model, X, y, scores)
    assert not hasattr(model, "coef_")

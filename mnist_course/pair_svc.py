"""scikit-learn's support vector machine, with its ten classes judged pair by pair."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.svm import SVC

_AT_ONCE = 1000  # rows; their kernel with ten thousand support vectors takes 40 MB


class PairSVC(SVC):
    """An RBF `SVC` whose duels are computed by matrix products, and settled by their strength.

    It is fitted by scikit-learn. Each pair of classes has a value: above 0 the first one wins, and
    beyond 1 it wins with a margin. `SVC` counts who wins most of them. Here each duel is worth a
    probability, the sigmoid of twice its value, and the class with the largest product wins.
    The factor 2 is a choice, not fitted: the ten numbers rank the classes, but they are
    not calibrated.

    Parameters are those of `SVC`, with ``kernel="rbf"``.
    """

    shares_of = (
        "strength in duels"  # what `predict_proba` returns; no probability, though it looks it
    )

    def __init__(self, *, C: float = 10.0, gamma: float | str = "scale", cache_size: float = 200):
        super().__init__(
            C=C, gamma=gamma, cache_size=cache_size, kernel="rbf", decision_function_shape="ovo"
        )

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return the value of each pair: shape (n, n_classes * (n_classes - 1) / 2).

        In the order (0, 1), (0, 2), ..., as `SVC`'s own, and many times as fast.
        """
        X = np.asarray(X, dtype=np.float32)
        support = self.support_vectors_.astype(np.float32)
        weights, gamma = self._weights(), np.float32(self._gamma)
        lengths = np.square(support).sum(axis=1)
        values = np.empty((len(X), weights.shape[1]), dtype=np.float32)
        for start in range(0, len(X), _AT_ONCE):
            rows = X[start : start + _AT_ONCE]
            distance = lengths + np.square(rows).sum(axis=1)[:, None] - 2 * rows @ support.T
            values[start : start + _AT_ONCE] = np.exp(-gamma * distance) @ weights
        values += self.intercept_.astype(np.float32)
        # Of two classes alone scikit-learn turns the sign around: there it speaks for the second.
        return -values if len(self.classes_) == 2 else values

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return ten numbers a row that sum to 1: the products of each class's duels, as shares."""
        logs = self._log_products(self.decision_function(X))
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the class whose duels have the largest product."""
        return self.classes_[self._log_products(self.decision_function(X)).argmax(axis=1)]

    def margins(self, X: ArrayLike, y: ArrayLike) -> NDArray[np.float32]:
        """Return how clearly each row wins its closest duel for the class it belongs to."""
        sides = self._sides()[:, np.searchsorted(self.classes_, y)].T
        values = self.decision_function(X) * sides
        return np.where(sides == 0, np.inf, values).min(axis=1)

    def _log_products(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        sides = self._sides()
        won, lost = -np.logaddexp(0, -2 * values), -np.logaddexp(0, 2 * values)
        return won @ (sides == 1).astype(np.float32) + lost @ (sides == -1).astype(np.float32)

    def _sides(self) -> NDArray[np.float32]:
        """Return 1 for the first class of each pair, -1 for the second: shape (n_pairs, n)."""
        n = len(self.classes_)
        first, second = np.triu_indices(n, k=1)
        sides = np.zeros((len(first), n), dtype=np.float32)
        sides[np.arange(len(first)), first] = 1
        sides[np.arange(len(first)), second] = -1
        return sides

    def _weights(self) -> NDArray[np.float32]:
        """Return each support vector's weight in each pair: shape (n_support, n_pairs).

        scikit-learn keeps a row of weights for each opponent, and the vectors class by class.
        """
        ends = np.cumsum(self.n_support_)
        of_class = [slice(end - n, end) for n, end in zip(self.n_support_, ends, strict=True)]
        pairs = np.transpose(np.triu_indices(len(self.classes_), k=1))
        weights = np.zeros((len(self.support_), len(pairs)), dtype=np.float32)
        for pair, (i, j) in enumerate(pairs):
            weights[of_class[i], pair] = self.dual_coef_[j - 1, of_class[i]]
            weights[of_class[j], pair] = self.dual_coef_[i, of_class[j]]
        return weights

"""A support vector machine that practises: fitted again with distorted copies of hard digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline

from mnist_course.pair_svc import PairSVC
from mnist_course.warp import Distortion, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 5000  # pictures; their features take 12 MB


class HardDigits(ClassifierMixin, BaseEstimator):
    """Fit a pipeline, distort the digits it finds hard, keep the copies it is unsure of, refit.

    Only rows inside the margin, or near it, shape a support vector machine [1]_. So the copies
    that are clearly read can go at once, and a few thousand remain of hundreds of thousands.

    Parameters
    ----------
    pipeline : Pipeline
        Begins with a step that normalises the pictures and ends with a `PairSVC`. Copies
        are distorted and normalised in one resampling, in the place of that first step.
    rounds : sequence of int, default=(3, 6)
        How many copies of each hard digit are tried in each round; a round ends with a fit.
    hardest : float, default=0.4
        The share of the digits that are copied: those with the smallest margins at first.
    distortion : Distortion, default=Distortion()
    random_state : int, default=0
        What the distortions are drawn from.

    Attributes
    ----------
    pipeline_ : Pipeline
        Fitted; its machine to the copies too, its other steps to the training rows only.
    n_rows_ : list of tuple of two ints
        For each round, the rows it was fitted to and the support vectors that were left.

    References
    ----------
    .. [1] DeCoste and Schölkopf (2002). Training invariant support vector machines. Machine
       Learning 46, 161-190.
    """

    shares_of = PairSVC.shares_of

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        rounds: Sequence[int] = (3, 6),
        hardest: float = 0.4,
        distortion: Distortion = Distortion(),  # noqa: B008 - frozen, so it can be shared
        random_state: int = 0,
    ) -> None:
        self.pipeline = pipeline
        self.rounds = rounds
        self.hardest = hardest
        self.distortion = distortion
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> HardDigits:
        """Fit to pictures of shape (n, 784), 0 to 255, and their labels."""
        X, y = np.asarray(X), np.asarray(y)
        self.pipeline_ = clone(self.pipeline).fit(X, y)
        self.classes_ = self.pipeline_.classes_
        self.n_rows_ = []
        rng = np.random.default_rng(self.random_state)
        rows = self.pipeline_[:-1].transform(X)
        # The width of the kernel stays what all rows make it: hard digits spread differently.
        machine = self.pipeline_[-1]
        gamma = machine._gamma
        margins = machine.margins(rows, y)
        hard = np.argsort(margins)[: round(self.hardest * len(y))]
        near = margins < 1.1  # a fit needs no others; some that lay just outside may come in
        rows, labels = rows[near], y[near]
        for passes in self.rounds:
            copies = [self._unsure_copies(X[hard], y[hard], rng) for _ in range(passes)]
            rows = np.concatenate([rows, *(some for some, _ in copies)])
            labels = np.concatenate([labels, *(those for _, those in copies)])
            machine = clone(machine).set_params(gamma=gamma).fit(rows, labels)
            self.pipeline_.steps[-1] = (self.pipeline_.steps[-1][0], machine)
            self.n_rows_.append((len(rows), len(machine.support_)))
            rows, labels = rows[machine.support_], labels[machine.support_]
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the class of each picture."""
        return self.pipeline_.predict(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return ten shares a picture, as `PairSVC` does."""
        return self.pipeline_.predict_proba(X)

    def _unsure_copies(
        self, X: NDArray, y: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray]:
        """Distort each picture once; return the copies, as rows, that are inside the margin."""
        kept: list[tuple[NDArray, NDArray]] = []
        for start in range(0, len(X), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            copies = normalise(X[part], distortion=self.distortion, rng=rng)
            rows = self.pipeline_[1:-1].transform(copies)
            inside = self.pipeline_[-1].margins(rows, y[part]) < 1
            kept.append((rows[inside], y[part][inside]))
        return tuple(map(np.concatenate, zip(*kept, strict=True)))

"""Support vector machines that practise: fitted again with distorted copies of hard digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import Pipeline

from mnist_course.pair_svc import PairSVC
from mnist_course.warp import Distortion, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 5000  # pictures; their features take 12 MB
_NEAR = 1.1  # a fit needs no rows beyond; some that lay just outside the margin may come in


class HardDigits(ClassifierMixin, BaseEstimator):
    """Fit a pipeline, distort the digits it finds hard, keep the copies it is unsure of, refit.

    Only rows inside the margin, or near it, shape a support vector machine [1]_. So the copies
    that are clearly read can go at once, and a few thousand remain of hundreds of thousands.
    Several machines practise on copies of their own, at the same time, and their shares are
    averaged.

    Parameters
    ----------
    pipeline : Pipeline
        Begins with a step that normalises the pictures and ends with a `PairSVC`. Copies
        are distorted and normalised in one resampling, in the place of that first step.
    machines : int, default=2
    rounds : sequence of int, default=(3, 6)
        How many copies of each hard digit are tried in each round; a round ends with a fit.
    hardest : float, default=0.4
        The share of the digits that are copied: those with the smallest margins at first.
    C : float, default=4.0
        The price of the machines that practise: lower than for plain rows, since among hard
        digits are mislabelled ones.
    distortion : Distortion, default=Distortion()
    random_state : int, default=0
        What the distortions are drawn from.

    Attributes
    ----------
    features_ : Pipeline
        All steps but the last, fitted to the training rows as they are.
    machines_ : list of PairSVC
        Fitted to rows near the margin and to copies.

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
        machines: int = 2,
        rounds: Sequence[int] = (3, 6),
        hardest: float = 0.4,
        C: float = 4.0,
        distortion: Distortion = Distortion(),  # noqa: B008 - frozen, so it can be shared
        random_state: int = 0,
    ) -> None:
        self.pipeline = pipeline
        self.machines = machines
        self.rounds = rounds
        self.hardest = hardest
        self.C = C
        self.distortion = distortion
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> HardDigits:
        """Fit to pictures of shape (n, 784), 0 to 255, and their labels."""
        X, y = np.asarray(X), np.asarray(y)
        *steps, (_, machine) = clone(self.pipeline).steps
        self.features_ = Pipeline(steps)
        rows = self.features_.fit_transform(X, y)
        machine.fit(rows, y)
        self.classes_ = machine.classes_
        margins = machine.margins(rows, y)
        hard = np.argsort(margins)[: round(self.hardest * len(y))]
        near = margins < _NEAR
        start = machine, rows[near], y[near], X[hard], y[hard]
        del rows  # the most memory is needed later
        seeds = np.random.SeedSequence(self.random_state).spawn(self.machines)
        # libsvm and NumPy let go of Python's lock, so threads use as many cores as processes.
        self.machines_ = Parallel(n_jobs=self.machines, prefer="threads")(
            delayed(self._practise)(*start, np.random.default_rng(seed)) for seed in seeds
        )
        return self

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the class with the largest mean share."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Return ten shares a picture, as `PairSVC` does, averaged over the machines."""
        rows = self.features_.transform(X)
        return np.mean([machine.predict_proba(rows) for machine in self.machines_], axis=0)

    def _practise(
        self,
        machine: PairSVC,
        rows: NDArray,
        labels: NDArray,
        X_hard: NDArray,
        y_hard: NDArray,
        rng: np.random.Generator,
    ) -> PairSVC:
        """Return a machine that was fitted again after each round, to rows and kept copies."""
        # The kernel stays as wide as all rows make it: hard digits spread differently.
        gamma = machine._gamma
        for passes in self.rounds:
            copies = [self.unsure_copies(machine, X_hard, y_hard, rng) for _ in range(passes)]
            rows = np.concatenate([rows, *(some for some, _ in copies)])
            labels = np.concatenate([labels, *(those for _, those in copies)])
            machine = clone(machine).set_params(gamma=gamma, C=self.C).fit(rows, labels)
            rows, labels = rows[machine.support_], labels[machine.support_]
        return machine

    def unsure_copies(
        self, machine: PairSVC, X: NDArray, y: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray]:
        """Distort each picture once; return features and labels of copies inside the margin."""
        kept: list[tuple[NDArray, NDArray]] = []
        for start in range(0, len(X), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            copies = normalise(X[part], distortion=self.distortion, rng=rng)
            rows = self.features_[1:].transform(copies)
            inside = machine.margins(rows, y[part]) < 1
            kept.append((rows[inside], y[part][inside]))
        features, labels = zip(*kept, strict=True)
        return np.concatenate(features), np.concatenate(labels)

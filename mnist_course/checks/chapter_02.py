"""Checks for the exercises of chapter 2. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers, whole


def exercise_1(winner: Any, total: Any, share: Any, scores: NDArray[np.float64]) -> str:
    """Ten sigmoids, made to add up to 1, are not softmax."""
    from scipy.special import expit, softmax

    separate, joint = expit(scores), softmax(scores)
    first = whole(winner, "the digit that wins")
    if first != scores.argmax():
        raise NotYet(f"Digit {first} does not have the largest score. Where is the largest value?")
    found = number(total, "the sum of ten sigmoids")
    if close(found, joint.sum()):
        raise NotYet("A sum of 1 is softmax's. The ten sigmoids know nothing of each other.")
    if not close(found, separate.sum(), within=1e-3):
        raise NotYet(f"The ten sigmoids do not add up to {found:.4g}.")
    part = number(share, "the winner's probability")
    if close(part, joint.max(), within=1e-3):
        raise NotYet("That is softmax. Asked for is the winner's sigmoid divided by their sum.")
    if close(part, separate.max(), within=1e-3):
        raise NotYet("That is the winner's sigmoid by itself. Divide it by the sum of all ten.")
    if not close(part, separate.max() / separate.sum(), within=1e-3):
        raise NotYet("The first two are right. The last is the winner's sigmoid over the sum.")
    return (
        f"right. The same digit wins, with {part:.3f} here and {joint.max():.3f} by softmax: "
        "dividing by the sum is not what softmax does."
    )


def exercise_2(right: Any, X: NDArray[np.float64], w: NDArray[np.float64], b: float) -> str:
    """Even the true weights are hardly better than a coin where scores are small."""
    found = number(right, "a share of samples")
    if not 0 <= found <= 1:
        raise NotYet(f"A share lies between 0 and 1, and this is {found:g}.")
    best = _best_share((X @ w + b) / 10)
    chance = 4 * 0.5 / len(X) ** 0.5  # four standard errors of a share
    if abs(found - best) <= chance:
        return f"right. About {best:.0%} is the best that anybody can do on such samples."
    if abs(found - _best_share(X @ w + b)) <= chance:
        raise NotYet("That is the share for the weights as they were. Divide them by ten.")
    if abs(found - _best_share(X @ w / 10 + b)) <= chance:
        raise NotYet("The weights are divided by ten, but the bias is not.")
    if abs(1 - found - best) <= chance:
        raise NotYet("That is the share that is wrong.")
    faint = (X @ w + b) / 10
    old = 1 / (1 + np.exp(-(X @ w + b)))
    if abs(found - np.where(faint >= 0, old, 1 - old).mean()) <= chance:
        raise NotYet("The classes come from the old probabilities. Draw them from the new ones.")
    if found == 1:
        raise NotYet("Always right? Draw the classes by chance; do not decide them.")
    raise NotYet(f"Expected is a share near {best:.2f}, and this is {found:.2f}.")


def exercise_3(moved: Any, probability: NDArray[np.float64]) -> str:
    """A new threshold changes what lies between the old one and itself."""
    # With values exactly at the thresholds, where "at least" and "more than" differ.
    trial = np.concatenate([probability, [0.5, 0.6, 0.4]])
    for old, new in ((0.5, 0.6), (0.6, 0.4)):
        mask = numbers(
            called(moved, trial, old, new), trial.shape, "a mask, true or false for each"
        )
        low, high = min(old, new), max(old, new)
        right = (trial >= low) & (trial < high)
        found = mask != 0
        if np.array_equal(found, right):
            continue
        if np.array_equal(found, ~right):
            raise NotYet("The mask is upside down: it is true for those that stay.")
        if np.array_equal(found, (trial > low) & (trial <= high)):
            raise NotYet('"At least" includes equality: `>=`, not `>`.')
        if np.array_equal(found, np.abs(trial - old) <= abs(new - old)) or np.array_equal(
            found, np.abs(trial - old) < abs(new - old)
        ):
            raise NotYet("Near the old threshold on *both* sides? Only one side changes its class.")
        if not found.any() and (old, new) == (0.6, 0.4):
            raise NotYet("It works when the threshold rises. When it falls, samples change too.")
        raise NotYet(
            f"From {old} to {new}, {right.sum():,} samples change; the mask has {found.sum():,}."
        )
    count = int(((probability >= 0.5) & (probability < 0.6)).sum())
    return f"right. Between 0.5 and 0.6 lie {count:,} of {len(probability):,} pictures."


def _best_share(scores: NDArray[np.float64]) -> float:
    """Return how often the likelier class is expected to be the true one."""
    probability = 1 / (1 + np.exp(-scores))
    return float(np.maximum(probability, 1 - probability).mean())

"""Checks for the exercises of chapter 2. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import (
    NotYet,
    beaten,
    called,
    close,
    number,
    numbers,
    shape_of,
    whole,
)


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
        words = "That is the winner's sigmoid by itself. Divide it by the sum of all ten."
        raise NotYet(words, credit=0.5)
    wanted = separate.max() / separate.sum()
    if not close(part, wanted, within=1e-3) and part != round(wanted, 2):
        raise NotYet("The first two are right. The last is the winner's sigmoid over the sum.")
    return (
        f"right. The same digit wins, with {wanted:.3f} here and {joint.max():.3f} by softmax, "
        "which divides e^score, and not the sigmoid, by the sum of all ten."
    )


def exercise_2(right: Any, X: NDArray[np.float64], w: NDArray[np.float64], b: float) -> str:
    """Even the true weights are hardly better than a coin where scores are small."""
    found = number(right, "a share of samples")
    best = _best_share((X @ w + b) / 10)
    chance = 4 * 0.5 / len(X) ** 0.5  # four standard errors of a share
    if abs(found - 100 * best) <= 100 * chance:
        raise NotYet("That is a percentage. A share lies between 0 and 1.", credit=0.5)
    if not 0 <= found <= 1:
        raise NotYet(f"A share lies between 0 and 1, and this is {found:g}.")
    if abs(found - best) <= chance:
        return f"right. About {best:.0%} is the best that anybody can do on such samples."
    if abs(found - _best_share(X @ w + b)) <= chance:
        raise NotYet("That is the share for the weights as they were. Divide them by ten.")
    if abs(found - _best_share(X @ w / 10 + b)) <= chance:
        raise NotYet("The weights are divided by ten, but the bias is not.")
    if abs(1 - found - best) <= chance:
        raise NotYet("That is the share that is wrong.", credit=0.5)
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
    slip = None
    for old, new in ((0.5, 0.6), (0.6, 0.4)):
        mask = numbers(
            called(moved, trial, old, new), trial.shape, "a mask, true or false for each"
        )
        if not np.isin(mask, [0, 1]).all():
            raise NotYet("A mask holds only true and false, and this holds other numbers.")
        low, high = min(old, new), max(old, new)
        right = (trial >= low) & (trial < high)
        found = mask != 0
        if np.array_equal(found, right):
            continue
        if np.array_equal(found, ~right):
            slip = NotYet("The mask is upside down: it is true for those that stay.", credit=0.5)
            continue
        ends = [(trial > low) & (trial <= high), (trial >= low) & (trial <= high)]
        ends.append((trial > low) & (trial < high))
        if any(np.array_equal(found, other) for other in ends):
            slip = NotYet(
                "Only samples exactly at a threshold are wrong. A sample is called 1 if its "
                "probability is *at least* the threshold: `>=`.",
                credit=0.5,
            )
            continue
        if np.array_equal(found, np.abs(trial - old) <= abs(new - old)) or np.array_equal(
            found, np.abs(trial - old) < abs(new - old)
        ):
            raise NotYet("Near the old threshold on *both* sides? Only one side changes its class.")
        if not found.any() and (old, new) == (0.6, 0.4):
            raise NotYet("It works when the threshold rises. When it falls, samples change too.")
        if not found.any() and (old, new) == (0.5, 0.6):
            raise NotYet("It finds nothing when the threshold rises. Samples change then, too.")
        raise NotYet(
            f"With three samples added, at 0.4, 0.5 and 0.6, {right.sum():,} change from {old} to "
            f"{new}; the mask has {found.sum():,}."
        )
    if slip:
        raise slip
    count = int(((probability >= 0.5) & (probability < 0.6)).sum())
    return f"right. Between 0.5 and 0.6 lie {count:,} of {len(probability):,} pictures."


def exercise_4(
    one_number: Any,
    old: NDArray[np.uint8],
    y_old: NDArray[np.bool_],
    new: NDArray[np.uint8],
    y_new: NDArray[np.bool_],
) -> str:
    """One number that tells a four from a nine better than the ink does."""
    from sklearn.linear_model import LogisticRegression

    def score(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
        unit = before.std()
        model = LogisticRegression(C=np.inf).fit(before[:, None] / unit, y_old)
        return float(model.score(after[:, None] / unit, y_new))

    before, after = (_one_each(one_number, part) for part in (old, new))
    if len(np.unique(before)) == 1:
        raise NotYet(f"Every picture gets the same number, {before[0]:g}.")
    if np.abs(before).max() > 2.0**60:
        raise NotYet(
            "Sums of bytes have no sign, so a difference below 0 becomes a huge number. Take "
            "means, or convert to float before you subtract."
        )
    by_ink, right = score(old.mean(axis=1), new.mean(axis=1)), score(before, after)
    if abs(np.corrcoef(before, old.mean(axis=1))[0, 1]) > 0.999:
        raise NotYet("That is the ink of the whole picture, which is what there is to beat.")
    return beaten(right, by_ink, 1 / 4, len(y_new))


def _one_each(one_number: Any, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    def ask(rows: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = called(one_number, rows)
        if shape_of(found) == (len(rows), 1):
            found = np.ravel(found)
        return numbers(found, (len(rows),), "one number for each picture")

    values = ask(pictures)
    if not close(ask(pictures[::-3]), values[::-3], within=1e-3):
        raise NotYet("A picture's number depends on the pictures beside it: take each by itself.")
    return values


def _best_share(scores: NDArray[np.float64]) -> float:
    """Return how often the likelier class is expected to be the true one."""
    probability = 1 / (1 + np.exp(-scores))
    return float(np.maximum(probability, 1 - probability).mean())

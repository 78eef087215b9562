"""Checks for the exercises of chapter 4. They hold the answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers

_THREE = "precision, recall and accuracy"


def exercise_1(with_bonus: Any, scores: NDArray[np.float64], y: NDArray[np.int64]) -> str:
    """A bonus for the fives finds more of them and takes rows from the other digits."""
    trial = scores * (3 / scores.std())  # so that a bonus in other units shows
    plain = _with_bonus(trial, y, 0)
    for bonus in (0.0, 0.5, 1.0):
        found = numbers(called(with_bonus, trial, y, bonus), (3,), _THREE)
        right = _with_bonus(trial, y, bonus * trial.std())
        precision, recall, accuracy = right
        if close(found, right, within=2e-3):
            continue
        if close(found, [recall, precision, accuracy], within=2e-3):
            raise NotYet("Precision and recall have changed places: precision comes first.")
        if close(found, plain, within=2e-3):
            raise NotYet("The bonus changes nothing. Does it go to one column, the five's, only?")
        if close(found, _with_bonus(trial, y, bonus), within=2e-3):
            raise NotYet("The bonus counts in standard deviations: multiply by `scores.std()`.")
        if close(found, _with_bonus(trial, y, bonus * trial[:, 5].std()), within=2e-3):
            raise NotYet("Take the standard deviation of *all* scores, not of the five's column.")
        if close(found[:2], right[:2], within=2e-3):
            if close(found[2], _five_or_not(trial, y, bonus), within=2e-3):
                raise NotYet("The accuracy is that of five or not. Ten digits are asked for.")
            raise NotYet("The first two are right. The accuracy is over all ten digits.")
        raise NotYet(
            f"With a bonus of {bonus:g}, recall of the five is {recall:.3f} and its precision "
            f"{precision:.3f}."
        )
    own = scores.copy()
    called(lambda bonus: with_bonus(own, y, bonus), 1.0)
    if not np.array_equal(own, scores):
        raise NotYet("The numbers are right, but `scores` itself was changed: work on a copy.")
    return (
        f"right. A bonus of one standard deviation takes recall from {plain[1]:.2f} to "
        f"{recall:.2f}, and accuracy from {plain[2]:.2f} to {accuracy:.2f}."
    )


def exercise_2(pairs: Any, counts: NDArray[np.int64]) -> str:
    """The four pairs that are confused most, in either direction."""
    found = numbers(pairs, (4, 2), "four pairs of digits")
    if not np.isin(found, np.arange(10)).all():
        raise NotYet("A digit is a whole number from 0 to 9.")
    digits = found.astype(int)
    if np.any(digits[:, 0] == digits[:, 1]):
        raise NotYet("A digit read as itself is no error: leave the diagonal out.")
    answer = [frozenset(map(int, pair)) for pair in digits]
    if len(set(answer)) < 4:
        twice = sorted(Counter(answer).most_common(1)[0][0])
        raise NotYet(f"{twice[0]} and {twice[1]} come twice. Add up both directions of a pair.")
    both = np.triu(counts + counts.T, k=1)
    errors = [both[min(pair), max(pair)] for pair in answer]
    wanted = np.sort(both, axis=None)[-4:][::-1]
    if sorted(errors, reverse=True) == wanted.tolist():
        if errors[0] != wanted[0]:
            raise NotYet("These are the four. Now put the worst pair first.")
        return f"right. The pair with most errors is {min(answer[0])} and {max(answer[0])}."
    one_way = counts * ~np.eye(10, dtype=bool)
    largest = np.sort(one_way, axis=None)[-4:]
    if sorted(max(one_way[a, b], one_way[b, a]) for a, b in digits) == largest.tolist():
        raise NotYet(
            "These lead in one direction. Add to it how often they are mixed up in the other."
        )
    if sorted(errors) == np.sort(both[np.triu_indices(10, k=1)])[:4].tolist():
        raise NotYet("These are the pairs with *fewest* errors. Sort the other way round.")
    rates = one_way / counts.sum(axis=1, keepdims=True)
    by_rate = np.triu(rates + rates.T, k=1)
    if sorted(by_rate[min(p), max(p)] for p in answer) == np.sort(by_rate, axis=None)[-4:].tolist():
        raise NotYet("These lead by shares of a digit's pictures. Count the errors themselves.")
    missing = sum(error < wanted[-1] for error in errors)
    raise NotYet(f"{4 - missing} of your pairs are among the four. Others have more errors.")


def exercise_3(cheapest: Any, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> str:
    """Costs choose the threshold."""
    order = np.argsort(-scores, kind="stable")
    recalls = []
    for miss, alarm in ((10, 1), (1, 10), (3, 2)):
        threshold = number(called(cheapest, truth, scores, miss, alarm), "a threshold")
        missed = truth.sum() - np.cumsum(truth[order])
        alarms = np.cumsum(~truth[order])
        every = miss * missed + alarm * alarms
        # Among equal scores only the last row is a threshold's end.
        ends = np.append(np.diff(scores[order]) != 0, True)
        swapped = (alarm * missed + miss * alarms)[ends].min()
        best, cost = every[ends].min(), _cost(truth, scores >= threshold, miss, alarm)
        if cost <= best * (1 + 1e-9):
            recalls.append(np.mean(scores[truth] >= threshold))
            continue
        if threshold == every.argmin() or threshold == every.argmin() + 1:
            raise NotYet(
                "That is how many rows are called fives, or which. Return the *score* there."
            )
        if close(threshold, best):
            raise NotYet("That is the lowest cost itself. Which threshold has it?")
        if threshold == 0:
            raise NotYet("0 is the threshold as it was. Which one is cheapest?")
        if _cost(truth, scores > threshold, miss, alarm) <= best * (1 + 1e-9):
            raise NotYet(
                "A row is a five if its score is *at least* the threshold: one row too many."
            )
        if _cost(truth, scores >= threshold, alarm, miss) <= swapped * (1 + 1e-9):
            raise NotYet("The two costs have changed places: `miss` is for an overlooked five.")
        if cost >= every[ends].max() * (1 - 1e-9):
            raise NotYet("This is the dearest threshold, not the cheapest: `argmin`, not `argmax`.")
        if _cost(truth, scores >= -threshold, miss, alarm) <= best * (1 + 1e-9):
            raise NotYet("The sign is turned: you sorted `-scores`, and the threshold is a score.")
        raise NotYet(f"For costs {miss} and {alarm} there is a cheaper threshold: {best} in all.")
    return (
        f"right. Recall is {recalls[0]:.2f} where a miss is dear, and {recalls[1]:.2f} where a "
        "false alarm is."
    )


def exercise_4(
    before: Any, after: Any, truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> str:
    """With fewer fives precision falls, and recall and AUC stay."""
    order = np.argsort(-scores, kind="stable")
    fives, others = order[truth[order]], order[~truth[order]]

    def measures(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return _measures(truth[rows], scores[rows])

    what = "precision, recall and AUC"
    found, right = numbers(before, (3,), f"for all rows {what}"), measures(order)
    if not close(found, right, within=2e-3):
        _complain(found, right, truth, scores)
        raise NotYet("Begin with all rows. A yes is a score of at least 0.")
    kept = np.concatenate([fives[::10], others])
    rare, thin = numbers(after, (3,), f"for the rows kept {what}"), measures(kept)
    p, r = thin[:2]
    chance = 3 * (max(r * (1 - r), 0.01) / len(fives[::10])) ** 0.5
    if not close(rare, thin, within=2e-3):
        if close(rare, right, within=2e-3):
            raise NotYet("`after` is as `before`: no five was left out.")
        _complain(rare, thin, truth[kept], scores[kept])
        for most in (len(fives) // 10, len(fives) // 10 + 1):
            if close(rare, measures(np.concatenate([fives[:most], others])), within=2e-3):
                raise NotYet(
                    "These fives have the highest scores of all. Keep every tenth instead."
                )
        for rows in (np.concatenate([fives, others[::10]]), order[::10]):
            if close(rare, measures(rows), within=0.01):
                raise NotYet("The others became rare, too. Keep all of them.")
    # Whoever draws a tenth at random gets a little more or less.
    if not np.all(np.abs(rare - thin) <= [max(0.03, chance)] * 2 + [0.02]):
        raise NotYet(f"After thinning, precision is near {p:.2f} and recall near {r:.2f}.")
    return (
        f"right. Precision goes from {right[0]:.2f} to {p:.2f}, while recall and AUC stay about "
        "where they were."
    )


def _with_bonus(
    scores: NDArray[np.float64], y: NDArray[np.int64], bonus: float
) -> tuple[float, float, float]:
    answer = (scores + bonus * (np.arange(10) == 5)).argmax(axis=1)
    five = answer == 5
    return np.mean(y[five] == 5), np.mean(five[y == 5]), np.mean(answer == y)


def _five_or_not(scores: NDArray[np.float64], y: NDArray[np.int64], bonus: float) -> float:
    answer = (scores + bonus * scores.std() * (np.arange(10) == 5)).argmax(axis=1)
    return float(np.mean((answer == 5) == (y == 5)))


def _cost(truth: NDArray[np.bool_], yes: NDArray[np.bool_], miss: float, alarm: float) -> float:
    return miss * np.sum(truth & ~yes) + alarm * np.sum(~truth & yes)


def _measures(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.metrics import roc_auc_score

    yes = scores >= 0
    return np.array([truth[yes].mean(), yes[truth].mean(), roc_auc_score(truth, scores)])


def _complain(
    found: NDArray[np.float64],
    right: NDArray[np.float64],
    truth: NDArray[np.bool_],
    scores: NDArray[np.float64],
) -> None:
    """Name what is wrong with three numbers, if it is known."""
    from sklearn.metrics import roc_auc_score

    if abs(right[0] - right[1]) > 0.02 and close(found, right[[1, 0, 2]], within=0.01):
        raise NotYet("Precision and recall have changed places: precision comes first.")
    if close(found[:2], right[:2], within=0.01):
        if close(found[2], roc_auc_score(truth, scores >= 0), within=0.01):
            raise NotYet("That is the AUC of the decisions. Give `roc_auc_score` the scores.")
        if close(found[2], 1 - right[2], within=0.01):
            raise NotYet("That AUC is turned round: a high score speaks *for* a five.")

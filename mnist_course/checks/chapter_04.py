"""Checks for the exercises of chapter 4. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers

_THREE = "precision, recall and accuracy"


def exercise_1(precision_recall: Any, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> str:
    """scikit-learn's matrix begins with the negatives."""
    slip = None
    for threshold in np.quantile(scores[truth], [0.2, 0.6, 0.9]):
        tn, fp, fn, tp = _counts(truth, scores >= threshold)
        matrix = np.array([[tn, fp], [fn, tp]])
        answer = numbers(called(precision_recall, matrix), (2,), "precision and recall")
        right = np.array([tp / (tp + fp), tp / (tp + fn)])
        if close(answer, right, within=6e-3):  # rounded to two places, too
            continue
        if close(answer, right[::-1], within=2e-3):
            words = "Precision and recall have changed places: precision comes first."
            slip = NotYet(words, credit=0.5)
            continue
        if close(answer, [tn / (tn + fp), tn / (tn + fn)], within=2e-3):
            raise NotYet(
                "These are still the numbers of the faulty one: it takes the first cell for the "
                "true positives, but the matrix begins with the negatives."
            )
        if close(answer, [tn / (tn + fn), tn / (tn + fp)], within=2e-3):
            raise NotYet("These are precision and recall of the *others*. The fives come last.")
        if close(answer, 100 * right, within=2e-3):
            slip = NotYet("These are percentages. A share lies between 0 and 1.", credit=0.5)
            continue
        raise NotYet(
            f"Of {tp + fp:,} called five {tp:,} are fives, and there are {tp + fn:,} fives in all."
        )
    if slip:
        raise slip
    return "right. Columns are what is called five, rows are what is a five."


def exercise_2(with_bonus: Any, scores: NDArray[np.float64], y: NDArray[np.int64]) -> str:
    """A bonus for the fives finds more of them and takes rows from the other digits."""
    trial = scores * (3 / scores.std())  # so that a bonus in other units shows
    plain, slip = _with_bonus(trial, y, 0), None
    for bonus in (0.0, 0.5, 1.0):
        found = numbers(called(with_bonus, trial, y, bonus), (3,), _THREE)
        right = np.array(_with_bonus(trial, y, bonus * trial.std()))
        precision, recall, accuracy = right
        if close(found, right, within=2e-3):
            continue
        if close(found, [recall, precision, accuracy], within=2e-3):
            words = "Precision and recall have changed places: precision comes first."
            slip = NotYet(words, credit=0.5)
            continue
        if close(found, 100 * right, within=2e-3):
            slip = NotYet("These are percentages. A share lies between 0 and 1.", credit=0.5)
            continue
        if close(found, plain, within=2e-3):
            raise NotYet("The bonus changes nothing. Does it go to one column, the five's, only?")
        if close(found, _with_bonus(trial, y, bonus), within=2e-3):
            raise NotYet("The bonus counts in standard deviations: multiply by `scores.std()`.")
        if close(found, _with_bonus(trial, y, bonus * trial[:, 5].std()), within=2e-3):
            raise NotYet("Take the standard deviation of *all* scores, not of the five's column.")
        if close(found[:2], right[:2], within=2e-3):
            words = "The first two are right. The accuracy is over all ten digits."
            if close(found[2], _five_or_not(trial, y, bonus), within=2e-3):
                words = "The accuracy is that of five or not. Ten digits are asked for."
            slip = NotYet(words, credit=0.5)
            continue
        raise NotYet(
            f"With a bonus of {bonus:g}, recall of the five is {recall:.3f} and its precision "
            f"{precision:.3f}."
        )
    if slip:
        raise slip
    own = scores.copy()
    called(lambda bonus: with_bonus(own, y, bonus), 1.0)
    if not np.array_equal(own, scores):
        words = "The numbers are right, but `scores` itself was changed: work on a copy."
        raise NotYet(words, credit=0.5)
    return (
        f"right. A bonus of one standard deviation takes recall from {plain[1]:.2f} to "
        f"{recall:.2f}, and accuracy from {plain[2]:.2f} to {accuracy:.2f}."
    )


def exercise_3(cheapest: Any, truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> str:
    """Costs choose the threshold, on one half of the rows, and the other half judges."""
    half = len(truth) // 2
    new_truth, new_scores = truth[half:], scores[half:]
    truth, scores = truth[:half], scores[:half]
    order = np.argsort(-scores, kind="stable")
    recalls, costs = [], []
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
            if (miss, alarm) != (3, 2):
                recalls.append(np.mean(new_scores[new_truth] >= threshold))
                on_new = [_cost(new_truth, new_scores >= t, miss, alarm) for t in (threshold, 0)]
                costs.append(on_new)
            continue
        unsorted = scores[every.argmin()]
        if threshold == unsorted and unsorted != scores[order[every.argmin()]]:
            raise NotYet("The place counts along the *sorted* scores: look it up in `order`.")
        if threshold in (every.argmin(), every.argmin() + 1, order[every.argmin()]):
            raise NotYet(
                "That is how many rows are called fives, or which. Return the *score* there."
            )
        if close(threshold, best):
            raise NotYet("That is the lowest cost itself. Which threshold has it?")
        if threshold == 0:
            raise NotYet("0 is the threshold as it was. Which one is cheapest?")
        if _cost(truth, scores > threshold, miss, alarm) <= best * (1 + 1e-9):
            words = "A row is a five if its score is *at least* the threshold: one row too many."
            raise NotYet(words, credit=0.5)
        if _cost(truth, scores >= threshold, alarm, miss) <= swapped * (1 + 1e-9):
            raise NotYet("The two costs have changed places: `miss` is for an overlooked five.")
        if cost >= every[ends].max() * (1 - 1e-9):
            raise NotYet(
                "This is the dearest threshold, not the cheapest. `argmin`, and sorted from the "
                "highest score down?"
            )
        if _cost(truth, scores >= -threshold, miss, alarm) <= best * (1 + 1e-9):
            raise NotYet("The sign is turned: you sorted `-scores`, and the threshold is a score.")
        raise NotYet(f"For costs {miss} and {alarm} there is a cheaper threshold: {best} in all.")
    ours, of_zero = np.sum(costs, axis=0)
    if ours > 0.9 * of_zero:  # no threshold could have known that
        return (
            f"right. On the first half no threshold is cheaper. The second half does not reward "
            f"it: the two cost {ours:,} there, and thresholds of 0 cost {of_zero:,}."
        )
    return (
        f"right. On the second half the two cost {ours:,} in place of {of_zero:,}. Recall is "
        f"{recalls[0]:.2f} where a miss is dear, and {recalls[1]:.2f} where a false alarm is."
    )


def exercise_4(
    p: Any, matrix: Any, threshold: Any, truth: NDArray[np.bool_], scores: NDArray[np.float64]
) -> str:
    """A calibrated probability is a threshold on the score in disguise."""
    scores, half = scores.astype(np.float64), len(truth) // 2
    found = numbers(p, (len(truth) - half,), "a probability for each row of the second half")
    fitted, slip = _calibrated(truth, scores, half), None
    right = fitted["first"][0]
    if np.abs(found / 100 - right).max() <= 0.01:
        slip = NotYet("These are percentages. `p` lies between 0 and 1.", credit=0.5)
        found = found / 100
    apart = {name: min(np.abs(found - q).max() for q in fits) for name, fits in fitted.items()}
    nearest = min(apart, key=apart.__getitem__)
    if apart[nearest] > 0.01 or nearest != "first":
        if np.isin(found, [0, 1]).all():
            raise NotYet("These are decisions. `predict_proba` gives the probabilities.")
        if np.abs(found - (1 - right)).max() <= 0.02:
            raise NotYet("These are probabilities of the *others*. The fives have column 1.")
        if apart[nearest] <= 0.01:
            told = {
                "second": "This model was fitted to the second half. Fit it to the first one only.",
                "all": "This model has seen the second half as well. Fit it to the first one only.",
                "judged": "These belong to the first half. The second one judges.",
                "sigmoid": "That is the plain sigmoid of the score. Its weight has to be *fitted*.",
            }
            raise NotYet(told[nearest])
        raise NotYet(
            "`p` is not what `LogisticRegression()` with its default settings, fitted to the "
            "first half, gives the second one."
        )
    new_truth, new_scores = truth[half:], scores[half:]
    counts = numbers(matrix, (2, 2), "a confusion matrix")
    wanted = np.reshape(_counts(new_truth, found >= 0.5), (2, 2))
    if np.array_equal(counts, wanted.T) and not np.array_equal(counts, wanted):
        words = "Rows and columns have changed places: the truth comes first."
        slip = NotYet(words, credit=0.5)
    elif np.array_equal(counts, wanted[::-1, ::-1]) and not np.array_equal(counts, wanted):
        words = "The fives come first here. Leave scikit-learn's order: others, fives."
        slip = NotYet(words, credit=0.5)
    elif not np.array_equal(counts, wanted):
        if np.array_equal(counts, np.reshape(_counts(new_truth, new_scores >= 0), (2, 2))):
            raise NotYet("That is the matrix at a *score* of 0. Cut the probability at 0.5.")
        if counts.sum() != len(new_truth):
            raise NotYet(f"The matrix counts {counts.sum():g} rows; the half has {len(new_truth)}.")
        raise NotYet(f"At a probability of 0.5, {wanted[:, 1].sum()} rows are called five.")
    cut = number(threshold, "a score")

    def same(cut: float) -> bool:
        # Scores computed in another process may differ in their last digits, and the cut be one.
        return any(
            np.array_equal(np.reshape(_counts(new_truth, new_scores >= one), (2, 2)), wanted)
            for one in (cut, cut - 1e-6 * scores.std())
        )

    if same(cut):
        if slip:
            raise slip
        return f"right. A cut at a probability of 0.5 is one at a score of {cut:.4g} in disguise."
    if same(cut * scores.std()):
        words = "That is in standard deviations. Multiply by them to have a score."
        raise NotYet(words, credit=0.5)
    if cut == 0.5:
        raise NotYet("0.5 is the probability. Which *score* has it?")
    if same(-cut):
        raise NotYet("The sign is turned: weight times feature plus bias is 0, so solve for it.")
    yes = int(np.sum(new_scores >= cut))
    raise NotYet(f"That threshold calls {yes} rows five, and the matrix {wanted[:, 1].sum()}.")


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


def _calibrated(
    truth: NDArray[np.bool_], scores: NDArray[np.float64], half: int
) -> dict[str, list[NDArray[np.float64]]]:
    """Return what the second half gets from several fits; the penalty depends on the unit."""
    from scipy.special import expit
    from sklearn.linear_model import LogisticRegression

    rows = {"first": slice(half), "second": slice(half, None), "all": slice(None)}
    fits: dict[str, list[NDArray[np.float64]]] = {"judged": [], "sigmoid": []}
    for unit in (scores.std(), scores[:half].std(), 1.0):
        column = (scores / unit)[:, None]
        for name, part in rows.items():
            model = LogisticRegression().fit(column[part], truth[part])
            fits.setdefault(name, []).append(model.predict_proba(column[half:])[:, 1])
            if name == "first" and half == len(truth) - half:
                fits["judged"].append(model.predict_proba(column[:half])[:, 1])
        fits["sigmoid"].append(expit(column[half:, 0]))
    if not fits["judged"]:
        del fits["judged"]
    return fits


def _counts(truth: NDArray[np.bool_], yes: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """Return TN, FP, FN and TP, in the order of scikit-learn's matrix."""
    tn, fp, fn, tp = (
        int(np.sum((truth == is_five) & (yes == called_five)))
        for is_five in (False, True)
        for called_five in (False, True)
    )
    return tn, fp, fn, tp

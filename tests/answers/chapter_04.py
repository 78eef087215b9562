"""Answers to the exercises of chapter 4, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from scipy.special import expit
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


@functools.cache
def _scores():
    X, y = load_mnist("digits").train
    sgd = SGDClassifier(max_iter=5, tol=None, random_state=42)
    model = make_pipeline(VarianceThreshold(100), StandardScaler(), sgd)
    X = X.astype(np.float32)
    return cross_val_predict(model, X, y, cv=3, method="decision_function"), y


def from_matrix() -> Case:
    scores, y = _scores()

    def right(matrix):
        (_, fp), (fn, tp) = matrix
        return tp / (tp + fp), tp / (tp + fn)

    def faulty(matrix):
        (tp, fp), (fn, _) = matrix
        return tp / (tp + fp), tp / (tp + fn)

    return Case(
        {"truth": y == 5, "scores": scores[:, 5]},
        (right,),
        [
            ((faulty,), "begins with the negatives"),
            ((lambda matrix: right(matrix)[::-1],), "changed places", HALF),
            ((lambda matrix: right(matrix[::-1, ::-1]),), "of the *others*"),
            ((lambda matrix: np.multiply(right(matrix), 100),), "percentages", HALF),
            ((lambda matrix: (right(matrix)[0], 0.5),), "there are"),
            ((lambda matrix: right(matrix)[0],), "shape"),
            ((right(np.ones((2, 2))),), "Expected a function"),
        ],
    )


def bonus() -> Case:
    scores, y = _scores()

    def three(moved, y):
        called = moved.argmax(axis=1)
        five = called == 5
        return np.mean(y[five] == 5), np.mean(five[y == 5]), np.mean(called == y)

    def with_bonus(scores, y, bonus, unit=None):
        unit = scores.std() if unit is None else unit
        return three(scores + bonus * unit * (np.arange(10) == 5), y)

    def in_place(scores, y, bonus):
        scores[:, 5] += bonus * scores.std()
        return three(scores, y)

    def exchanged(*args):
        precision, recall, accuracy = with_bonus(*args)
        return recall, precision, accuracy

    def of_fives(scores, y, bonus):
        precision, recall, _ = with_bonus(scores, y, bonus)
        five = (scores + bonus * scores.std() * (np.arange(10) == 5)).argmax(axis=1) == 5
        return precision, recall, np.mean(five == (y == 5))

    return Case(
        {"scores": scores, "y": y},
        (with_bonus,),
        [
            ((exchanged,), "changed places", HALF),
            ((lambda scores, y, bonus: three(scores + bonus, y),), "changes nothing"),
            ((lambda *args: with_bonus(*args, unit=1),), "in standard deviations"),
            ((lambda s, y, b: with_bonus(s, y, b, unit=s[:, 5].std()),), "*all* scores"),
            ((in_place,), "work on a copy", HALF),
            ((lambda *args: np.multiply(with_bonus(*args), 100),), "percentages", HALF),
            ((of_fives,), "five or not", HALF),
            ((lambda *args: (*with_bonus(*args)[:2], 0.5),), "over all ten digits", HALF),
            ((lambda s, y, b: (*with_bonus(s, y, -b)[:2], 0.5),), "recall of the five is"),
            ((lambda *args: with_bonus(*args)[:2],), "shape"),
            ((lambda s, y, b: with_bonus(s, y, -b),), "recall of the five is"),
        ],
    )


def costs() -> Case:
    scores, y = _scores()
    truth, scores = y == 5, scores[:, 5]

    def all_costs(truth, scores, miss, alarm):
        order = np.argsort(-scores)
        found, alarms = np.cumsum(truth[order]), np.cumsum(~truth[order])
        return miss * (truth.sum() - found) + alarm * alarms, order

    def cheapest(truth, scores, miss, alarm):
        cost, order = all_costs(truth, scores, miss, alarm)
        return scores[order[cost.argmin()]]

    def dearest(truth, scores, miss, alarm):
        cost, order = all_costs(truth, scores, miss, alarm)
        return scores[order[cost.argmax()]]

    def next_one(truth, scores, miss, alarm):
        cost, order = all_costs(truth, scores, miss, alarm)
        return scores[order[cost.argmin() + 1]]

    def unsorted(truth, scores, miss, alarm):
        return scores[all_costs(truth, scores, miss, alarm)[0].argmin()]

    return Case(
        {"truth": truth, "scores": scores},
        (cheapest,),
        [
            ((unsorted,), "look it up in `order`"),
            ((lambda t, s, miss, alarm: cheapest(t, s, alarm, miss),), "changed places"),
            ((dearest,), "dearest"),
            ((lambda *args: all_costs(*args)[1][all_costs(*args)[0].argmin()],), "or which"),
            ((next_one,), "one row too many", HALF),
            ((lambda *args: all_costs(*args)[0].argmin(),), "Return the *score*"),
            ((lambda *args: all_costs(*args)[0].min(),), "the lowest cost itself"),
            ((lambda *args: 0,), "as it was"),
            ((lambda *args: -cheapest(*args),), "The sign is turned"),
            ((lambda *args: 60.0,), "there is a cheaper threshold"),
        ],
    )


def calibrated() -> Case:
    scores, y = _scores()
    truth, scores = (y == 5)[:1400], scores[:1400, 5]  # a score lies between 0 and the cut
    half, column = len(truth) // 2, (scores / scores.std())[:, None]

    def fit(rows):
        return LogisticRegression().fit(column[rows], truth[rows])

    first, second = slice(half), slice(half, None)
    p = fit(first).predict_proba(column[second])[:, 1]
    matrix = confusion_matrix(truth[second], p >= 0.5)
    line = fit(first)
    cut = float(-line.intercept_[0] / line.coef_[0, 0] * scores.std())
    peeked = fit(second).predict_proba(column[second])[:, 1]
    at_zero = confusion_matrix(truth[second], scores[second] >= 0)
    lower = confusion_matrix(truth[second], p >= 0.1)
    lowest = np.nextafter(scores[second][p >= 0.5].min(), np.inf)  # as another process sums it
    return Case(
        {"truth": truth, "scores": scores},
        (p, matrix, cut),
        [
            ((1 - p, matrix, cut), "of the *others*"),
            ((fit(first).predict_proba(column[first])[:, 1], matrix, cut), "the first half"),
            ((expit(scores[second]), matrix, cut), "has to be *fitted*"),
            ((expit(column[second, 0]), matrix, cut), "has to be *fitted*"),
            ((peeked, matrix, cut), "fitted to the second half"),
            ((fit(slice(None)).predict_proba(column[second])[:, 1], matrix, cut), "as well"),
            ((p >= 0.5, matrix, cut), "These are decisions"),
            ((np.sqrt(p), matrix, cut), "with its default settings"),
            ((p[:9], matrix, cut), "shape"),
            ((100 * p, matrix, cut), "percentages", HALF),
            ((p, matrix.T, cut), "the truth comes first", HALF),
            ((p, matrix.T, -cut), "The sign is turned"),
            ((p, matrix[::-1, ::-1], cut), "The fives come first here", HALF),
            ((p, at_zero, cut), "at a *score* of 0"),
            ((p, matrix * 2, cut), "The matrix counts"),
            ((p, lower, cut), "rows are called five"),
            ((p, matrix, cut / scores.std()), "Multiply by them", HALF),
            ((p, matrix, 0.5), "is the probability"),
            ((p, matrix, -cut), "The sign is turned"),
            ((p, matrix, 5 * cut), "That threshold calls"),
        ],
        also=[(p, matrix, lowest)],
    )


CASES: Cases = {"4.1": from_matrix, "4.2": bonus, "4.3": costs, "4.4": calibrated}

"""Answers to the exercises of chapter 4, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mnist_course import load_mnist
from tests.answers import Case, Cases


@functools.cache
def _scores():
    X, y = load_mnist("digits").train
    sgd = SGDClassifier(max_iter=5, tol=None, random_state=42)
    model = make_pipeline(VarianceThreshold(100), StandardScaler(), sgd)
    X = X.astype(np.float32)
    return cross_val_predict(model, X, y, cv=3, method="decision_function"), y


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
            ((exchanged,), "changed places"),
            ((lambda scores, y, bonus: three(scores + bonus, y),), "changes nothing"),
            ((lambda *args: with_bonus(*args, unit=1),), "in standard deviations"),
            ((lambda s, y, b: with_bonus(s, y, b, unit=s[:, 5].std()),), "*all* scores"),
            ((in_place,), "work on a copy"),
            ((of_fives,), "five or not"),
            ((lambda *args: (*with_bonus(*args)[:2], 0.5),), "over all ten digits"),
            ((lambda *args: with_bonus(*args)[:2],), "shape"),
            ((lambda s, y, b: with_bonus(s, y, -b),), "recall of the five is"),
        ],
    )


def confused() -> Case:
    scores, y = _scores()
    counts = confusion_matrix(y, scores.argmax(axis=1))
    both = np.triu(counts + counts.T, k=1)
    one_way = counts * ~np.eye(10, dtype=bool)
    share = one_way / counts.sum(axis=1, keepdims=True)

    def lead(matrix, most=4):
        return np.column_stack(np.unravel_index(np.argsort(-matrix, axis=None)[:most], (10, 10)))

    pairs = lead(both)
    fewest = lead(-np.where(np.triu(np.ones((10, 10)), k=1), both, 1000))
    # A matrix in which the three ways to choose differ.
    crafted = np.full((10, 10), 1) + 99 * np.eye(10, dtype=int)
    crafted[8, 8] = 9
    crafted[[0, 2, 4, 6], [1, 3, 5, 7]] = 20
    crafted[[1, 3, 5, 7, 0, 9], [0, 2, 4, 6, 9, 0]] = [15, 15, 15, 5, 19, 19]
    crafted[[8, 8, 8, 8], [1, 2, 3, 4]] = 12
    made = Case({"counts": crafted}, ([(0, 9), (0, 1), (2, 3), (4, 5)],))
    return Case(
        {"counts": counts},
        (pairs,),
        [
            ((pairs[::-1],), "worst pair first"),
            ((lead(counts),), "leave the diagonal out"),
            ((lead(one_way),), "come twice"),
            ((fewest,), "*fewest*"),
            ((lead(both, 5)[[0, 1, 2, 4]],), "are among the four"),
            ((pairs + 0.5,), "whole number"),
            ((pairs[:3],), "shape"),
        ],
    ), made, share

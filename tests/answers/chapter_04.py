"""Answers to the exercises of chapter 4, right and wrong."""

from __future__ import annotations

import functools

import numpy as np
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import roc_auc_score
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
    # Made so that each way to rank the pairs finds others: by both directions, by one, by share.
    counts = np.ones((10, 10), int) + 500 * np.eye(10, dtype=int)
    counts[[0, 2, 4, 6], [1, 3, 5, 7]] = 20
    counts[[1, 3, 5, 7], [0, 2, 4, 6]] = 15, 14, 13, 5
    counts[[0, 9], [9, 0]] = 19
    counts[8] = [1, 14, 14, 14, 14, 1, 1, 1, 9, 1]
    both = np.triu(counts + counts.T, k=1)
    one_way = counts * ~np.eye(10, dtype=bool)
    rates = one_way / counts.sum(axis=1, keepdims=True)

    def lead(matrix, most=4):
        return np.column_stack(np.unravel_index(np.argsort(-matrix, axis=None)[:most], (10, 10)))

    pairs = lead(both)
    fewest = lead(-np.where(np.triu(np.ones((10, 10)), k=1), both, 1000))
    return Case(
        {"counts": counts},
        (pairs,),
        [
            ((pairs[::-1],), "worst pair first"),
            ((lead(counts),), "leave the diagonal out"),
            ((lead(counts + counts.T - 2 * np.diag(np.diag(counts))),), "come twice"),
            ((lead(one_way),), "in one direction"),
            ((lead(np.triu(rates + rates.T, k=1)),), "by shares"),
            ((fewest,), "*fewest*"),
            ((lead(both, 5)[[0, 1, 2, 4]],), "3 of your pairs are among the four"),
            ((pairs + 0.5,), "whole number"),
            ((pairs[:3],), "shape"),
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

    return Case(
        {"truth": truth, "scores": scores},
        (cheapest,),
        [
            ((lambda t, s, miss, alarm: cheapest(t, s, alarm, miss),), "changed places"),
            ((dearest,), "dearest"),
            ((next_one,), "one row too many"),
            ((lambda *args: all_costs(*args)[0].argmin(),), "Return the *score*"),
            ((lambda *args: all_costs(*args)[0].min(),), "the lowest cost itself"),
            ((lambda *args: 0,), "as it was"),
            ((lambda *args: -cheapest(*args),), "The sign is turned"),
            ((lambda *args: 37.5,), "there is a cheaper threshold"),
        ],
    )


def rare() -> Case:
    scores, y = _scores()
    truth, scores = y == 5, scores[:, 5]
    order = np.argsort(-scores)
    fives, others = order[truth[order]], order[~truth[order]]

    def measures(rows, cut=False):
        t, s = truth[rows], scores[rows]
        yes = s >= 0
        return t[yes].mean(), yes[t].mean(), roc_auc_score(t, yes if cut else s)

    thinned = np.concatenate([fives[::10], others])
    best = np.concatenate([fives[:16], others])
    before, after = measures(order), measures(thinned)
    p, r, auc = before
    P, R, A = after
    return Case(
        {"truth": truth, "scores": scores},
        (before, after),
        [
            (((r, p, auc), after), "changed places"),
            ((before, (R, P, A)), "changed places"),
            ((measures(order, cut=True), after), "AUC of the decisions"),
            ((before, measures(thinned, cut=True)), "AUC of the decisions"),
            (((p, r, 1 - auc), after), "turned round"),
            ((after, before), "Begin with all rows"),
            ((before, before), "no five was left out"),
            ((before, measures(best)), "Keep every tenth"),
            ((before, measures(np.concatenate([fives, others[::10]]))), "Keep all of them"),
            ((before, (P - 0.3, R, A)), "After thinning"),
            ((p, after), "a single number"),
        ],
    )


CASES: Cases = {"4.1": bonus, "4.2": confused, "4.3": costs, "4.4": rare}

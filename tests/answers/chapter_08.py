"""Answers to the exercises of chapter 8, right and wrong."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

from mnist_course import load_mnist
from tests.answers import HALF, Case, Cases


def copies() -> Case:
    X, y = load_mnist("digits").train
    images, labels = X[:40].reshape(-1, 28, 28), y[:40]

    def augment(images, labels, changes):
        copies = [change(images) for change in changes]
        return np.concatenate([images, *copies]), np.tile(labels, 1 + len(changes))

    def mixed_up(truth, answers, a, b):
        return np.sum((truth == a) & (answers == b)) + np.sum((truth == b) & (answers == a))

    def one_by_one(images, labels, changes):
        return augment(images, labels, changes)[0], np.repeat(labels, 1 + len(changes))

    def copies_only(images, labels, changes):
        return [part[len(images) :] for part in augment(images, labels, changes)]

    def first_only(images, labels, changes):
        return augment(images, labels, changes[:1])

    def labels_once(images, labels, changes):
        return augment(images, labels, changes)[0], labels

    def changed_again(images, labels, changes):
        for change in changes:
            images, labels = augment(images, labels, [change])
        return images, labels

    def mirrored(images, labels, changes):
        rows, given = augment(images, labels, changes)
        return rows[:, :, ::-1], given

    def backwards(images, labels, changes):
        rows, given = augment(images, labels, changes)
        return rows, given[::-1]

    def not_without_changes(images, labels, changes):
        return augment(images, labels, changes or [lambda images: images])

    def one_way(truth, answers, a, b):
        return np.sum((truth == a) & (answers == b))

    def both_right_too(truth, answers, a, b):
        return np.sum(np.isin(truth, [a, b]) & np.isin(answers, [a, b]))

    def any_error(truth, answers, a, b):
        return np.sum(np.isin(truth, [a, b]) & (truth != answers))

    return Case(
        {"images": images, "labels": labels},
        (augment, mixed_up),
        [
            ((one_by_one, mixed_up), "`np.tile` repeats the whole"),
            ((copies_only, mixed_up), "pictures themselves are missing"),
            ((first_only, mixed_up), "or one kind of copy"),
            ((labels_once, mixed_up), "Each needs one"),
            ((changed_again, mixed_up), "make 120 rows, and here are 160"),
            ((mirrored, mixed_up), "These are not the pictures"),
            ((backwards, mixed_up), "labels do not belong"),
            ((not_without_changes, mixed_up), "and 0 changes make 40 rows"),
            ((lambda *args: augment(*args)[0], mixed_up), "two arrays"),
            ((augment, one_way), "one direction only"),
            ((augment, lambda *args: 2 * mixed_up(*args)), "counted twice", HALF),
            ((augment, both_right_too), "read *rightly*"),
            ((augment, any_error), "all errors with these two"),
            ((augment, lambda *args: mixed_up(*args) / 500), "a share", HALF),
            ((augment, lambda *args: -1), "and it says -1"),
        ],
    )


def condensed() -> Case:
    X, y = load_mnist("digits").train
    Z, y = (
        PCA(10, svd_solver="covariance_eigh").fit_transform(X[:300, ::4].astype(np.float32)),
        y[:300],
    )

    def condense(Z, y, *, start=1, among=None, wrong=True):
        kept = [0]
        for i in range(start, len(Z)):
            rows = among(i) if among else kept
            nearest = rows[np.square(Z[rows] - Z[i]).sum(axis=1).argmin()]
            if (y[nearest] != y[i]) == wrong:
                kept.append(i)
        return kept

    def dropped(Z, y):
        return np.setdiff1d(np.arange(len(Z)), condense(Z, y))

    def others(i):
        return [j for j in range(len(Z)) if j != i]

    return Case(
        {"Z": Z, "y": y},
        (condense,),
        [
            ((lambda Z, y: condense(Z, y)[1:],), "first row is missing", HALF),
            ((lambda Z, y: y[condense(Z, y)],), "the labels", HALF),
            ((lambda Z, y: np.add(condense(Z, y), 1),), "one too high", HALF),
            ((dropped,), "read *rightly*"),
            ((lambda Z, y: condense(Z, y, wrong=False),), "read *rightly*"),
            ((lambda Z, y: condense(Z, y, among=lambda i: list(range(i))),), "all* earlier rows"),
            ((lambda Z, y: condense(Z, y, among=others),), "all* other rows"),
            ((lambda Z, y: np.arange(len(Z)),), "All rows are kept"),
            ((lambda Z, y: [0],), "find itself"),
            ((lambda Z, y: [0, 1000],), "with numbers from 0 to 299"),
            ((lambda Z, y: condense(Z, y)[:-1],), "should be kept"),
            ((lambda Z, y: 2 * condense(Z, y),), "named twice"),
            ((lambda Z, y: Z[condense(Z, y)],), "shape"),
        ],
    )


def _with_copies(images, labels):
    moved = [np.roll(images, step, axis=axis) for step in (1, -1) for axis in (1, 2)]
    return np.concatenate([images, *moved]), np.tile(labels, 5)


def siblings() -> Case:
    X, y = load_mnist("digits").train
    images, labels = X[:50].reshape(-1, 28, 28), y[:50]

    def split(images, labels, n_new):
        return *_with_copies(images[n_new:], labels[n_new:]), images[:n_new], labels[:n_new]

    def late(images, labels, n_new):
        rows, row_labels = _with_copies(images, labels)
        order = np.random.default_rng(0).permutation(len(rows))
        new, known = order[:n_new], order[n_new:]
        return rows[known], row_labels[known], rows[new], row_labels[new]

    def overlapping(images, labels, n_new):
        return *_with_copies(images, labels), images[:n_new], labels[:n_new]

    def without_copies(images, labels, n_new):
        return images[n_new:], labels[n_new:], images[:n_new], labels[:n_new]

    def the_same_again(images, labels, n_new):
        rows, row_labels = images[n_new:], labels[n_new:]
        return np.tile(rows, (5, 1, 1)), np.tile(row_labels, 5), images[:n_new], labels[:n_new]

    def twice(images, labels, n_new):
        rows, row_labels, new, new_labels = split(images, labels, n_new)
        new[-1], new_labels[-1] = new[0], new_labels[0]
        return rows, row_labels, new, new_labels

    def nothing_left(images, labels, n_new):
        return images[:0], labels[:0], images[:n_new], labels[:n_new]

    def repeated(images, labels, n_new):
        rows, _, new, new_labels = split(images, labels, n_new)
        return rows, np.repeat(labels[n_new:], 5), new, new_labels

    return Case(
        {"images": images, "labels": labels, "with_copies": _with_copies},
        (split,),
        [
            ((late,), "Set pictures aside as they are"),
            ((overlapping,), "is among those to learn from"),
            ((without_copies,), "each with its copies"),
            ((the_same_again,), "each with its copies"),
            ((lambda images, labels, n: split(images, labels, n + 1),), "were asked for"),
            ((lambda images, labels, n: split(images, labels, 0),), "here are 0"),
            ((nothing_left,), "all other images"),
            ((lambda *some: [part / 255 for part in split(*some)],), "from 0 to 255"),
            ((lambda *some: [part + 256.0 for part in split(*some)],), "from 0 to 255"),
            ((twice,), "there twice"),
            ((repeated,), "do not belong"),
            ((lambda *some: split(*some)[:3],), "four arrays"),
            ((split(images, labels, 5),), "Expected a function"),
        ],
    )


def together() -> Case:
    X, y = load_mnist("digits").train
    known, labels, shown, truth = X[:300], y[:300], X[800:1400], y[800:1400]
    few, many = (
        KNeighborsClassifier(k, weights="distance").fit(known[:n], labels[:n])
        for k, n in ((5, 60), (3, 300))
    )
    return Case(
        {"shown": shown, "truth": truth, "to_beat": few.score(shown, truth)},
        (many.predict,),
        [
            ((few.predict,), "exactly the number to beat"),
            ((lambda pictures: many.predict(pictures[:, ::-1]),), "it takes"),
            ((lambda pictures: many.predict(0 * pictures),), "turned into components"),
            ((many.predict_proba,), "shape"),
            ((lambda pictures: np.roll(many.predict(pictures), 1),), "place among"),
            ((many,), "Expected a function"),
            ((KNeighborsClassifier(1).fit(shown, truth).predict,), "from these very pictures"),
        ],
    )


CASES: Cases = {"8.1": copies, "8.2": condensed, "8.3": siblings, "8.4": together}

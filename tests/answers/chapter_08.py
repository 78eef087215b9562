"""Answers to the exercises of chapter 8, right and wrong."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from mnist_course import load_mnist
from tests.answers import Case, Cases


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
            ((first_only, mixed_up), "or a kind of copies"),
            ((labels_once, mixed_up), "Each needs one"),
            ((changed_again, mixed_up), "make 120 rows, and here are 160"),
            ((mirrored, mixed_up), "These are not the pictures"),
            ((backwards, mixed_up), "labels do not belong"),
            ((not_without_changes, mixed_up), "and 0 changes make 40 rows"),
            ((lambda *args: augment(*args)[0], mixed_up), "two arrays"),
            ((augment, one_way), "one direction only"),
            ((augment, lambda *args: 2 * mixed_up(*args)), "counted twice"),
            ((augment, both_right_too), "read *rightly*"),
            ((augment, any_error), "all errors with these two"),
            ((augment, lambda *args: mixed_up(*args) / 500), "a share"),
            ((augment, lambda *args: -1), "and it says -1"),
        ],
    )


def condensed() -> Case:
    X, y = load_mnist("digits").train
    Z, y = PCA(10).fit_transform(X[:300, ::4].astype(np.float32)), y[:300]

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
            ((lambda Z, y: condense(Z, y)[1:],), "first row is missing"),
            ((lambda Z, y: y[condense(Z, y)],), "the labels"),
            ((lambda Z, y: np.add(condense(Z, y), 1),), "one too high"),
            ((dropped,), "read *rightly*"),
            ((lambda Z, y: condense(Z, y, wrong=False),), "read *rightly*"),
            ((lambda Z, y: condense(Z, y, among=lambda i: list(range(i))),), "all* earlier rows"),
            ((lambda Z, y: condense(Z, y, among=others),), "all* other rows"),
            ((lambda Z, y: np.arange(len(Z)),), "All rows are kept"),
            ((lambda Z, y: [0, 1000],), "with numbers from 0 to 299"),
            ((lambda Z, y: condense(Z, y)[:-1],), "should be kept"),
            ((lambda Z, y: Z[condense(Z, y)],), "shape"),
        ],
    )


def mixture() -> Case:
    true = load_mnist("digits").train[0][:20]
    rng = np.random.default_rng(0)
    by_pca = true + rng.normal(0, 20, true.shape)
    by_look_up = true + rng.normal(0, 25, true.shape)
    mixed = (by_pca + by_look_up) / 2

    def mse(cleaned, true):
        return np.mean((cleaned - true) ** 2)

    def psnr(cleaned, true):
        return 10 * np.log10(255**2 / mse(cleaned, true))

    def of_each(cleaned, true):
        return np.mean([psnr(a, b) for a, b in zip(cleaned, true, strict=True)])

    wrong = {
        "the error itself": lambda c, t: mse(c, t) ** 0.5,
        "Off by a factor of two": lambda c, t: 2 * psnr(c, t),
        "natural logarithm": lambda c, t: 10 * np.log(255**2 / mse(c, t)),
        "bels": lambda c, t: psnr(c, t) / 10,
        "upside down": lambda c, t: -psnr(c, t),
        "The peak is missing": lambda c, t: 10 * np.log10(1 / mse(c, t)),
        "has to be squared": lambda c, t: 10 * np.log10(255 / mse(c, t)),
        "*absolute* error": lambda c, t: 20 * np.log10(255 / np.mean(np.abs(c - t))),
        "*sum* of squared": lambda c, t: 10 * np.log10(255**2 / np.sum((c - t) ** 2)),
        "one PSNR for each picture": of_each,
        "are not right": lambda c, t: 12.0,
        "a single number": lambda c, t: 10 * np.log10(255**2 / ((c - t) ** 2 + 1)),
    }
    return Case(
        {"by_pca": by_pca, "by_look_up": by_look_up, "true": true},
        (psnr, mixed),
        [
            *(((function, mixed), words) for words, function in wrong.items()),
            ((psnr, by_pca + by_look_up), "the sum"),
            ((psnr, by_pca), "one of the two by itself"),
            ((psnr, true), "nobody has those"),
            ((psnr, np.sqrt(np.abs(by_pca * by_look_up))), "halfway"),
            ((psnr, (psnr(by_pca, true) + psnr(by_look_up, true)) / 2), "shape"),
        ],
    )


CASES: Cases = {"8.1": copies, "8.2": condensed, "8.3": mixture}

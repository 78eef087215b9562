"""Checks for the exercises of chapter 10. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, beaten, called, close, number, numbers
from mnist_course.edges import CELLS, DIRECTIONS, orientations

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Pictures = NDArray[np.uint8]
Truth = NDArray[np.bool_]


def exercise_1(slant: Any, pictures: Pictures) -> str:
    """The slope of columns over rows, weighted by ink."""
    slip = None
    # Upside down, too: no list of slopes knows these.
    for picture in (*pictures[:15], *pictures[15:30, ::-1]):
        found = number(called(slant, picture), "a slope")
        rows, columns = np.indices(picture.shape)
        ink = picture / picture.sum()

        def mean(values: Floats, weight: Floats = ink) -> float:
            return float((weight * values).sum())

        down, right = rows - mean(rows), columns - mean(columns)
        covariance = mean(down * right)
        slope = covariance / mean(down**2)
        if close(found, slope, within=5e-4):
            continue
        inked = (picture > 0) / (picture > 0).sum()
        flat = rows - mean(rows, inked), columns - mean(columns, inked)
        whole = rows - rows.mean(), columns - columns.mean()
        if close(found, -slope):
            words = "The sign is turned around: to the right and further down is positive."
            slip = NotYet(words, credit=0.5)
            continue
        told = {
            "Divide by the variance of the *rows*, not of the columns.": (
                covariance / mean(right**2)
            ),
            "That is the covariance. Divide it by the variance of the rows.": covariance,
            "That is a correlation: divide by the variance of the rows alone.": (
                covariance / np.sqrt(mean(down**2) * mean(right**2))
            ),
            "That is rows a column: the upside-down of the slope.": (
                mean(down**2) / covariance if covariance else np.inf
            ),
            "Divide by the *variance*, not by its root.": covariance / np.sqrt(mean(down**2)),
            "Every inked pixel counts alike there. Weight it by its ink.": (
                mean(flat[0] * flat[1], inked) / mean(flat[0] ** 2, inked)
            ),
            "Take the mean row and column of the *ink*, not of the picture.": (
                mean(whole[0] * whole[1]) / mean(whole[0] ** 2)
            ),
        }
        for words, value in told.items():
            if close(found, value):
                raise NotYet(words)
        raise NotYet(f"This picture drifts by {slope:+.3f} columns a row; you find {found:+.3f}.")
    if slip:
        raise slip
    return f"right. The first of these pictures drifts by {_first(slant, pictures):+.2f} columns."


def _first(slant: Any, pictures: Pictures) -> float:
    return number(called(slant, pictures[0]), "a slope")


def exercise_2(unsigned: Any, features: Floats, pictures: Floats) -> str:
    """Opposite directions added as amounts, and the root taken again."""
    half, cells = DIRECTIONS // 2, CELLS**2
    found = numbers(called(unsigned, features), (-1, half * cells), "6 × 49 numbers a picture")
    if len(found) != len(features):
        raise NotYet(f"There are {len(features)} pictures, and {len(found)} rows.")
    by_direction = features.reshape(-1, DIRECTIONS, cells).astype(float)
    amount = by_direction**2
    right = np.sqrt(amount[:, :half] + amount[:, half:]).reshape(len(features), -1)
    if close(found, right, within=1e-4):
        few = numbers(called(unsigned, features[:7]), (7, half * cells), "7 rows for 7 pictures")
        if not close(few, found[:7], within=1e-4):
            raise NotYet("Use the features that are handed over, however many there are.")
        swapped = numbers(called(unsigned, orientations(-pictures)), found.shape, "the same")
        if not close(swapped, found, within=1e-3):
            raise NotYet("With the colours swapped it should give the same numbers.")
        return "right. Light on dark gives the same numbers as dark on light."
    if close(found, right**2, within=1e-4):
        words = "The amounts are added, and the root is still to be taken."
        raise NotYet(words, credit=0.5)
    roots = by_direction[:, :half] + by_direction[:, half:]
    neighbours = np.sqrt(amount[:, ::2] + amount[:, 1::2])
    grid = features.reshape(-1, cells, DIRECTIONS).astype(float) ** 2
    told = {
        "These are sums of roots. Square first, add, and take the root.": roots,
        "These are neighbouring directions. Opposite is half a circle on: 0 and 6, 1 and 7.": (
            neighbours
        ),
        "One of two opposite directions is left out.": by_direction[:, :half],
        "The twelve directions come first, then the cells: reshape to (-1, 12, 49).": np.sqrt(
            grid[:, :, :half] + grid[:, :, half:]
        ),
        "These are means of two. Add them.": np.sqrt((amount[:, :half] + amount[:, half:]) / 2),
    }
    for words, value in told.items():
        if close(found, value.reshape(found.shape), within=1e-4):
            raise NotYet(words)
    raise NotYet("These are not the roots of the sums of opposite amounts.")


def exercise_3(p_value: Any, wrong_a: Truth, wrong_b: Truth) -> str:
    """McNemar's exact test: only pictures that one of the two misreads can tell."""
    from scipy.stats import binomtest

    rng = np.random.default_rng(0)
    cases = [(rng.random(300) < 0.2, rng.random(300) < 0.15) for _ in range(3)]
    cases += [(wrong_a, wrong_b), (wrong_b, wrong_a), (wrong_a, wrong_a)]
    for a, b in cases:
        found = number(called(p_value, a, b), "a probability")
        only_a, only_b = int(np.sum(a & ~b)), int(np.sum(b & ~a))
        right = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
        if close(found, right):
            continue
        if only_a + only_b == 0:
            words = "Two models with the same errors: nothing tells them apart, so p is 1."
            raise NotYet(words, credit=0.5)
        told = {
            "Errors in common are still counted. Whom do they favour?": (
                binomtest(int(a.sum()), int(a.sum() + b.sum())).pvalue
            ),
            "That counts all pictures. Those that both read, or neither, say nothing.": (
                binomtest(only_a, len(a)).pvalue
            ),
            "Unevenly to *either* side counts: the test has two sides.": (
                binomtest(only_a, only_a + only_b, alternative="greater").pvalue
            ),
            "That is the other end: p is the probability of luck.": 1 - right,
            "Unevenly to either side counts, at *most* 1 in all: the test has two sides.": (
                binomtest(only_a, only_a + only_b, alternative="less").pvalue
            ),
        }
        for words, value in told.items():
            if close(found, value):
                raise NotYet(words)
        raise NotYet(
            f"{only_a} pictures are misread by a alone and {only_b} by b alone, so p should be "
            f"{right:.3g}, and it is {found:.3g}."
        )
    return "right. Only the pictures that one of them misreads are counted."


def exercise_4(
    look: Any, X: Pictures, y: Labels, shown: Pictures, truth: Labels, to_beat: float
) -> str:
    """Whatever numbers one likes, from each picture by itself."""
    from sklearn.neighbors import KNeighborsClassifier

    what = "a row of numbers for each picture"
    known = numbers(called(look, X), (len(X), -1), what)
    new = numbers(called(look, shown), (len(shown), known.shape[1]), what)
    again = numbers(called(look, shown[::-3]), (len(shown[::-3]), known.shape[1]), what)
    if not close(again, new[::-3], within=1e-3):
        raise NotYet("A picture's numbers change with the pictures beside it. Take each by itself.")
    if not known.std(axis=0).any():
        raise NotYet("Every picture gets the same numbers.")
    right = KNeighborsClassifier(1).fit(known, y).score(new, truth)
    return beaten(right, to_beat, 1 / 2, len(truth))

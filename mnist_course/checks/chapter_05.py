"""Checks for the exercises of chapter 5. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import (
    NotYet,
    beaten,
    called,
    close,
    digits_read,
    number,
    numbers,
    several,
    shape_of,
)


def exercise_1(
    accuracy_with: Any,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    X_new: NDArray[np.float32],
    y_new: NDArray[np.int64],
) -> str:
    """Scaler and model learn from some rows, and others judge."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import MaxAbsScaler, RobustScaler, StandardScaler

    slip = None
    neighbours, nearest = KNeighborsClassifier(), KNeighborsClassifier(1)
    # The fewer new rows, the more it shows if they are scaled by themselves.
    trials = (
        (StandardScaler(), neighbours, 20),
        (RobustScaler(), neighbours, len(y_new)),
        (StandardScaler(), nearest, len(y_new)),
        (MaxAbsScaler(), neighbours, len(y_new)),
    )
    for scaler, model, rows in trials:
        new, truth = X_new[:rows], y_new[:rows]
        answer = called(accuracy_with, scaler, model, X, y, new, truth)
        found = number(answer, "an accuracy")
        known, scaled = scaler.fit_transform(X), scaler.transform(new)
        right = model.fit(known, y).score(scaled, truth)
        if abs(found - right) < 1.5 / rows:  # rounding may turn a row
            continue
        wrong = {
            "That is the accuracy on the rows it learned from.": model.score(known, y),
            "The new rows are not scaled, and the model knows only scaled ones.": (
                model.score(new, truth)
            ),
            "The new rows have been scaled by themselves. Only `transform` them.": (
                model.score(scaler.fit_transform(new), truth)
            ),
            "The scaler is not used at all.": model.fit(X, y).score(new, truth),
            "The scaler has seen the new rows. Fit it to `X` only.": (
                _leaky(scaler, model, X, y, new, truth)
            ),
        }
        for words, value in wrong.items():
            if close(found, value):
                raise NotYet(words)
        mistakes = [value for value in wrong.values() if abs(value - right) >= 1.5 / rows]
        if _is_rounded(found, right, mistakes):
            continue
        forms = {
            "That is the share of errors.": 1 - found,
            "An accuracy lies between 0 and 1; 0.9 rather than 90.": found / 100,
            "That is how many are right. Which share of them?": found / rows,
        }
        for words, mended in forms.items():
            if abs(mended - right) < 1.5 / rows or _is_rounded(mended, right, mistakes):
                slip = NotYet(words, credit=0.5)
                break
        else:
            raise NotYet(f"With {scaler} and {model} the accuracy is {right:.3f}, not {found:.3f}.")
    if slip:
        raise slip
    return "right. The new rows took no part in fitting scaler or model."


def exercise_2(
    read: Any, shown: NDArray[np.float32], truth: NDArray[np.int64], to_beat: float
) -> str:
    """Pale pictures are read as well as dark ones, once their length is taken away."""
    pale, mixed = (
        float(np.mean(digits_read(read, (ink * shown).astype(np.float32)) == truth))
        for ink in (0.3, np.geomspace(0.03, 1, len(shown))[:, None])
    )
    words = beaten(pale, to_beat, 1 / 2, len(truth))
    if mixed < pale - 0.05:
        raise NotYet(
            f"With 30 % of the ink it reads {pale:.1%}, but where each picture has another share, "
            f"from 3 % to all, only {mixed:.1%}. It should not know how pale the pictures are."
        )
    return words


def exercise_3(
    eights_found: Any,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    X_new: NDArray[np.float32],
    y_new: NDArray[np.int64],
) -> str:
    """A larger weight finds more of a rare digit."""
    what, recalls, slip = "recall and precision", [], None
    for weight in (1, 100):
        answer = called(eights_found, weight, X, y, X_new, y_new)
        found, right = numbers(answer, (2,), what), _eights({8: weight}, X, y, X_new, y_new)
        if np.abs(found - right).max() <= 0.03:
            recalls.append(right[0])
            continue
        if np.abs(found[::-1] - right).max() <= 0.03:
            words = "Recall and precision have changed places: recall comes first."
            slip = NotYet(words, credit=0.5)
            continue
        if np.abs(found - _eights({8: weight}, X, y, X, y)).max() <= 0.03:
            raise NotYet("You judged the rows it learned from. Judge the new ones.")
        wrong = {
            "The weight changes nothing. Hand it over as `class_weight={8: weight}`.": {8: 1},
            "Each eight should count *more*. Here it is divided by the weight.": {8: 1 / weight},
            "`balanced` takes a weight of its own. Use the one that is given.": "balanced",
            "The weight has gone to the nine other digits. The eight should have it.": {
                digit: weight for digit in range(10) if digit != 8
            },
        }
        for words, weights in wrong.items():
            if np.abs(found - _eights(weights, X, y, X_new, y_new)).max() <= 0.01:
                raise NotYet(words)
        raise NotYet(
            f"With a weight of {weight}, recall is {right[0]:.2f} and precision {right[1]:.2f}."
        )
    if slip:
        raise slip
    if recalls[1] > recalls[0]:
        return "right. The heavier an eight, the more of the new eights are found."
    return "right. On these few rows the weight does not find more eights."


def exercise_4(read_lines: Any, lines: NDArray[np.int64]) -> str:
    """The label is no pixel."""
    slip = None
    for some in (lines, lines[::-2]):
        slip = _look_at_columns(called(read_lines, some), some) or slip
    if slip:
        raise slip
    return "right. 784 pixels, and the label by itself."


def _look_at_columns(answer: Any, lines: NDArray[np.int64]) -> NotYet | None:
    """Look at what `read_lines` makes of lines; return what is wrong with the form alone."""
    pixels, labels = several(answer, 2, "Expected two things, pixels and labels.")
    slip = None
    if shape_of(pixels) == (len(lines),):
        pixels, labels = labels, pixels
        slip = NotYet("They have changed places: pixels come first.", credit=0.5)
    found = numbers(pixels, (len(lines), -1), "784 pixels for each line")
    right = lines[:, 1:]
    if found.shape[1] != right.shape[1]:
        if np.array_equal(found, lines):
            raise NotYet("These are whole lines, label and all.")
        raise NotYet(f"There are 784 pixels in a line, and these are {found.shape[1]}.")
    if not np.array_equal(found, right):
        if np.array_equal(found, lines[:, :-1]):
            raise NotYet("The first of these columns is still the label. It is no pixel.")
        raise NotYet("These are not the pixels as they stand in the lines.")
    answers = numbers(labels, (len(lines),), "a label for each line")
    if not np.array_equal(answers, lines[:, 0]):
        if np.array_equal(answers, lines[:, -1]):
            raise NotYet("That is the last pixel. In this file the label comes first.")
        raise NotYet("The pixels are right. The label is the first number of a line.")
    return slip


def _is_rounded(found: float, right: float, mistakes: list[float]) -> bool:
    """Tell whether it is the right accuracy to two places, which no mistake has as well."""
    told_apart = all(round(mistake, 2) != round(right, 2) for mistake in mistakes)
    return told_apart and close(found, round(right, 2))


def _leaky(scaler: Any, model: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> float:
    scaler.fit(np.concatenate([X, X_new]))
    score = model.fit(scaler.transform(X), y).score(scaler.transform(X_new), y_new)
    return float(score)


def _eights(weights: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight=weights, max_iter=300).fit(X, y)
    says, eight = model.predict(X_new) == 8, y_new == 8
    return np.array([says[eight].mean(), eight[says].mean() if says.any() else 0.0])

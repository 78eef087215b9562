"""Checks for the exercises of chapter 5. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import NotYet, called, close, number, numbers


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
        if close(found, 1 - right):
            raise NotYet("That is the share of errors.")
        if close(found, 100 * right, within=0.02):
            raise NotYet("An accuracy lies between 0 and 1; 0.9 rather than 90.")
        if close(found, right * rows):
            raise NotYet("That is how many are right. Which share of them?")
        raise NotYet(f"With {scaler} and {model} the accuracy is {right:.3f}, not {found:.3f}.")
    return "right. The new rows took no part in fitting scaler or model."


def exercise_2(
    accuracies: Any,
    counts: Any,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    X_new: NDArray[np.float32],
    y_new: NDArray[np.int64],
) -> str:
    """Pale pictures are nearest to pictures with little ink, unless length is taken away."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import normalize

    found = numbers(accuracies, (2, 2), "two rows of two accuracies")
    if found.max() > 1:
        raise NotYet("An accuracy lies between 0 and 1; 0.9 rather than 90.")
    model = KNeighborsClassifier().fit(X / 255, y)
    dimmed = model.predict(0.3 * X_new / 255)
    plain = model.score(X_new / 255, y_new), np.mean(dimmed == y_new)
    of_length = model.fit(normalize(X), y).score(normalize(X_new), y_new)
    right = np.array([plain, (of_length, of_length)])
    allowed = max(0.01, 1.5 / len(y_new))  # rounding may turn a row
    if np.abs(found - right).max() > allowed:
        if np.abs(found.T - right).max() <= allowed:
            raise NotYet("Rows and columns have changed places: a row for each way to scale.")
        if np.abs(found[::-1] - right).max() <= allowed:
            raise NotYet("The rows have changed places: / 255 comes first.")
        if np.abs(found[:, ::-1] - right).max() <= allowed:
            raise NotYet("The columns have changed places: dimmed is the second.")
        if np.ptp(found, axis=1).max() <= allowed:
            raise NotYet("Dimming changes nothing in both rows. Dim the new pictures only.")
        if np.abs(found[0] - right[0]).max() <= allowed:
            raise NotYet(
                "The first row is right. `Normalizer` gives each *row* length 1, dimmed or not."
            )
        if np.abs(found[1] - right[1]).max() <= allowed:
            raise NotYet(f"The second row is right. Dimmed, / 255 gets {right[0, 1]:.2f}.")
        raise NotYet(f"As they are, expected is {right[0, 0]:.2f}, then {right[1, 0]:.2f}.")
    answered, wanted = numbers(counts, (10,), "ten counts"), np.bincount(dimmed, minlength=10)
    if np.abs(answered - wanted).max() > allowed * len(y_new):
        if close(answered, wanted / len(y_new), within=allowed):
            raise NotYet("These are shares. How many pictures are called 0, 1, ..., 9?")
        if close(answered, np.bincount(y_new, minlength=10)):
            raise NotYet("That is what the pictures show. What does the model answer?")
        first = KNeighborsClassifier().fit(X / 255, y).predict(X_new / 255)
        if np.abs(answered - np.bincount(first, minlength=10)).max() <= allowed * len(y_new):
            raise NotYet("These are the answers to the pictures as they are. Dim them.")
        if np.abs(answered - np.bincount(model.predict(normalize(X_new)), minlength=10)).max() <= (
            allowed * len(y_new)
        ):
            raise NotYet(
                "These are the answers after `Normalizer`. Count those of the first model."
            )
        raise NotYet("The accuracies are right. Count the answers of / 255 to dimmed pictures.")
    most, least = wanted.argmax(), np.argmin([X[y == digit].mean() for digit in range(10)])
    ending = ", the digit with the least ink" if most == least else ""
    return f"right. Dimmed, a picture is most often called a {most}{ending}."


def exercise_3(
    eights_found: Any,
    X: NDArray[np.float32],
    y: NDArray[np.int64],
    X_new: NDArray[np.float32],
    y_new: NDArray[np.int64],
) -> str:
    """A larger weight finds more of a rare digit."""
    what, recalls = "recall and precision", []
    for weight in (1, 100):
        answer = called(eights_found, weight, X, y, X_new, y_new)
        found, right = numbers(answer, (2,), what), _eights({8: weight}, X, y, X_new, y_new)
        if np.abs(found - right).max() <= 0.03:
            recalls.append(right[0])
            continue
        if np.abs(found[::-1] - right).max() <= 0.03:
            raise NotYet("Recall and precision have changed places: recall comes first.")
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
    if recalls[1] > recalls[0]:
        return "right. The heavier an eight, the more of the new eights are found."
    return "right. On these few rows the weight does not find more eights."


def exercise_4(
    wrong: Any,
    instead: Any,
    centred: Any,
    pictures: NDArray[np.uint8],
    mean_picture: NDArray[np.uint8],
) -> str:
    """Whole numbers of 8 bits count like a clock."""
    right = pictures.astype(np.int64) - mean_picture
    wrapped = pictures - mean_picture
    share, found = np.mean(wrapped != right), number(wrong, "a share of pixels")
    if not close(found, share, within=1e-3):
        if close(found, 1 - share, within=1e-3):
            raise NotYet("That is the share of pixels that are right.")
        if close(found, share * right.size) or close(found, 100 * share, within=1e-3):
            raise NotYet("A share lies between 0 and 1: divide by the number of pixels.")
        if close(found, np.mean(right == -1), within=1e-3):
            raise NotYet("Not only -1 goes wrong, but whatever is below 0.")
        if found == 0:
            raise NotYet("Nothing wrong? Compare with a subtraction that has room below 0.")
        raise NotYet(f"Wrong is whatever should be below 0, and that is not {found:.3f} of it all.")
    value = number(instead, "a pixel value")
    if value == -1:
        raise NotYet("There is no -1 in `uint8`. What stands there instead?")
    if value in (0, 1):
        raise NotYet(f"It neither stops at 0 nor loses its sign: it is not {value:g}.")
    if value != 255:
        raise NotYet("Look at `(pictures - mean_picture)[right == -1]`: it is one step below 0.")
    answer = numbers(called(centred, pictures, mean_picture), right.shape, "centred pictures")
    if close(answer, right):
        return f"right. In `uint8`, {share:.0%} of the pixels go wrong, and nothing warns."
    if close(answer, wrapped):
        raise NotYet("`centred` wraps around as before. Convert first, and subtract then.")
    if close(answer, np.abs(right)):
        raise NotYet("The signs are lost. Less ink than the mean is negative.")
    if close(answer, np.maximum(right, 0)):
        raise NotYet("What is below 0 has been cut off. A centred pixel may be negative.")
    if close(answer, -right):
        raise NotYet("That is the mean minus the pictures.")
    narrow = pictures.astype(np.int8) - mean_picture.astype(np.int8)
    if close(answer, narrow) or close(answer, right.astype(np.int8)):
        raise NotYet("`int8` ends at 127, and wraps around as well. Take a wider type.")
    raise NotYet("`centred` should be each picture minus the mean picture.")


def _leaky(scaler: Any, model: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> float:
    scaler.fit(np.concatenate([X, X_new]))
    score = model.fit(scaler.transform(X), y).score(scaler.transform(X_new), y_new)
    return float(score)


def _eights(weights: Any, X: Any, y: Any, X_new: Any, y_new: Any) -> NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight=weights, max_iter=300).fit(X, y)
    says, eight = model.predict(X_new) == 8, y_new == 8
    return np.array([says[eight].mean(), eight[says].mean() if says.any() else 0.0])

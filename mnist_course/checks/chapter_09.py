"""Checks for the exercises of chapter 9. They hold the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.checks.answers import (
    Blank,
    NotYet,
    beaten,
    called,
    close,
    is_blank,
    number,
    numbers,
)
from mnist_course.geometry import SIDE, centre_by_mass, crop

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Pictures = NDArray[np.uint8]


def exercise_1(ink_is_dark: Any, pictures: Pictures) -> str:
    """Paper is what covers at least half of the picture, whatever its brightness."""
    papers = ((255, 20), (110, 30), (90, 60), (20, 240), (140, 200), (60, 100))
    rng, said = np.random.default_rng(0), []
    for paper, ink in papers:
        for number_of, picture in enumerate(pictures[:10]):
            grey = np.pad(paper + (ink - paper) * picture.astype(float) / 255, 4, "edge")
            if number_of % 2:  # a corner that shows something else
                grey[:3, :3] = ink
            grain = rng.normal(0, 4, grey.shape)
            answer = called(ink_is_dark, np.clip(grey + grain, 0, 255).astype(np.uint8))
            if np.ndim(answer) != 0 or answer not in (True, False):
                raise NotYet("Expected one truth value, `True` or `False`, for the picture.")
            said.append((paper, ink, bool(answer)))
    wrong = [(paper, ink) for paper, ink, dark in said if dark != (ink < paper)]
    if not wrong:
        return "right. On bright paper, on grey paper in poor light, and on a blackboard."
    if len({dark for *_, dark in said}) == 1:
        raise NotYet(f"It says `{said[0][2]}` of every picture, dark ink or light.")
    if all(dark == (paper > 127) for paper, _, dark in said):
        raise NotYet(
            "It calls the ink dark wherever the paper is bright. Do you compare with a fixed "
            "brightness? Paper in poor light may be darker than that everywhere."
        )
    if len(wrong) == len(said):
        raise NotYet("It is the other way around each time: ink pulls the mean towards itself.")
    paper, ink = wrong[0]
    raise NotYet(
        f"{len(wrong)} of {len(said)} pictures are judged wrongly, one with paper of brightness "
        f"{paper} and ink of {ink} among them. Something in a corner, or the grain of the paper, "
        "must not decide."
    )


def exercise_2(place: Any, pictures: Pictures) -> str:
    """MNIST's own pictures come back when they are cropped and placed by their mass."""
    inks = [crop(picture) for picture in pictures]
    lopsided = np.zeros((20, 12), np.uint8)
    lopsided[:, 0], lopsided[0, :], lopsided[19, 11] = 255, 40, 1
    inks = [*inks, lopsided, lopsided.astype(np.float32) / 255]
    corners = []
    for ink in inks:
        result = called(place, ink)
        found = numbers(result, (SIDE, SIDE), "a picture")
        if not (found > 0).any() or not np.array_equal(crop(found), ink.astype(float)):
            raise NotYet("The ink itself has changed. It should only be moved.")
        if getattr(result, "dtype", None) != ink.dtype:
            raise NotYet("The result is not of the dtype that the ink came in.")
        corners.append(np.argwhere(found > 0).min(axis=0))
    _look_at_corners(np.array(corners), inks)
    return f"right. {len(pictures)} pictures come back as they were, pixel for pixel."


def _look_at_corners(corners: Labels, inks: list[Pictures]) -> None:
    bytes_of = [np.rint(ink * (255 if ink.dtype.kind == "f" else 1)) for ink in inks]
    placed = [centre_by_mass(ink.astype(np.uint8)) for ink in bytes_of]
    wanted = np.array([np.argwhere(picture > 0).min(axis=0) for picture in placed])
    if np.array_equal(corners, wanted):
        return
    mass, pixels, box = [], [], []
    for ink in inks:
        rows, columns = np.indices(ink.shape)
        mass.append([(ink * rows).sum() / ink.sum(), (ink * columns).sum() / ink.sum()])
        pixels.append([axis.mean() for axis in np.nonzero(ink)])
        box.append([(size - 1) / 2 for size in ink.shape])
    mass, pixels, box = map(np.array, (mass, pixels, box))
    told = {
        "Each inked pixel counts alike there. Weight it by its ink.": 14 - pixels,
        "That centres the box around the ink, not its mass.": 14 - box,
        "The mass lies on row 13 and column 13; it should be 14.": 13 - mass,
        "The mass lies around 13.5, the exact middle. MNIST has 14.": 13.5 - mass,
    }
    for words, guess in told.items():
        if np.array_equal(corners, np.round(guess)):
            raise NotYet(words)
    first = int(np.flatnonzero((corners != wanted).any(axis=1))[0])
    down, right = corners[first] - wanted[first]
    raise NotYet(f"Picture {first} lies {down:+d} rows and {right:+d} columns from its place.")


def exercise_3(answers: Any, judged: Any, shares: Floats, truth: Labels) -> str:
    """No answer below a share; and the accuracy of the answers that are given."""
    largest, best = shares.max(axis=1), shares.argmax(axis=1)
    for least in (0.0, 0.7, float(largest[0]), 1.1):
        what = "a digit, or -1, for each picture"
        found = numbers(called(answers, shares, least), (len(shares),), what)
        right = np.where(largest >= least, best, -1)
        if np.array_equal(found, right):
            continue
        if np.array_equal(found, np.where(largest > least, best, -1)):
            raise NotYet("A share of exactly `least` is not below it: that picture is answered.")
        if np.array_equal(found, np.where(largest < least, best, -1)):
            raise NotYet("It is the sure ones that keep their answer.")
        if np.array_equal(found, best):
            raise NotYet(f"All pictures are answered, however small the share ({least:g} asked).")
        row = int(np.flatnonzero(found != right)[0])
        raise NotYet(
            f"The largest share of row {row} is {largest[row]:.2f}. With {least:g} asked "
            f"`answers` should say {right[row]}, and it says {found[row]:g}."
        )
    for least in (0.0, 0.9, 1.1):
        _look_at_judgement(judged, np.where(largest >= least, best, -1), truth)
    _look_at_judgement(judged, (truth + 1) % 10, truth)  # all are wrong
    return "right. The surer it has to be, the fewer answers, and the more of them hold."


def _look_at_judgement(judged: Any, given: Labels, truth: Labels) -> None:
    result = called(judged, given, truth)
    if np.shape(result) != (2,):
        raise NotYet("`judged` should return two numbers.")
    if any(is_blank(part) for part in result):
        raise Blank
    if isinstance(result[1], float | np.floating) and np.isnan(result[1]):
        raise NotYet("Without a single answer `judged` gives NaN. Then the second number is 1.")
    share, right = (number(part, "a share") for part in result)
    answered = given >= 0
    accuracy = float(np.mean(given[answered] == truth[answered])) if answered.any() else 1.0
    if close(share, answered.mean()) and close(right, accuracy):
        return
    if close(share, accuracy) and close(right, answered.mean()):
        raise NotYet("The two numbers of `judged` have changed places.")
    if close(share, 1 - answered.mean()):
        raise NotYet("The first number is the share *without* an answer.")
    if close(share, answered.sum()):
        raise NotYet("The first number is a count. A share is asked for.")
    if close(share, answered.mean()) and close(right, np.mean(given == truth)):
        raise NotYet("The second number counts pictures without an answer as wrong.")
    if close(share, answered.mean()) and close(right, 1 - accuracy) and accuracy:
        raise NotYet("The second number is the share that is wrong.")
    raise NotYet(
        f"`judged` should say {answered.mean():.3f} and {accuracy:.3f}, and it says "
        f"{share:.3f} and {right:.3f}."
    )


def exercise_4(thicken: Any, model: Any, thin: Pictures, truth: Labels, to_beat: float) -> str:
    """Thicker strokes, each picture by itself."""
    what = "rows of 784 pixels"
    found = numbers(called(thicken, thin), thin.shape, what)
    again = numbers(called(thicken, thin[::-3]), thin[::-3].shape, what)
    if not close(again, found[::-3], within=1e-3):
        raise NotYet("A picture changes with those beside it: filter each by itself.")
    if found.max() <= 2:
        raise NotYet("The model is given pixels up to 255, and these are 0 to 1.")
    if found.min() < 0 or found.max() > 256:
        raise NotYet("Pixels should stay between 0 and 255: `np.clip`.")
    if close(found, thin):
        raise NotYet("The strokes are as thin as they were.")
    ink = (found > 127).sum() / max(1, (thin > 127).sum())
    try:
        return beaten(model.score(found / 255, truth), to_beat, 1 / 5, len(truth))
    except NotYet as short:
        if ink > 3.5:
            raise NotYet(f"{short} There is {ink:.1f} times as much ink: too thick?") from None
        if ink < 1.2:
            raise NotYet(f"{short} There is hardly more ink than before: too thin?") from None
        raise

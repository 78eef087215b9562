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
    several,
)
from mnist_course.geometry import SIDE, centre_by_mass, crop

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Pictures = NDArray[np.uint8]


def exercise_1(ink_is_dark: Any, pictures: Pictures) -> str:
    """Paper is what covers at least half of the picture, whatever its brightness."""
    papers = ((255, 20), (110, 30), (90, 60), (20, 240), (140, 200), (60, 100))
    rng, said, shown = np.random.default_rng(0), [], []
    for paper, ink in papers:
        for number_of, picture in enumerate(pictures[:10]):
            grey = np.pad(paper + (ink - paper) * picture.astype(float) / 255, 4, "edge")
            if number_of % 2:  # a corner that shows something else
                grey[:3, :3] = ink
            grain = rng.normal(0, 4, grey.shape)
            shown.append(np.clip(grey + grain, 0, 255).astype(np.uint8))
            dark = number(called(ink_is_dark, shown[-1]), "one truth value, `True` or `False`")
            if dark not in (0, 1):
                raise NotYet("Expected one truth value, `True` or `False`, for the picture.")
            said.append((paper, ink, bool(dark)))
    wrong = [(paper, ink) for paper, ink, dark in said if dark != (ink < paper)]
    if not wrong:
        return "right. On bright paper, on grey paper in poor light, and on a blackboard."
    if _is_right_of_floats(ink_is_dark, shown, [ink < paper for paper, ink, _ in said]):
        raise NotYet("Bytes wrap around when they are added. Turn the picture into floats first.")
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


def _is_right_of_floats(ink_is_dark: Any, shown: list[Pictures], wanted: list[bool]) -> bool:
    try:
        return [bool(called(ink_is_dark, picture.astype(float))) for picture in shown] == wanted
    except NotYet:  # it can only read bytes
        return False


def exercise_2(place: Any, pictures: Pictures) -> str:
    """MNIST's own pictures come back when they are cropped and placed by their mass."""
    inks: list[NDArray[Any]] = [crop(picture) for picture in pictures]
    lopsided = np.zeros((20, 12), np.uint8)
    lopsided[:, 0], lopsided[0, :], lopsided[19, 11] = 255, 40, 1
    inks = [*inks, lopsided, lopsided.astype(np.float32) / 255]
    corners, slip = [], None
    for ink in inks:
        result = called(place, ink)
        found = numbers(result, (SIDE, SIDE), "a picture")
        if not (found > 0).any() or not np.array_equal(crop(found), ink.astype(float)):
            raise NotYet("The ink itself has changed. It should only be moved.")
        if getattr(result, "dtype", None) != ink.dtype:
            slip = NotYet("The result is not of the dtype that the ink came in.", credit=0.5)
        corners.append(np.argwhere(found > 0).min(axis=0))
    _look_at_corners(np.array(corners), inks)
    if slip:
        raise slip
    return f"right. {len(pictures)} pictures come back as they were, pixel for pixel."


def _look_at_corners(corners: Labels, inks: list[NDArray[Any]]) -> None:
    bytes_of = [np.rint(ink * (255 if ink.dtype.kind == "f" else 1)) for ink in inks]
    placed = [centre_by_mass(ink.astype(np.uint8)) for ink in bytes_of]
    wanted = np.array([np.argwhere(picture > 0).min(axis=0) for picture in placed])
    if np.array_equal(corners, wanted):
        return
    middles = []
    for ink in inks:
        rows, columns = np.indices(ink.shape)
        by_mass = [(ink * rows).sum() / ink.sum(), (ink * columns).sum() / ink.sum()]
        by_pixels = [axis.mean() for axis in np.nonzero(ink)]
        middles.append([by_mass, by_pixels, [(size - 1) / 2 for size in ink.shape]])
    mass, pixels, box = np.array(middles).swapaxes(0, 1)
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
    # Some of the rows by themselves, too: it is the shares handed over that count.
    some = shares[:50][::-1]
    trials = [(shares, least) for least in (0.0, 0.7, float(shares[0].max()), 1.1)]
    slips = [_look_at_answers(answers, *trial) for trial in [*trials, (some, 0.7)]]
    largest, best = shares.max(axis=1), shares.argmax(axis=1)
    for least in (0.0, 0.9, 1.1):
        slips.append(_look_at_judgement(judged, np.where(largest >= least, best, -1), truth))
    if not any(slips):  # not a single answer is right
        slips.append(_look_at_judgement(judged, (truth[::-1] + 1) % 10, truth[::-1]))
    for slip in filter(None, slips):
        raise slip
    return "right. The surer it has to be, the fewer answers, and the more of them hold."


def _look_at_answers(answers: Any, shares: Floats, least: float) -> NotYet | None:
    """Look at what `answers` says; return what is wrong with the form alone."""
    what = "a digit, or -1, for each picture"
    found = numbers(called(answers, shares, least), (len(shares),), what)
    largest, best = shares.max(axis=1), shares.argmax(axis=1)
    right = np.where(largest >= least, best, -1)
    if np.array_equal(found, right):
        return None
    if np.array_equal(found, np.where(largest > least, best, -1)):
        words = "A share of exactly `least` is not below it: that picture is answered."
        return NotYet(words, credit=0.5)
    if np.array_equal(found, np.where(largest < least, best, -1)):
        raise NotYet("It is the sure ones that keep their answer.")
    if np.array_equal(found, best):
        raise NotYet(f"All pictures are answered, however small the share ({least:g} asked).")
    row = int(np.flatnonzero(found != right)[0])
    raise NotYet(
        f"The largest share of row {row} is {largest[row]:.2f}. With {least:g} asked "
        f"`answers` should say {right[row]}, and it says {found[row]:g}."
    )


def _look_at_judgement(judged: Any, given: Labels, truth: Labels) -> NotYet | None:
    """Look at the two numbers; return what is wrong with the form alone."""
    result = several(called(judged, given, truth), 2, "`judged` should return two numbers.")
    if any(is_blank(part) for part in result):
        raise Blank
    answered = given >= 0
    if not answered.any() and isinstance(result[1], float | np.floating) and np.isnan(result[1]):
        words = "Without a single answer `judged` gives NaN. Then the second number is 1."
        return NotYet(words, credit=0.5)
    found = [number(part, "a share") for part in result]
    share = float(answered.mean())
    right = float(np.mean(given[answered] == truth[answered])) if answered.any() else 1.0
    if close(found, (share, right), within=1e-3):
        return None
    forms = {
        "The two numbers of `judged` have changed places.": (right, share),
        "The first number is the share *without* an answer.": (1 - share, right),
        "The first number is a count. A share is asked for.": (answered.sum(), right),
        "Without a single answer the second number is 1.": (share, 0 if not share else np.nan),
        "The second number is the share that is wrong.": (share, 1 - right if right else np.nan),
    }
    for words, form in forms.items():
        if close(found, form):
            return NotYet(words, credit=0.5)
    if close(found, (share, np.mean(given == truth))):
        raise NotYet("The second number counts pictures without an answer as wrong.")
    raise NotYet(
        f"`judged` should say {share:.3f} and {right:.3f}, and it says {found[0]:.3f} and "
        f"{found[1]:.3f}."
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

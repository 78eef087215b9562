"""Checks for the exercises of chapter 1. They hold the answers."""

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
    whole,
)


def exercise_1(invert: Any, image: NDArray[np.uint8]) -> str:
    """Paper becomes ink and ink paper."""
    found = numbers(called(invert, image), image.shape, "an inverted picture")
    right = 255.0 - image
    if close(found, right):
        # A picture whose darkest pixel is no full ink.
        pale = numbers(called(invert, image // 2), image.shape, "an inverted picture")
        if not close(pale, 255.0 - image // 2):
            raise NotYet("Right for this picture. What if its darkest pixel is not full ink?")
        return "right. Inverting twice gives the picture back."
    if close(found, np.where(image > 0, 256.0 - image, 0)):
        raise NotYet("`uint8` knows no minus: -1 became 255, and paper stayed 0. Start from 255.")
    if close(found, image):
        raise NotYet("The picture came back as it was.")
    wrapped = np.where(image > 1, 257.0 - image, 1.0 - image)
    if close(found, right / 255):
        raise NotYet("Right on a scale from 0 to 1. A full pixel is 255 here.", credit=0.5)
    if close(found, 1.0 - image) or close(found, wrapped):
        raise NotYet("Ink is 255 here, not 1, and a pixel and its opposite add up to 255.")
    paper = found[image == 0].mean()
    if paper == 255:
        raise NotYet("Paper is right. Every other pixel should become 255 minus its value.")
    raise NotYet(f"Paper (0) should become 255, and it became {paper:g}.")


def exercise_2(ink: Any, factor: Any, X: NDArray[np.uint8], y: NDArray[np.int64]) -> str:
    """Ten mean intensities, and the factor between the largest and the smallest."""
    found = numbers(ink, (10,), "ten means, one for each digit")
    right = np.array([X[y == digit].mean() for digit in range(10)])
    if not close(found, right, within=1e-3):
        counts = np.bincount(y, minlength=10)
        if close(found, right * counts, within=1e-3) or close(
            found, right * counts * X.shape[1], within=1e-3
        ):
            raise NotYet("These are sums: a digit with more pictures then seems to hold more ink.")
        inked = np.array([X[y == digit][X[y == digit] > 0].mean() for digit in range(10)])
        if close(found, inked, within=1e-3):
            raise NotYet("This is how dark the *inked* pixels are. Paper counts too.")
        worst = int(np.abs(found - right).argmax())
        raise NotYet(f"The mean of digit {worst} is {right[worst]:.1f}, not {found[worst]:.1f}.")
    times, wanted = number(factor, "a factor"), right.max() / right.min()
    if close(times, 1 / wanted, within=1e-2):
        raise NotYet("The factor is upside down: the largest over the smallest.", credit=0.5)
    if close(times, right.max() - right.min(), within=1e-2):
        words = "That is a difference. A factor is one mean divided by the other."
        raise NotYet(words, credit=0.5)
    if not close(times, wanted, within=1e-2) and times != round(wanted, 1):
        words = "The ten means are right; the factor is the largest over the smallest."
        raise NotYet(words, credit=0.5)
    most, least = right.argmax(), right.argmin()
    return f"right. The {most} holds {wanted:.2f} times the ink of the {least}."


def exercise_3(shuffle: Any, nearest: Any, pictures: NDArray[np.uint8]) -> str:
    """One order of the pixels for all pictures leaves the neighbours as they are."""
    order = np.random.default_rng(0).permutation(pictures.shape[1])
    few = pictures[:20]
    found = numbers(called(shuffle, few, order), few.shape, "shuffled pictures")
    if close(found, few):
        raise NotYet("`shuffle` gives the pictures back as they were.")
    back = few[:, np.argsort(order)]
    if close(np.sort(found, axis=1), np.sort(few, axis=1)) and not (
        close(found, few[:, order]) or close(found, back)
    ):
        raise NotYet("Each picture holds its own pixels, but not in the order that was given.")
    if not (close(found, few[:, order]) or close(found, back)):
        raise NotYet("Only the order of a picture's pixels may change: take columns, not rows.")
    right = _look_at_nearest(nearest, pictures, order)
    # In another order too, so that no row number passes which was found once and for all.
    _look_at_nearest(nearest, pictures[::-1], order)
    return f"right. Row {right} is the nearest to row 0, shuffled or not."


def _look_at_nearest(nearest: Any, pictures: NDArray[np.uint8], order: NDArray[np.int64]) -> int:
    place = whole(called(nearest, pictures), "a row number")
    gaps = np.square(pictures.astype(float) - pictures[0]).sum(axis=1)
    right = int(gaps[1:].argmin()) + 1
    wrapped = (pictures[1:] - pictures[0]).astype(float)
    if place == right:
        if whole(called(nearest, pictures[:, order]), "a row number") != right:
            raise NotYet("`nearest` finds another row once the pixels are shuffled.")
        return right
    if place == 0:
        raise NotYet("Row 0 is nearest to itself. Look among the others.")
    if place == right - 1:
        words = "Off by one: whoever looks from row 1 on finds that row in place 0."
        raise NotYet(words, credit=0.5)
    squares_wrap = np.square(pictures[1:] - pictures[0]).sum(axis=1)
    if place in (int(np.square(wrapped).sum(axis=1).argmin()) + 1, int(squares_wrap.argmin()) + 1):
        raise NotYet("`uint8` wraps around when you subtract. Convert to floating point first.")
    raise NotYet(f"Row {place} is not the nearest: there is one nearer.")


def exercise_4(
    read: Any, pictures: NDArray[np.uint8], labels: NDArray[np.int64], to_beat: float
) -> str:
    """Several means for each digit read more than one."""
    found = digits_read(
        read,
        pictures,
        if_odd="Is it the number of a mean? Look up whose mean that is.",
        if_same="Do bytes wrap around when they are subtracted? Convert to float first.",
    )
    right = float(np.mean(found == labels))
    if right < 0.2:
        raise NotYet(
            f"That reads {right:.1%}, little more than guessing. Do the means have the right "
            "owners (`repeat`, not `tile`)? Do bytes wrap around when they are subtracted?"
        )
    return beaten(right, to_beat, 1 / 4, len(labels))

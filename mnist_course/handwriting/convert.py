"""A picture of handwriting in MNIST's form: all steps, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_course.errors import PictureError
from mnist_course.geometry import centre_by_mass
from mnist_course.handwriting.form import LEGIBLE, centre, crop_ink, has_form, mend_width, to_box
from mnist_course.handwriting.ink import find_contrast, find_ink
from mnist_course.handwriting.page import find_digits
from mnist_course.handwriting.pictures import read_picture

if TYPE_CHECKING:
    from mnist_course.handwriting.pictures import Source


@dataclass(frozen=True)
class Steps:
    """Which steps are taken; a lesson leaves them out one at a time to see what each is for."""

    polarity: bool = True  # look whether ink is darker or lighter than paper; else it is darker
    lines: bool = True  # take the lines of ruled and squared paper away
    width: bool = True  # bring strokes to MNIST's width
    mass: bool = True  # centre by mass, not by the box


ALL = Steps()


def to_mnist(source: Source, steps: Steps = ALL) -> NDArray[np.uint8]:
    """Bring the picture of one handwritten digit into MNIST's form.

    Parameters
    ----------
    source : path, bytes, binary file, Pillow image, or array
        PNG, JPEG, BMP, GIF (its first frame), TIFF or WebP; or an array of shape (height, width)
        or (height, width, channels) with truth values, 0 to 1, 0 to 255, or up to 16 bits. Dark or
        light ink, on any paper. A picture in MNIST's form already is given back unchanged.
    steps : Steps, optional
        ``Steps(width=False)`` leaves the strokes as wide as they are, and so on.

    Returns
    -------
    array of shape (28, 28), uint8
        Ink is bright, paper 0.

    Raises
    ------
    PictureError
        The picture cannot be read, shows no ink, or more than one digit.

    Examples
    --------
    >>> from mnist_course import load_mnist
    >>> digit = load_mnist("digits").train[0][7].reshape(28, 28)
    >>> bool((to_mnist(255 - digit) == digit).all())
    True
    """
    return to_mnist_steps(source, steps)["centred"]


def to_mnist_steps(source: Source, steps: Steps = ALL) -> dict[str, NDArray[Any]]:
    """Show what each step of `to_mnist` makes of a picture.

    Parameters
    ----------
    source : path, bytes, binary file, Pillow image, or array
        As for `to_mnist`.
    steps : Steps, optional
        Which of them are taken.

    Returns
    -------
    dict of str to array of shape (height, width)
        By the step's name, in order. ``"as read"`` is uint8, and 0 is black. Paper is 0 in all that
        follow: float32 with ink of at most 1 as far as ``"stroke width"``, then uint8 with ink of
        at most 255. The last, ``"centred"``, is what `to_mnist` returns.

    Raises
    ------
    PictureError
        As in `to_mnist`.
    """
    pictures, digits = _read(source, steps)
    if len(digits) > 1:
        raise PictureError(
            f"There are {len(digits)} digits on the picture, as far as can be seen, not one.\n"
            f"page_to_mnist reads all of them; or cut out the one that you mean."
        )
    return pictures | _form(digits[0], steps)


def page_to_mnist(source: Source, steps: Steps = ALL) -> NDArray[np.uint8]:
    """Bring all digits on a page into MNIST's form.

    Parameters
    ----------
    source : path, bytes, binary file, Pillow image, or array
        As for `to_mnist`, with as many digits as there are.
    steps : Steps, optional
        Which steps are taken with each.

    Returns
    -------
    array of shape (n, 28, 28), uint8
        In the order of reading; ink is bright, paper 0.

    Raises
    ------
    PictureError
        The picture cannot be read, or shows no ink.
    """
    _, digits = _read(source, steps)
    return np.stack([_form(digit, steps)["centred"] for digit in digits])


def _read(source: Source, steps: Steps) -> tuple[dict[str, NDArray], list[NDArray[np.float32]]]:
    """Return the steps up to ink, and the ink of each digit."""
    grey = read_picture(source)
    contrast, noise = find_contrast(grey, polarity=steps.polarity)
    if has_form(contrast):
        return {"as read": grey, "paper removed": contrast, "ink": contrast}, [contrast]
    ink = find_ink(contrast, noise, lines=steps.lines)
    digits = find_digits(ink)
    if not digits:
        raise PictureError(
            "There is no ink on the picture: no stroke stands out from the paper.\n"
            "Take it in more light or from nearer, or write with a darker pen."
        )
    return {"as read": grey, "paper removed": contrast, "ink": ink}, digits


def _form(ink: NDArray[np.float32], steps: Steps) -> dict[str, NDArray[Any]]:
    """Return the steps that follow for one digit."""
    ready = has_form(ink)
    cropped = crop_ink(ink, least=0 if ready else LEGIBLE)
    mended = mend_width(cropped) if steps.width and not ready else cropped
    box = to_box(mended)
    centred = centre_by_mass(box) if steps.mass else centre(box)
    return {"cropped": cropped, "stroke width": mended, "box": box, "centred": centred}

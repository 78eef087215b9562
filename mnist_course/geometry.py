"""The geometry of MNIST's form: a 20 × 20 box, centred by mass in 28 × 28 [1]_.

The middle of 28 pixels lies between the pixels 13 and 14. Those who made MNIST centred on pixel 14:
cropping its pictures and centring them here gives back each of them, pixel for pixel.

Pictures are uint8 arrays of shape (height, width): ink is bright, background is 0.

References
----------
.. [1] LeCun, Bottou, Bengio and Haffner (1998). Gradient-based learning applied to document
   recognition. Proceedings of the IEEE 86(11), 2278-2324.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_Kind = TypeVar("_Kind", bound=np.generic)

SIDE = 28  # pixels along each side of a picture
BOX = 20  # pixels along the longer side of the box that holds the ink
_EMPTY = "The picture is empty: no pixel is brighter than the background."


def crop(image: NDArray[_Kind]) -> NDArray[_Kind]:
    """Cut away empty rows and columns around the ink; ValueError if there is none."""
    rows, columns = np.nonzero(image)
    if rows.size == 0:
        raise ValueError(_EMPTY)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def fit_box(image: NDArray[np.uint8], box: int = BOX) -> NDArray[np.uint8]:
    """Scale a picture, bicubic and in proportion, so that its longer side measures `box` pixels."""
    from PIL import Image

    height, width = image.shape
    scale = box / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def centre_of_mass(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Return row and column around which the ink balances; ValueError if there is none."""
    mass = image.astype(np.float64)
    total = mass.sum()
    if total == 0:
        raise ValueError(_EMPTY)
    rows, columns = np.indices(image.shape)
    return float((rows * mass).sum() / total), float((columns * mass).sum() / total)


def centre_by_mass(image: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Place a picture on an empty square, its centre of mass on pixel `side` / 2, by whole pixels.

    It is never moved so far that ink is cut off.
    """
    height, width = image.shape
    row, column = centre_of_mass(image)
    middle = side / 2
    top = int(np.clip(round(middle - row), 0, side - height))
    left = int(np.clip(round(middle - column), 0, side - width))
    square = np.zeros((side, side), dtype=np.uint8)
    square[top : top + height, left : left + width] = image
    return square

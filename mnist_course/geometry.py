"""The geometry of MNIST's form: a 20 × 20 box, centred by mass in 28 × 28."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 28
"""Pixels along each side of a picture."""
BOX = 20
"""Pixels along the longer side of the box that holds the ink."""
_EMPTY = "The picture is empty: no pixel is brighter than the background."


def crop(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut away empty rows and columns around the ink.

    Parameters
    ----------
    image : uint8 array of shape (height, width)
        Ink is bright, background is 0.

    Returns
    -------
    uint8 array
        The smallest rectangle that holds every pixel above 0.

    Raises
    ------
    ValueError
        If the picture holds no ink.
    """
    rows, columns = np.nonzero(image)
    if rows.size == 0:
        raise ValueError(_EMPTY)
    return image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def fit_box(image: NDArray[np.uint8], box: int = BOX) -> NDArray[np.uint8]:
    """Scale a picture so that its longer side measures `box` pixels.

    Parameters
    ----------
    image : uint8 array of shape (height, width)
    box : int, default=20
        Pixels.

    Returns
    -------
    uint8 array
        Same aspect ratio, smoothed by bicubic interpolation.
    """
    from PIL import Image

    height, width = image.shape
    scale = box / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def centre_of_mass(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the row and column, in pixels, around which the ink balances.

    Raises
    ------
    ValueError
        If the picture holds no ink.
    """
    mass = image.astype(np.float64)
    total = mass.sum()
    if total == 0:
        raise ValueError(_EMPTY)
    rows, columns = np.indices(image.shape)
    return float((rows * mass).sum() / total), float((columns * mass).sum() / total)


def centre_by_mass(image: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Place a picture on an empty square so that its centre of mass lies in the middle.

    Parameters
    ----------
    image : uint8 array of shape (height, width)
        At most `side` pixels each way.
    side : int, default=28
        Pixels.

    Returns
    -------
    uint8 array of shape (side, side)
        Moved by whole pixels, and never so far that ink is cut off.
    """
    height, width = image.shape
    row, column = centre_of_mass(image)
    middle = (side - 1) / 2
    top = int(np.clip(round(middle - row), 0, side - height))
    left = int(np.clip(round(middle - column), 0, side - width))
    square = np.zeros((side, side), dtype=np.uint8)
    square[top : top + height, left : left + width] = image
    return square


def to_mnist_form(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring a picture of one digit into MNIST's form.

    The road of the data set's authors [1]_: the ink fills a 20 × 20 box with its aspect ratio
    kept, and its centre of mass moves to the centre of a 28 × 28 picture.

    Parameters
    ----------
    image : uint8 array of shape (height, width)
        Bright ink on background 0.

    Returns
    -------
    uint8 array of shape (28, 28)

    References
    ----------
    .. [1] LeCun, Bottou, Bengio and Haffner (1998). Gradient-based learning applied to
       document recognition. Proceedings of the IEEE 86(11), 2278-2324.
    """
    return centre_by_mass(fit_box(crop(image)))

"""Many pictures bent at once: slant removed, sizes made equal, and pen strokes varied at random.

Each function looks, for every pixel of the result, up the place in the picture where its ink comes
from, and blends the four pixels around it (bilinear): one resampling, however many steps.
Moments of the ink (its centre, its spread, its slant) say where to look.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_course.errors import UsageError
from mnist_course.geometry import SIDE

Floats = NDArray[np.float32]
Places = NDArray[np.floating]  # float32 too, which type checkers lose sight of in a formula

SPREAD = 5.6  # pixels: standard deviation of the ink's rows once a picture is normalised
_AT_ONCE = 1000  # pictures; their arrays stay in the processor's cache
_MARGIN = 2  # empty pixels around a picture, where what lies outside is looked up
_WAVES = 4  # a bend is made of waves with at most so many half periods across the picture
_rows, _columns = (axis.astype(np.float32).ravel() for axis in np.indices((SIDE, SIDE)))
_MIDDLE = (SIDE - 1) / 2


class Moments(NamedTuple):
    """Where the ink of each picture lies and how it spreads; columns of shape (n, 1), in pixels."""

    row: Floats
    column: Floats
    row_variance: Floats
    column_variance: Floats
    covariance: Floats


@dataclass(frozen=True)
class Distortion:
    """How far random distortions go; each picture draws its own, evenly between both ends.

    The bend is a smooth field of displacements, in the spirit of Simard, Steinkraus and Platt
    (2003), Best practices for convolutional neural networks, ICDAR, 958-963.
    """

    rotation: float = 10.0  # degrees to either side
    scale: float = 0.10  # of each axis, up and down
    shear: float = 0.08  # columns a row
    shift: float = 0.7  # pixels along each axis
    bend: float = 0.6  # pixels: standard deviation of each wave's height


def moments(images: Floats) -> Moments:
    """Return the moments of pictures of shape (n, 784); an empty one has its middle, and no spread.

    They are those of ink as mass: the row is the mean of all rows, weighted by their ink.
    """
    mass = np.maximum(images.sum(axis=1), 1e-6)

    def mean(values: Floats) -> Floats:
        return ((images @ values) / mass)[:, None]

    row, column = mean(_rows), mean(_columns)
    row_variance = mean(_rows**2) - row**2
    column_variance = mean(_columns**2) - column**2
    empty = images.max(axis=1, keepdims=True) == 0
    row, column = (np.where(empty, np.float32(_MIDDLE), centre) for centre in (row, column))
    covariance = mean(_rows * _columns) - row * column
    return Moments(
        row, column, np.maximum(row_variance, 1e-3), np.maximum(column_variance, 1e-3), covariance
    )


def deskew(images: ArrayLike) -> Floats:
    """Shear each picture until its ink stands upright, around its centre, which stays.

    Parameters
    ----------
    images : array of shape (n, 784) or (n, 28, 28)
        Ink is bright, background is 0.

    Returns
    -------
    array of float32 of the same shape
    """

    def source(pictures: Floats) -> tuple[Places, Places]:
        ink = moments(pictures)
        slant = ink.covariance / ink.row_variance
        return np.broadcast_to(_rows, pictures.shape), _columns + slant * (_rows - ink.row)

    return _in_parts(source, images)


def normalise(
    images: ArrayLike,
    *,
    distortion: Distortion | None = None,
    rng: np.random.Generator | None = None,
) -> Floats:
    """Give every digit the same upright stance, the same size and the same centre.

    The slant is removed as by `deskew`, the ink's centre comes to the middle, and its rows spread
    by 5.6 pixels (standard deviation). Widths are brought half-way together: the aspect
    ratio becomes its square root, so that a one stays narrower than a zero [1]_.

    Parameters
    ----------
    images : array of shape (n, 784) or (n, 28, 28)
        Ink is bright, background is 0.
    distortion : Distortion, optional
        Makes copies as another writer might have written them; without it there is no chance.
    rng : Generator, optional
        What the distortion is drawn from; needed with it, and with it only.

    Returns
    -------
    array of float32 of the same shape

    Raises
    ------
    UsageError
        If only one of `distortion` and `rng` is given.

    References
    ----------
    .. [1] Liu, Nakashima, Sako and Fujisawa (2003). Handwritten digit recognition: benchmarking of
       state-of-the-art techniques. Pattern Recognition 36, 2271-2285.
    """
    if distortion is not None and rng is None:
        raise UsageError(
            "A distortion is drawn by chance, and needs a generator.\nGive one as rng, such as "
            "np.random.default_rng(0)."
        )
    if rng is not None and distortion is None:
        raise UsageError(
            "There is a generator and no distortion, so nothing would be drawn from it.\nGive a "
            "distortion as well, such as Distortion(), or leave rng out."
        )

    def source(pictures: Floats) -> tuple[Places, Places]:
        ink = moments(pictures)
        slant = ink.covariance / ink.row_variance
        height = np.sqrt(ink.row_variance)
        width = np.sqrt(np.maximum(ink.column_variance - slant * ink.covariance, 0.5))
        rows: Places = _rows - _MIDDLE
        columns: Places = _columns - _MIDDLE
        if distortion is not None and rng is not None:
            rows, columns = _distorted(rows, columns, len(pictures), distortion, rng)
        rows = rows * (height / SPREAD)
        aspect = np.sqrt(np.clip(width / height, 0.15, 1.2))
        columns = columns * (width / (SPREAD * aspect)) + slant * rows
        return rows + ink.row, columns + ink.column

    return _in_parts(source, images)


def _distorted(
    rows: Places, columns: Places, n: int, distortion: Distortion, rng: np.random.Generator
) -> tuple[Places, Places]:
    """Turn, stretch, shear, shift and bend the places to look at, for each of n pictures."""

    def draw(most: float) -> Floats:
        return rng.uniform(-most, most, (n, 1)).astype(np.float32)

    def displaced() -> Floats:
        heights = rng.normal(scale=distortion.bend, size=(n, len(_WAVE_FIELDS)))
        return draw(distortion.shift) + heights.astype(np.float32) @ _WAVE_FIELDS

    angle = np.deg2rad(draw(distortion.rotation))
    cos, sin = np.cos(angle), np.sin(angle)
    turned_rows = cos * rows + sin * columns
    turned_columns = cos * columns - sin * rows + draw(distortion.shear) * rows
    stretched = 1 + draw(distortion.scale), 1 + draw(distortion.scale)
    return stretched[0] * turned_rows + displaced(), stretched[1] * turned_columns + displaced()


def _wave_fields() -> Floats:
    """Return smooth fields of shape (n_waves, 784): products of cosines, the finer the lower."""
    along = np.pi * (np.arange(SIDE) + 0.5) / SIDE
    return np.array(
        [
            np.outer(np.cos(i * along), np.cos(j * along)).ravel() / (1 + 0.5 * (i + j))
            for i in range(_WAVES + 1)
            for j in range(_WAVES + 1)
            if 1 <= i + j <= _WAVES
        ],
        dtype=np.float32,
    )


_WAVE_FIELDS = _wave_fields()


def _in_parts(source: Callable[[Floats], tuple[Places, Places]], images: ArrayLike) -> Floats:
    """Resample pictures, a thousand at a time, at the rows and columns that `source` names."""
    images = np.asarray(images)
    warped = np.empty((len(images), SIDE * SIDE), dtype=np.float32)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pictures = images[part].reshape(-1, SIDE * SIDE).astype(np.float32)
        warped[part] = _resample(pictures, *source(pictures))
    return warped.reshape(images.shape)


def _resample(pictures: Floats, rows: Places, columns: Places) -> Floats:
    """Return the pictures' values, bilinear, at places of shape (n, 784); 0 lies outside."""
    n, side = len(pictures), SIDE + 2 * _MARGIN
    framed = np.zeros((n, side, side), dtype=np.float32)
    framed[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = pictures.reshape(n, SIDE, SIDE)
    flat = framed.reshape(-1)
    rows = np.clip(rows + np.float32(_MARGIN), 0, side - 1.001)
    columns = np.clip(columns + np.float32(_MARGIN), 0, side - 1.001)
    top, left = rows.astype(np.int32), columns.astype(np.int32)
    down, right = rows - top, columns - left
    corner = top * side + left + (np.arange(n, dtype=np.int32) * side**2)[:, None]
    upper, upper_right, lower, lower_right = (
        flat[corner + step] for step in (0, 1, side, side + 1)
    )
    upper += right * (upper_right - upper)
    lower += right * (lower_right - lower)
    return upper + down * (lower - upper)

"""What strokes look like from nearby: how much edge points each way, in each part of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnist_course.geometry import SIDE

DIRECTIONS = 12  # around the full circle: dark-to-light and light-to-dark are two directions
CELLS = 7  # along each axis
_BLUR = 2.0  # pixels: standard deviation of the window through which a cell sees its surroundings
_AT_ONCE = 500  # pictures; more take a gigabyte


def orientations(
    images: ArrayLike, *, directions: int = DIRECTIONS, cells: int = CELLS
) -> NDArray[np.float32]:
    """Return histograms of the gradient's direction, weighted by its size, in a grid of cells.

    The gradient (Sobel's) of each pixel is shared between the two directions next to it and,
    through Gaussian windows, among the cells around it. Square roots bring large and small
    values closer, and every picture's numbers end with length 1 [1]_.

    Parameters
    ----------
    images : array of shape (n, 784) or (n, 28, 28)
        Any scale of grey; it does not change the result.
    directions, cells : int, default=12 and 7

    Returns
    -------
    array of float32 of shape (n, directions * cells**2)
        Cells row by row within each direction; the first direction points right, the next ones
        follow clockwise. All are 0 for an even picture.

    References
    ----------
    .. [1] Liu, Nakashima, Sako and Fujisawa (2003). Handwritten digit recognition: benchmarking of
       state-of-the-art techniques. Pattern Recognition 36, 2271-2285. Square roots and soft
       shares as there; the twelve directions and the windows are ours.
    """
    images = np.asarray(images)
    window = _windows(cells)
    found = np.empty((len(images), directions * cells**2), dtype=np.float32)
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        maps = _direction_maps(images[part].reshape(-1, SIDE, SIDE), directions)
        n = len(maps)
        # Along columns for all rows at once, then along rows: two products of matrices.
        pooled = (maps.reshape(-1, SIDE) @ window.T).reshape(n * directions, SIDE, cells)
        pooled = np.sqrt(np.matmul(window, pooled)).reshape(n, -1)
        length = np.linalg.norm(pooled, axis=1, keepdims=True)
        found[part] = pooled / np.where(length == 0, 1, length)
    return found


def _direction_maps(pictures: NDArray, directions: int) -> NDArray[np.float32]:
    """Return the size of the gradient by direction: shape (n, directions, 784)."""
    n = len(pictures)
    padded = np.pad(pictures.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = padded[:, 2:] - padded[:, :-2]
    down = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    right = padded[:, :, 2:] - padded[:, :, :-2]
    right = right[:, :-2] + 2 * right[:, 1:-1] + right[:, 2:]
    down, right = down.reshape(-1), right.reshape(-1)
    edge = np.flatnonzero((down != 0) | (right != 0))  # two pixels of three are flat paper
    down, right = down[edge], right[edge]
    size = np.hypot(down, right)
    place = np.arctan2(down, right) * np.float32(directions / (2 * np.pi))
    before = np.floor(place).astype(np.int32)
    share = place - before
    picture, pixel = np.divmod(edge, SIDE * SIDE)
    maps = np.zeros((n, directions, SIDE * SIDE), dtype=np.float32)
    maps[picture, before % directions, pixel] = size * (1 - share)
    maps[picture, (before + 1) % directions, pixel] = size * share
    return maps


def _windows(cells: int) -> NDArray[np.float32]:
    """Return the weight of each pixel for each cell along an axis: shape (cells, 28)."""
    step = SIDE / cells
    centres = step * (np.arange(cells) + 0.5)
    # With 7 cells the windows are centred on pixels 2, 6, ...: half a cell from the border.
    distance = np.arange(SIDE) - np.floor(centres)[:, None]
    return np.exp(-0.5 * (distance / (_BLUR * step / 4)) ** 2).astype(np.float32)

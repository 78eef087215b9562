"""The pictures that recur in the course: digits in a grid, and a value for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mnist_course.geometry import SIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#BBBBBB"
"""Colours that stay apart for colour-blind readers (Okabe and Ito, 2008) and in print."""

_GAP = 3  # pixels of a digit
_LABEL_ROOM = 11  # pixels of a digit, above each picture that has a label
_INCHES = 0.85  # a picture's side in a figure made here


def digit_grid(
    images: ArrayLike,
    labels: Sequence[Any] | None = None,
    *,
    columns: int = 10,
    cmap: str = "binary",
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures of digits side by side, row by row.

    Parameters
    ----------
    images : array of shape (n, 784) or (n, 28, 28)
        0 to 255, the same grey scale for all.
    labels : sequence of length n, optional
        What to write above each picture.
    columns : int, default=10
        Pictures in a row.
    cmap : str, default="binary"
        Matplotlib colour map; ``"binary"`` puts dark ink on white paper.
    ax : Axes, optional
        Where to draw; a new figure of fitting size without it.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no picture, pictures have another size, or labels another number.

    Examples
    --------
    >>> from mnist_course import digit_grid, load_mnist
    >>> X, y = load_mnist("digits").train
    >>> ax = digit_grid(X[:5], y[:5], columns=5)
    """
    pictures = _as_pictures(images)
    if labels is not None and len(labels) != len(pictures):
        raise ValueError(f"There are {len(pictures)} pictures and {len(labels)} labels.")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    room = _GAP if labels is None else _LABEL_ROOM
    # One array for all pictures: a hundred artists would take a second to draw.
    canvas = np.full((rows * (SIDE + room), columns * (SIDE + _GAP) - _GAP), np.nan)
    corners = [
        (row * (SIDE + room) + room, column * (SIDE + _GAP))
        for row in range(rows)
        for column in range(columns)
    ]
    for (top, left), picture in zip(corners, pictures, strict=False):
        canvas[top : top + SIDE, left : left + SIDE] = picture
    if ax is None:
        from matplotlib import pyplot as plt

        height, width = (size / SIDE * _INCHES for size in canvas.shape)
        _, ax = plt.subplots(figsize=(width, height))
    ax.imshow(canvas, cmap=cmap, vmin=0, vmax=255, interpolation="nearest")
    ax.set_axis_off()
    for (top, left), label in zip(corners, labels if labels is not None else (), strict=False):
        ax.text(left + SIDE / 2, top - 2, str(label), ha="center", va="bottom", fontsize=9)
    return ax


def pixel_map(
    values: ArrayLike,
    *,
    label: str | None = None,
    cmap: str = "viridis",
    ax: Axes | None = None,
    **imshow: Any,
) -> AxesImage:
    """Draw one value for each of the 784 pixels as a picture.

    Parameters
    ----------
    values : array of shape (784,) or (28, 28)
    label : str, optional
        Name and unit of the values; without it there is no colour bar.
    cmap : str, default="viridis"
    ax : Axes, optional
        Where to draw; a new figure without it.
    **imshow
        Further arguments of `matplotlib.axes.Axes.imshow`, such as ``vmin`` and ``vmax``.

    Returns
    -------
    AxesImage

    Raises
    ------
    ValueError
        If there are not 784 values.
    """
    (picture,) = _as_pictures(np.asarray(values).reshape(1, -1))
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(3.2, 3.2))
    image = ax.imshow(picture, cmap=cmap, interpolation="nearest", **imshow)
    ax.set_xticks([])
    ax.set_yticks([])
    if label is not None:
        ax.figure.colorbar(image, ax=ax, label=label, fraction=0.046, pad=0.04)
    return image


def _as_pictures(images: ArrayLike) -> np.ndarray:
    pictures = np.asarray(images)
    if pictures.ndim not in (2, 3) or len(pictures) == 0 or pictures[0].size != SIDE * SIDE:
        raise ValueError(
            f"Pictures should come as an array of shape (n, 784) or (n, 28, 28) with at least "
            f"one of them; this one has shape {pictures.shape}."
        )
    return pictures.reshape(-1, SIDE, SIDE)

"""The pictures that recur in the course: digits in a grid, and a value for each pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from mnist_course.errors import UsageError
from mnist_course.geometry import SIDE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

# Colours that stay apart for colour-blind readers (Okabe and Ito, 2008) and in print.
BLUE, ORANGE, GREEN, AMBER = "#0072B2", "#D55E00", "#009E73", "#E69F00"
GREY = "#BBBBBB"

_GAP = 3  # pixels of a digit
_LABEL_ROOM = 11  # pixels of a digit, above each picture that has a label
_INCHES = 1.3  # a picture's side in a figure made here
_POINTS = 14  # of labels there; a wide figure is shown at two thirds of its size
_CURVE_POINTS = 2000


def digit_grid(
    images: ArrayLike,
    labels: Sequence[Any] | None = None,
    *,
    columns: int = 10,
    colours: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures of digits side by side, row by row.

    Parameters
    ----------
    images : array of shape (n, 784) or (n, 28, 28)
        0 to 255, drawn as dark ink on white paper, the same grey scale for all.
    labels : sequence of length n, optional
        What to write above each picture.
    columns : int, default=10
        Pictures in a row.
    colours : sequence of length n, optional
        Of the labels, such as orange for wrong answers; black without it.
    ax : Axes, optional
        Where to draw; a new figure of fitting size without it.

    Returns
    -------
    Axes

    Examples
    --------
    >>> from mnist_course import load_mnist
    >>> X, y = load_mnist("digits").train
    >>> ax = digit_grid(X[:5], y[:5], columns=5)
    """
    pictures = _as_pictures(images)
    image = _draw_tiles(pictures, labels, columns, ax, cmap="binary", vmin=0, vmax=255)
    for text, colour in zip(image.axes.texts, colours or (), strict=bool(colours)):
        text.set_color(colour)
    return image.axes


def weight_grid(
    weights: ArrayLike,
    labels: Sequence[Any] | None = None,
    *,
    columns: int = 5,
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights that a linear model gives to the pixels, one picture for each class.

    Zero is drawn white, and all pictures share one scale, shown by a colour bar. It ends where one
    weight in a hundred lies beyond, since a single extreme pixel would make all others pale.

    Parameters
    ----------
    weights : array of shape (n_classes, 784) or (n_classes, 28, 28)
        Such as ``model.coef_``.
    labels : sequence of length n_classes, optional
    columns : int, default=5
    ax : Axes, optional
        All three as for `digit_grid`.

    Returns
    -------
    Axes
    """
    pictures = _as_pictures(weights)
    limit = np.quantile(np.abs(pictures), 0.99) or np.abs(pictures).max() or 1.0
    image = _draw_tiles(pictures, labels, columns, ax, cmap="RdBu_r", vmin=-limit, vmax=limit)
    image.axes.figure.colorbar(
        image, ax=image.axes, label="weight", fraction=0.03, pad=0.02, extend="both"
    )
    return image.axes


def threshold_curve(
    y_true: ArrayLike,
    scores: ArrayLike,
    *,
    threshold: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw precision and recall over the threshold.

    Parameters
    ----------
    y_true : array of bool of shape (n,)
        Which samples are positive, and some should be.
    scores : array of shape (n,)
        Decision scores or probabilities; samples at or above the threshold are called positive.
    threshold : float, optional
        Marked with a line and two dots; above all scores precision is not defined and has none.
    ax : Axes, optional
        Where to draw; a new figure without it.

    Returns
    -------
    Axes
    """
    from sklearn.metrics import precision_recall_curve

    y_true, scores = np.asarray(y_true), np.asarray(scores, dtype=float)
    if y_true.dtype.kind not in "bui" or not np.isin(y_true, [0, 1]).all() or not y_true.any():
        raise UsageError(
            "Nothing says which samples are positive: y_true holds something else than True and "
            "False, or no True.\nGive truth values of which some are True, such as y == 5."
        )
    precision, recall, thresholds = precision_recall_curve(y_true, scores)
    if ax is None:
        from matplotlib import pyplot as plt

        _, ax = plt.subplots(figsize=(7, 3.4))
    # A few thousand points are drawn as fast as a finger moves a slider; all 60,000 are not.
    step = slice(None, None, max(1, len(thresholds) // _CURVE_POINTS))
    ax.plot(thresholds[step], precision[:-1][step], color=BLUE, label="precision")
    ax.plot(thresholds[step], recall[:-1][step], color=ORANGE, linestyle="--", label="recall")
    if threshold is not None:
        ax.axvline(threshold, color="black", linewidth=0.8, linestyle=":")
        at = np.searchsorted(thresholds, threshold)
        # Above the highest score nothing is found, and nothing is called positive to be precise.
        precise = precision[at] if at < len(thresholds) else np.nan
        ax.plot([threshold] * 2, [precise, recall[at]], "ko", markersize=5)
    ax.set(xlabel="threshold", ylabel="precision, recall", ylim=(0, 1.02))
    ax.legend(loc="center left")
    return ax


def pixel_map(
    values: ArrayLike,
    *,
    label: str | None = None,
    cmap: str = "viridis",
    ax: Axes | None = None,
    **imshow: Any,
) -> Axes:
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
    Axes
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
    return ax


def _draw_tiles(
    pictures: np.ndarray,
    labels: Sequence[Any] | None,
    columns: int,
    ax: Axes | None,
    **imshow: Any,
) -> AxesImage:
    if labels is not None and len(labels) != len(pictures):
        raise UsageError(
            f"There are {len(pictures)} pictures and {len(labels)} labels.\n"
            f"Give one label for each picture, such as y[:{len(pictures)}], or none."
        )
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
    points = 9 if ax else _POINTS
    if ax is None:
        from matplotlib import pyplot as plt

        height, width = (size / SIDE * _INCHES for size in canvas.shape)
        ax = plt.figure(figsize=(width, height)).add_axes((0, 0, 1, 1))
    image = ax.imshow(canvas, interpolation="nearest", **imshow)
    ax.set_axis_off()
    for (top, left), label in zip(corners, labels if labels is not None else (), strict=False):
        ax.text(left + SIDE / 2, top - 2, str(label), ha="center", va="bottom", fontsize=points)
    return image


def _as_pictures(images: ArrayLike) -> np.ndarray:
    pictures = np.asarray(images)
    if pictures.ndim not in (2, 3) or len(pictures) == 0 or pictures[0].size != SIDE * SIDE:
        raise UsageError(
            f"Pictures should come as an array of shape (n, 784) or (n, 28, 28) with at least "
            f"one of them; this one has shape {pictures.shape}.\nA single picture comes into form "
            f"with reshape(1, {SIDE * SIDE})."
        )
    return pictures.reshape(-1, SIDE, SIDE)

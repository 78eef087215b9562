"""Which strokes make one digit, and in which order digits are read.

A digit may come in pieces: the bar of a 5, a stroke that the pen skipped. Pieces belong together
if their boxes nearly touch and lie above one another or overlap; two full digits side by side
never do. Distances are measured in heights of a digit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_STROKE = 0.1  # ink of at least this strength holds a piece together
_SMALL = 0.5  # heights: what is lower is a piece of a digit, not one
_DIRT = 0.4  # heights: and what remains alone and is smaller than this is no digit


def find_digits(ink: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Cut the digits out of a page of ink, in the order of reading.

    Parameters
    ----------
    ink : array of shape (height, width), float32

    Returns
    -------
    list of arrays, float32
        The ink of one digit each, with nothing of its neighbours; line by line from left to
        right, on a page that is turned by a few degrees as well. Empty if there is no ink.
    """
    from scipy import ndimage

    labels, n = ndimage.label(ink > _STROKE, structure=np.ones((3, 3)))
    if n == 0:
        return []
    found = ndimage.find_objects(labels)
    boxes = np.array([[(s.start, s.stop) for s in box] for box in found], dtype=np.float64)
    group = _group(boxes)
    digits = np.array([_around(boxes[group == g]) for g in range(group.max() + 1)])
    size = (digits[:, :, 1] - digits[:, :, 0]).max(axis=1)
    keep = np.flatnonzero(size > _DIRT * _height(digits))
    order = keep[_reading_order(digits[keep])]
    member = np.concatenate([[-1], group])
    return [_cut(ink, labels, member == g, digits[g]) for g in order]


def _cut(
    ink: NDArray[np.float32], labels: NDArray[np.int32], own: NDArray[np.bool_], box: NDArray
) -> NDArray[np.float32]:
    """Return the ink of some labels, with their soft edge but without that of others."""
    from scipy import ndimage

    window = tuple(slice(max(0, int(start) - 2), int(stop) + 2) for start, stop in box)
    mine = ndimage.binary_dilation(own[labels[window]], iterations=2)
    return np.where(mine & (own[labels[window]] | (labels[window] == 0)), ink[window], 0)


def _around(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the box around boxes of shape (n, 2, 2): rows and columns, from and to."""
    return np.stack([boxes[:, :, 0].min(axis=0), boxes[:, :, 1].max(axis=0)], axis=1)


def _height(boxes: NDArray[np.float64]) -> float:
    """Return the height of a typical digit: the median without the pieces."""
    heights = boxes[:, 0, 1] - boxes[:, 0, 0]
    return float(np.median(heights[heights >= _SMALL * heights.max()]))


def _group(boxes: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the number of its digit for each of n pieces."""
    from scipy.sparse.csgraph import connected_components

    unit = _height(boxes)
    start, stop = boxes[:, :, 0], boxes[:, :, 1]
    size = stop - start
    # Of each pair, in rows and in columns: the gap between the two, negative where they overlap.
    gap = np.maximum(start[:, None], start) - np.minimum(stop[:, None], stop)
    overlap = -gap[:, :, 1] / np.minimum(size[:, None, 1], size[:, 1])
    stacked = (overlap > 0.5) & (gap[:, :, 0] < 0.35 * unit)
    tall = size[:, 0] > 0.8 * unit
    crossed = (overlap > np.where(tall[:, None] & tall, 0.5, 0.25)) & (gap[:, :, 0] < 0)
    # Broken strokes: end to end, or one above the other; two tall ones side by side are digits.
    side_by_side = tall[:, None] & tall & (gap[:, :, 0] < -0.2 * unit)
    broken = (gap.max(axis=2) < 0.1 * unit) & ~side_by_side
    small = size[:, 0] < _SMALL * unit
    distance = np.maximum(gap.max(axis=2), 0) + np.where(small, unit, 0)  # to a digit, rather
    np.fill_diagonal(distance, np.inf)
    nearest = np.zeros_like(stacked)
    nearest[np.arange(len(boxes)), distance.argmin(axis=1)] = small & (
        distance.min(axis=1) < 0.4 * unit
    )
    return connected_components(stacked | crossed | broken | nearest, directed=False)[1]


def _reading_order(boxes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order in which n boxes are read, line by line."""
    rows, columns = boxes.mean(axis=2).T
    unit = _height(boxes)
    rows = rows - _skew(rows, columns, unit) * columns
    line = np.zeros(len(boxes), dtype=int)
    current: list[float] = []
    for i in np.argsort(rows):
        if current and rows[i] - np.mean(current) > 0.6 * unit:
            current = []
            line[rows >= rows[i]] += 1
        current.append(rows[i])
    return np.lexsort((columns, line))


def _skew(rows: NDArray[np.float64], columns: NDArray[np.float64], unit: float) -> float:
    """Return how far lines fall from left to right: the median over pairs of neighbours."""
    across, down = columns - columns[:, None], rows - rows[:, None]
    ahead = np.where((across > 0.3 * unit) & (np.abs(down) < 0.7 * unit), across, np.inf)
    first, second = np.arange(len(rows)), ahead.argmin(axis=1)
    is_pair = np.isfinite(ahead[first, second])
    if not is_pair.any():
        return 0.0
    first, second = first[is_pair], second[is_pair]
    return float(np.median(down[first, second] / across[first, second]))

"""From ink to MNIST's form: strokes as wide as MNIST's, in its box, centred by mass.

MNIST was written with one kind of pen and scaled to 20 pixels, where strokes measure 2.6 pixels
(the median of 600 training rows). A fine pencil or a mouse leaves a third of that, and a model
that has never seen it goes astray. Ink is float32 of shape (height, width), 0 to 1; pictures in
MNIST's form are uint8 and bright where ink is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mnist_course.geometry import BOX, SIDE, centre_by_mass, crop, fit_box

STROKE = 2.6  # pixels in the box of 20
_KEPT = 0.7, 1.6  # times STROKE: what MNIST's own writers differ by
_FINE = 8  # parts of a pixel, in which outlines are moved
LEGIBLE = 0.25  # ink below is the soft edge of a stroke, or dirt


def has_form(ink: NDArray[np.float32]) -> bool:
    """Tell whether ink is in MNIST's form already: size, box, centre and stroke width."""
    image = _to_bytes(ink)
    if image.shape != (SIDE, SIDE) or not image.any():
        return False
    cropped = crop(image)
    if max(cropped.shape) != BOX or not np.array_equal(centre_by_mass(cropped), image):
        return False
    return 0.5 * STROKE < stroke_width(crop_ink(ink, least=0)) < 3 * STROKE


def crop_ink(ink: NDArray[np.float32], *, least: float = LEGIBLE) -> NDArray[np.float32]:
    """Cut away rows and columns around the digit that have no ink above `least`."""
    rows, columns = np.nonzero(ink > least)
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def stroke_width(ink: NDArray[np.float32]) -> float:
    """Return the width of the strokes, in pixels of the box of 20.

    Across a straight stroke, the distance to its edge is a quarter of its width on average.
    """
    from scipy import ndimage

    inside = _magnify(ink) > 0.5
    return 4 * float(ndimage.distance_transform_edt(inside)[inside].mean()) / _FINE


def mend_width(ink: NDArray[np.float32], *, to: float = STROKE) -> NDArray[np.float32]:
    """Move outlines until strokes are `to` pixels wide in the box of 20, unless they nearly are.

    Parameters
    ----------
    ink : array of shape (height, width), float32
        One digit, cropped.
    to : float, default=2.6

    Returns
    -------
    array of another shape, float32
        The digit with new outlines, 8 times as large as the box and cropped; `ink` itself if its
        width is between 0.7 and 1.6 of `to`.
    """
    from scipy import ndimage

    width = stroke_width(ink)
    if _KEPT[0] * to <= width <= _KEPT[1] * to:
        return ink
    fine = _magnify(ink, margin=2 * _FINE * to)
    inside = fine > 0.5
    # What is added on both sides makes the whole larger too, and is scaled down with it.
    move = (to - width) * BOX / (BOX - to) / 2
    move = max(move, -0.3 * width)  # thinned further, the finest parts of a stroke would break
    outside = ndimage.distance_transform_edt(~inside)
    signed = np.where(inside, ndimage.distance_transform_edt(inside), 1 - outside) - 0.5
    return crop_ink(np.clip(signed + _FINE * move + 0.5, 0, 1).astype(np.float32))


def to_box(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale ink so that its longer side measures 20 pixels."""
    return fit_box(_to_bytes(ink))


def centre(box: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Place what is in the box on 28 × 28 pixels by the middle of the box, not by its mass."""
    square = np.zeros((SIDE, SIDE), dtype=np.uint8)
    top, left = ((SIDE - side) // 2 for side in box.shape)
    square[top : top + box.shape[0], left : left + box.shape[1]] = box
    return square


def _to_bytes(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(255 * np.minimum(ink, 1)).astype(np.uint8)


def _magnify(ink: NDArray[np.float32], margin: float = _FINE) -> NDArray[np.float32]:
    """Scale ink so that its longer side is 8 times that of the box, with a margin around."""
    from PIL import Image
    from scipy import ndimage

    scale = _FINE * BOX / max(ink.shape)
    if scale <= 0.5:  # a hair-thin line would fade away in the mean of the pixels around it
        ink = ndimage.maximum_filter(ink, int(1 / scale))
    edge = max(1, int(np.ceil(margin / scale)))
    ink = np.pad(ink, edge)
    size = tuple(max(1, round(side * scale)) for side in ink.shape[::-1])
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))

"""From greys to ink: what on a picture was written, and what is paper, shadow, line or dirt.

Light on paper multiplies: where half as much falls, paper and ink both send back half. So ink is
told by its contrast to the paper around it, never by a grey of its own. What the paper would look
like without ink is a median over a wide window, which keeps the edge of a shadow or a table, and
then a mean over what is not ink.

Contrast and ink are float32 arrays of shape (height, width): 0 is paper, 1 is full ink.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FAINTEST = 0.05  # contrast below is paper, however quiet the picture: JPEG and cameras add some
_QUIET = 4.0  # standard deviations of the paper's own contrast that are no ink
_SMALL = 100  # pixels: smaller pictures have neither ruled lines nor dirt to tell from a stroke
_WINDOWS = 0.1, 0.35  # sides of the picture: wider than the strokes of a pen, and of a marker
_EIGHT = np.ones((3, 3), dtype=bool)  # pixels that touch by a corner belong together


def find_contrast(
    grey: NDArray[np.uint8], *, polarity: bool = True
) -> tuple[NDArray[np.float32], float]:
    """Compare each pixel with the paper around it.

    Parameters
    ----------
    grey : array of shape (height, width), uint8
    polarity : bool, default=True
        Look whether ink is darker or lighter than paper; without it, ink is darker.

    Returns
    -------
    contrast : array of shape (height, width), float32
    noise : float
        The standard deviation of the paper's own contrast.
    """
    level = _plain_paper(grey)
    if level is not None:  # drawn by program: each grey is meant, and nothing is smoothed
        difference = (level - grey.astype(np.float32)) / 255
        largest = np.abs(difference).max()
        # Ink of MNIST is 255 more or less, and is left as it is.
        difference /= largest if 0 < largest < 0.75 else 1
        lighter = polarity and float((difference * difference * difference).sum()) < 0
    else:
        smooth = _without_table(_smooth(grey))
        lighter = polarity and _ink_is_lighter(smooth)
        paper = _paper(smooth, lighter)
        # Not by the paper alone: in the dark its noise would look like ink.
        difference = (paper - smooth) / np.maximum(paper, 0.4 * paper.max())
    if lighter:
        difference = -difference
    # What differs from paper the wrong way is no ink: it tells how much paper differs.
    wrong = -difference[difference < 0][::7]
    noise = 1.4826 * float(np.median(wrong)) if level is None and wrong.size else 0.0
    return np.maximum(difference, 0), noise


def find_ink(
    contrast: NDArray[np.float32], noise: float = 0.0, *, lines: bool = True
) -> NDArray[np.float32]:
    """Keep what was written; without `lines`, those of ruled or squared paper stay.

    Each connected stroke is measured by its own darkest parts, so that a faint pencil beside the
    dark edge of a table is not lost. All zero where there is no ink.
    """
    from scipy import ndimage

    least = max(_FAINTEST, _QUIET * noise)
    large = max(contrast.shape) >= _SMALL
    if lines and large:
        contrast = _without_rows(contrast, least)
        contrast = _without_rows(contrast.T, least).T
    labels, n = ndimage.label(contrast > least, structure=_EIGHT)
    if n == 0:
        return np.zeros_like(contrast)
    full = _full_ink(contrast, labels, n)
    full = np.where(full > 1.6 * least, full, np.inf)[labels]
    if large:  # once more: what is much fainter than the ink that it touches has fallen away
        labels, n = ndimage.label(contrast > 0.45 * full, structure=_EIGHT)
        full = np.where(_is_stroke(labels, _full_ink(contrast, labels, n)), full, 0)
        # Its soft edge belongs to a stroke.
        full = ndimage.maximum_filter(full, 5)
        full = np.where(full > 0, full, np.inf)
    return np.clip(3 * contrast / full - 1, 0, 1).astype(np.float32)


def _plain_paper(grey: NDArray[np.uint8]) -> int | None:
    """Return the one grey of paper that a program painted; None for a photograph."""
    edge = _edge(grey)
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    # A thick digit may fill most of a small picture, but hardly of its edge; a frame the reverse.
    level = int((share + 0.5 * np.bincount(edge, minlength=256) / edge.size).argmax())
    away = np.abs(grey.astype(np.int16) - level)
    between = np.mean((away > 3) & (away < 0.3 * away.max()))
    plain = share[level] > 0.35 and np.mean(away <= 3) > 0.5 and between < 0.12
    return level if plain else None


def _edge(values: NDArray) -> NDArray:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _smooth(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    from scipy import ndimage

    return ndimage.gaussian_filter(grey.astype(np.float32), max(grey.shape) / 1200)


def _without_table(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Continue a light sheet over the darker table around it, if that is what the picture shows."""
    from scipy import ndimage

    small = _resize(grey, 160)
    light = small > np.percentile(small, [5, 95]).mean()
    labels, _ = ndimage.label(light)
    light = labels == np.bincount(labels.ravel())[1:].argmax() + 1 if light.any() else light
    sheet = ndimage.binary_fill_holes(light)
    inner = ndimage.binary_erosion(sheet, _EIGHT, iterations=5)
    # A picture half in the shade is lit along one side; and a white digit has no ink within.
    if not (inner.mean() > 0.2 and _edge(sheet).mean() < 0.25 and light[sheet].mean() > 0.75):
        return grey
    beyond = ndimage.binary_dilation(sheet, _EIGHT, iterations=3) & ~sheet
    paper = np.median(small[sheet & ~inner])
    if np.median(small[beyond]) > 0.7 * paper or small[inner].min() > 0.9 * paper:
        return grey  # light that fades is a lamp's
    row, column = ndimage.distance_transform_edt(~inner, return_indices=True)[1]
    outside = ndimage.gaussian_filter(small[row, column], 2)
    weight = _to_shape(inner.astype(np.float32), grey.shape)
    return np.where(weight > 0.5, grey, _to_shape(outside, grey.shape))


def _ink_is_lighter(grey: NDArray[np.float32]) -> bool:
    """Compare with the median of more than half the picture, which even thick ink hardly fills."""
    from scipy import ndimage

    rough = _resize(grey, 40)
    rough = ndimage.median_filter(rough, max(3, 2 * max(rough.shape) // 3), mode="nearest")
    small = _resize(grey, 320)
    difference = small - _to_shape(rough, small.shape)
    # Cubed: few strong pixels, which are ink, outweigh many faint ones.
    return float((difference**3).sum()) > 0


def _paper(grey: NDArray[np.float32], lighter: bool) -> NDArray[np.float32]:
    """Estimate the picture without its ink, at every pixel."""
    from scipy import ndimage

    small = _resize(grey, 120)
    calm = ndimage.median_filter(small, 3)
    # Closing fills what is dark and narrower than its window.
    fill = ndimage.grey_opening if lighter else ndimage.grey_closing
    rough, wide = (
        fill(calm, max(3, round(max(small.shape) * share)), mode="nearest") for share in _WINDOWS
    )
    # What only the wide one fills is a thick stroke, or a corner in the shade: that is at the
    # picture's edge, and not as dark as ink.
    step = np.abs(wide - rough) / np.maximum(np.maximum(wide, rough), 0.4 * wide.max())
    labels, _ = ndimage.label(step > 0.12, structure=_EIGHT)
    at_edge = np.isin(labels, _edge(labels))
    rough = np.where((step > 0.5) | ~at_edge, wide, rough)
    away = np.abs(small - rough)
    is_ink = away > max(4 * np.median(away), 0.3 * np.percentile(away, 99), 3)
    filled = np.where(ndimage.maximum_filter(is_ink, 3), rough, small)
    paper = ndimage.median_filter(filled, max(3, max(small.shape) // 12), mode="nearest")
    return np.maximum(_to_shape(paper, grey.shape), 1)


def _resize(values: NDArray[np.float32], longest: int) -> NDArray[np.float32]:
    scale = min(1, longest / max(values.shape))
    return _to_shape(values, tuple(max(1, round(side * scale)) for side in values.shape))


def _to_shape(values: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    height, width = shape
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))


def _full_ink(contrast: NDArray, labels: NDArray, n: int) -> NDArray[np.float64]:
    """Return the contrast of full ink of each component, by its label: its mean, by contrast²."""
    square = contrast * contrast
    squares = np.bincount(labels.ravel(), square.ravel(), n + 1)
    cubes = np.bincount(labels.ravel(), (square * contrast).ravel(), n + 1)
    full = cubes / np.maximum(squares, 1e-12)
    full[0] = 0
    return full


def _is_stroke(labels: NDArray, full: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell strokes from frames, table edges, remains of shadows and specks, at each pixel."""
    from scipy import ndimage

    n = len(full) - 1
    if n == 0:
        return np.zeros(labels.shape, dtype=bool)
    height, width = labels.shape
    boxes = np.array([[s.start, s.stop] for box in ndimage.find_objects(labels) for s in box])
    top, bottom, left, right = boxes.reshape(n, 4).T
    size = np.maximum(bottom - top, right - left)
    area = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    full = full[1:]
    margin = max(height, width) // 100
    touches = (np.minimum(top, left) <= margin) | (bottom >= height - margin)
    touches |= right >= width - margin
    tall, wide = bottom - top, right - left
    long = (tall > 0.5 * height) | (wide > 0.5 * width)
    # A drawn frame: all of it is nearer to the edges of its own box than a round 0 is.
    rows, columns = np.nonzero(labels)
    label = labels[rows, columns] - 1
    down = (rows - top[label]) / tall[label]
    across = (columns - left[label]) / wide[label]
    near_edge = np.minimum(np.minimum(down, 1 - down), np.minimum(across, 1 - across)) < 0.1
    frame = (tall > 0.5 * height) & (wide > 0.5 * width)
    frame &= np.bincount(label, near_edge, n) > 0.9 * area
    # What is left of a table or a shadow has little body, or fills a strip along the edge.
    thin = np.minimum(tall, wide) < 0.06 * max(height, width)
    frame |= (
        touches & long & (thin | (area < 0.03 * tall * wide) | (size > 0.9 * max(height, width)))
    )
    written = ~frame & (full > 0.3 * full.max())
    if not (written & (size > 0.08 * max(height, width))).any():
        written = np.ones(n, dtype=bool)  # a digit that fills the picture, and no frame
    main = np.argmax(written * full * area * np.where(touches, 0.2, 1))
    written &= full > 0.45 * full[main]
    written &= (size > 0.15 * size[written].max()) | (area > 0.05 * area[written].max())
    return np.concatenate([[False], written])[labels]


def _without_rows(contrast: NDArray[np.float32], least: float) -> NDArray[np.float32]:
    """Take away long thin lines that run from left to right, and leave what crosses them."""
    from scipy import ndimage

    height, width = contrast.shape
    rows, columns = np.indices((height, width), sparse=True)
    shift = np.rint(_slope(contrast, least) * (columns - width / 2)).astype(int)
    level = contrast[np.clip(rows + shift, 0, height - 1), columns]
    dark = level > least
    reach = 3 + 2 * (height // 400)  # rows: paper bends, and a camera is never quite square to it
    near = ndimage.maximum_filter1d(dark, reach, axis=0)
    window = max(3, width // 2)
    filled = ndimage.uniform_filter1d(near.astype(np.float32), window, axis=1, mode="nearest")
    long = ndimage.maximum_filter1d(filled > 0.8, window, axis=1) & dark
    found, _ = ndimage.label(ndimage.maximum_filter1d(long, reach, axis=0), structure=_EIGHT)
    spans = np.array([box[1].stop - box[1].start for box in ndimage.find_objects(found)])
    # The bar of a 7 is a long thin line too, but is as dark as the rest, reaches no edge, and
    # has no fellows.
    is_line = spans > 0.4 * width
    faint = long.any() and np.median(level[long]) < 0.6 * np.percentile(level, 99.7)
    if not faint and is_line.sum() < 4:
        is_line = spans > 0.9 * width
    long &= np.concatenate([[False], is_line])[found]
    if not long.any():
        return contrast
    runs, _ = ndimage.label(dark, structure=[[0, 1, 0]] * 3)
    run = np.bincount(runs.ravel())[runs]
    thickness = np.median(run[long])
    if thickness > max(4, 0.025 * max(height, width)):
        return contrast
    thin = (run <= 1.8 * thickness + 1) & (level < 1.7 * np.median(level[long]))
    level = np.where(long & thin, 0, level)
    return level[np.clip(rows - shift, 0, height - 1), columns]


def _slope(contrast: NDArray[np.float32], least: float) -> float:
    """Return rows per column by which lines rise or fall: there the sums of rows vary most."""
    small = _resize(np.minimum(contrast, 3 * least), 200)
    height, width = small.shape
    rows, columns = np.indices((height, width), sparse=True)
    slopes = np.linspace(-0.1, 0.1, 33)
    shifts = [np.rint(slope * (columns - width / 2)).astype(int) for slope in slopes]
    sums = [small[np.clip(rows + shift, 0, height - 1), columns].sum(axis=1) for shift in shifts]
    return float(slopes[np.argmax([(np.diff(profile) ** 2).sum() for profile in sums])])

"""Pictures of handwriting made by program, from digits in MNIST's form: none is a photograph.

They have what photographs and scans of handwriting have (another pen, uneven light, a shadow,
grain, lines, a tilt, JPEG), and their content is known, so that reading can be tested where nobody
has written and labelled a page. Whatever reads these has still to prove itself on real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from mnist_course.errors import UsageError
from mnist_course.geometry import crop

_FINE = 10  # pixels of a drawn outline for each pixel of MNIST


@dataclass(frozen=True)
class Kind:
    """What a pen, its paper and a camera do; pairs are ranges from which one value is drawn."""

    pen: tuple[float, float] | None  # stroke width in pixels of MNIST's box; None: as it was
    ink: tuple[tuple[int, int, int], ...]  # colours, of which one is taken
    paper: tuple[tuple[int, int, int], ...]
    size: tuple[float, float] = (0.2, 0.6)  # of the digit, in sides of the picture
    side: tuple[int, int] = (400, 900)  # pixels of the picture
    cover: float = 1.0  # of the ink; a pencil leaves valleys of the paper white
    ruled: tuple[bool, bool] = (False, False)  # lines across, and down
    shade: float = 0.0  # how much light may fall off over the picture, and into a shadow
    grain: float = 0.0  # of paper and camera, in greys
    tilt: float = 0.0  # degrees
    quality: int | None = None  # of JPEG


_WHITE = (250, 249, 246), (238, 236, 228), (226, 226, 224)
_PENS = (25, 25, 30), (30, 45, 130), (20, 60, 160), (150, 30, 35)
KINDS = {
    "pencil": Kind(
        (0.6, 1.6), ((95, 95, 98), (125, 124, 125)), _WHITE, cover=0.7, shade=0.4, grain=4, tilt=8,
        quality=75,
    ),
    "ballpoint": Kind(
        (0.5, 1.2), _PENS, (*_WHITE, (240, 226, 130), (190, 215, 235)), shade=0.5, grain=4, tilt=8,
        quality=70,
    ),
    "felt pen on lined paper": Kind(
        (2.0, 4.0), _PENS, _WHITE, ruled=(True, False), shade=0.4, grain=3, tilt=3, quality=80
    ),
    "squared paper": Kind(
        (1.0, 2.2), _PENS, _WHITE, ruled=(True, True), shade=0.4, grain=3, tilt=3, quality=80
    ),
    "marker": Kind(
        (4.0, 6.0), _PENS, (*_WHITE, (240, 226, 130)), (0.4, 0.85), shade=0.5, grain=4, tilt=8,
        quality=70,
    ),
    "chalk on a blackboard": Kind(
        (1.5, 3.0), ((225, 225, 215), (235, 220, 150)), ((45, 62, 52), (40, 42, 46)), cover=0.85,
        shade=0.4, grain=5, tilt=5, quality=75,
    ),
    "scan": Kind(None, _PENS, _WHITE[:2], (0.1, 0.8), grain=1.5, tilt=3),
    "mouse": Kind(
        (0.6, 2.5), ((0, 0, 0), (220, 20, 20)), ((255, 255, 255),), (0.3, 0.9), (200, 400)
    ),
    "bitmap": Kind((1.0, 1.0), ((0, 0, 0),), ((255, 255, 255),), (0.5, 0.95), (28, 28)),
}  # fmt: skip


def simulate_picture(image: NDArray[np.uint8], rng: Generator, kind: str) -> NDArray[np.uint8]:
    """Make a picture of one digit, as if somebody had written it anew.

    Parameters
    ----------
    image : array of shape (28, 28) or (784,), uint8
        A digit in MNIST's form.
    rng : numpy.random.Generator
        Where chance comes from: the same generator, the same picture.
    kind : one of KINDS
        UsageError otherwise.

    Returns
    -------
    array of shape (height, width, 3), uint8
        In colour; a bitmap, of shape (28, 28), has ink 255 on 0.
    """
    return simulate_page([image], rng, kind, columns=1)


def simulate_page(
    images: Sequence[NDArray[np.uint8]], rng: Generator, kind: str, columns: int = 5
) -> NDArray[np.uint8]:
    """Make one picture with digits in rows of `columns`, each a little off its place.

    Parameters
    ----------
    images : sequence of arrays of shape (28, 28) or (784,), uint8
        Digits in MNIST's form, row by row.
    rng : numpy.random.Generator
        Where chance comes from: the same generator, the same page.
    kind : one of KINDS
        Pen, paper and camera; a ``"bitmap"`` has room for one digit.
    columns : int, default=5
        Digits in a row; 1 is for a single digit, which lies anywhere on the picture.

    Returns
    -------
    array of shape (height, width, 3), uint8
        In colour; a bitmap, of shape (28, 28), has ink 255 on 0.

    Raises
    ------
    UsageError
        If there is no such kind, or a bitmap is asked for of more digits than one, or of none.
    """
    if kind not in KINDS:
        raise UsageError(f"There is no kind {kind!r}.\nIt is one of {', '.join(KINDS)}.")
    chosen = KINDS[kind]
    if chosen.side == (28, 28):
        if len(images) != 1:
            raise UsageError(
                f"A bitmap has room for one digit, and {len(images)} were given.\nTake another "
                f"kind for a page, such as 'scan', or make a bitmap of each digit by itself."
            )
        return _bitmap(images[0], rng, chosen)
    width = rng.uniform(*chosen.pen) if chosen.pen else None
    outlines = [_rewrite(np.asarray(image).reshape(28, 28), width) for image in images]
    side = int(rng.integers(*chosen.side, endpoint=True))
    if columns == 1:
        height, cell = int(side * rng.uniform(0.7, 1.0)), side
        digit = rng.uniform(*chosen.size) * height
    else:
        cell = side // 4
        height, side = -(-len(images) // columns) * cell + cell // 2, columns * cell + cell // 2
        digit = rng.uniform(0.45, 0.6) * cell
    ink = np.zeros((height, side))
    for i, outline in enumerate(outlines):
        drawn = _turn_and_scale(outline, rng, chosen.tilt / 2, digit)
        room = np.array(ink.shape) - drawn.shape
        if columns == 1:
            place = rng.uniform(0.02, 0.98, 2) * room
        else:
            middle = (np.array(divmod(i, columns)) + 0.75) * cell
            place = middle - np.array(drawn.shape) / 2 + rng.uniform(-0.08, 0.08, 2) * cell
        top, left = np.clip(place, 0, np.maximum(room, 0)).astype(int)
        window = ink[top : top + drawn.shape[0], left : left + drawn.shape[1]]
        np.maximum(window, drawn[: window.shape[0], : window.shape[1]], out=window)
    return _photograph(ink, rng, chosen, spacing=digit * rng.uniform(0.5, 1.4))


def _rewrite(image: NDArray[np.uint8], width: float | None) -> NDArray[np.bool_]:
    """Draw the outline of a digit smoothly, ten times as large, with a pen of another width."""
    from scipy import ndimage

    cropped = np.pad(crop(image), 5).astype(np.float32) / 255
    smooth = ndimage.gaussian_filter(ndimage.zoom(cropped, _FINE, order=3), 0.45 * _FINE)
    outline = smooth > 0.42
    if width is None:
        return outline
    return ndimage.distance_transform_edt(~_thin(outline)) <= width * _FINE / 2


def _thin(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Peel a shape to lines one pixel wide that are connected as it was (Zhang and Suen, 1984)."""
    thin = np.pad(shape, 1)
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            # The eight neighbours, clockwise from above.
            steps = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
            p = np.stack([np.roll(thin, (-down, -right), (0, 1)) for down, right in steps])
            count = p.sum(axis=0)
            changes = (~p & np.roll(p, -1, axis=0)).sum(axis=0)
            up, right, down, left = p[::2]
            sides = (
                ~(up & right & down) & ~(right & down & left)
                if first
                else ~(up & right & left) & ~(up & down & left)
            )
            peel = thin & (count >= 2) & (count <= 6) & (changes == 1) & sides
            changed |= bool(peel.any())
            thin &= ~peel
    return thin[1:-1, 1:-1]


def _turn_and_scale(
    outline: NDArray[np.bool_], rng: Generator, tilt: float, height: float
) -> NDArray[np.float64]:
    from PIL import Image

    image = Image.fromarray(255 * outline.astype(np.uint8))
    image = image.rotate(rng.uniform(-tilt, tilt), Image.Resampling.BICUBIC, expand=True)
    turned = crop(np.asarray(image))
    scale = height / max(turned.shape)
    rows, columns = (max(1, round(side * scale)) for side in turned.shape)
    image = Image.fromarray(turned).resize((columns, rows), Image.Resampling.BICUBIC)
    return np.asarray(image) / 255


def _photograph(
    ink: NDArray[np.float64], rng: Generator, kind: Kind, spacing: float
) -> NDArray[np.uint8]:
    from PIL import Image
    from scipy import ndimage

    height, width = ink.shape
    rows, columns = np.indices(ink.shape)
    paper, pen = rng.choice(kind.paper), rng.choice(kind.ink)
    picture = np.broadcast_to(paper.astype(np.float64), (height, width, 3)).copy()
    slope = np.tan(np.radians(rng.uniform(-kind.tilt, kind.tilt)))
    line = np.clip(paper - rng.choice([[90, 55, 25], [60, 60, 60], [45, 75, 70]]), 0, 255)
    for wanted, across in zip(
        kind.ruled, (rows - slope * columns, columns + slope * rows), strict=True
    ):
        if wanted:
            away = (across + rng.uniform(0, spacing)) % spacing
            strength = np.clip(rng.uniform(0.8, 1.6) - np.minimum(away, spacing - away), 0, 1)
            picture += strength[:, :, None] * (line - picture)
    if kind.cover < 1:
        texture = ndimage.gaussian_filter(rng.normal(size=ink.shape), max(0.8, spacing / 90))
        texture = 0.5 + 0.5 * texture / (2 * texture.std())
        ink = ink * np.clip(kind.cover + 1.5 * (1 - kind.cover) * (2 * texture - 1), 0, 1)
    picture += ink[:, :, None] * (pen - picture)
    picture *= _light(rng, kind.shade, rows / height, columns / width)[:, :, None]
    picture += rng.normal(0, kind.grain, ink.shape)[:, :, None] if kind.grain else 0
    if kind.quality:
        picture = ndimage.gaussian_filter(picture, (0.8, 0.8, 0))
    result = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if kind.quality:
        import io

        file = io.BytesIO()
        Image.fromarray(result).save(file, "JPEG", quality=kind.quality)
        result = np.asarray(Image.open(file))
    return result


def _light(
    rng: Generator, shade: float, down: NDArray[np.float64], across: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how much light falls where: less to one side, and less still in a shadow."""
    turn, edge_turn = rng.uniform(0, 2 * np.pi, 2)
    fall = (down - 0.5) * np.sin(turn) + (across - 0.5) * np.cos(turn)
    light = 1 - shade * rng.uniform(0.3, 1) * (fall + 0.7) / 1.4
    if rng.random() < 0.5:
        edge = (down - 0.5) * np.sin(edge_turn) + (across - 0.5) * np.cos(edge_turn)
        inside = 1 / (1 + np.exp(-(edge - rng.uniform(-0.3, 0.3)) / rng.uniform(0.01, 0.1)))
        light = light * (1 - 0.8 * shade * inside)
    return light


def _bitmap(image: NDArray[np.uint8], rng: Generator, kind: Kind) -> NDArray[np.uint8]:
    """Draw with lines one pixel wide on 28 × 28 pixels, as with a mouse in a paint program."""
    from PIL import Image

    outline = crop(255 * _rewrite(np.asarray(image).reshape(28, 28), None).astype(np.uint8))
    side = max(4, round(28 * rng.uniform(*kind.size)))
    size = tuple(max(1, round(n * side / max(outline.shape))) for n in outline.shape[::-1])
    small = np.asarray(Image.fromarray(outline).resize(size, Image.Resampling.BOX)) > 127
    if rng.random() < 0.7:
        small = _thin(np.pad(small, 1))[1:-1, 1:-1]
    square = np.zeros((28, 28), dtype=np.uint8)
    top, left = (int(rng.integers(0, 28 - n + 1)) for n in small.shape)
    square[top : top + small.shape[0], left : left + small.shape[1]] = 255 * small
    return square

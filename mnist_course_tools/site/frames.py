"""A control that needs no kernel: the strip of a committed notebook, cut into frames."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

_STATES = re.compile(r"^(?P<alt>.+?) Row by row: (?P<states>.+)\.$", re.DOTALL)
_COLUMNS = 2  # as `mnist_course.control` lays the pictures out


@dataclass(frozen=True)
class Frame:
    """A control's picture at one of its positions."""

    state: str  # such as ``weight = 2, bias = -2``
    alt: str
    png: bytes


def cut(png: bytes, alt: str) -> list[Frame]:
    """Cut a strip into its pictures.

    Parameters
    ----------
    png : bytes
        Pictures of one size, two in a row.
    alt : str
        Ends in the positions, as `mnist_course.control` writes them.

    Returns
    -------
    list of Frame
        In the order of the positions; empty if the picture is no strip.
    """
    from PIL import Image

    match = _STATES.match(alt)
    if match is None:
        return []
    states = match["states"].split("; ")
    rows = -(-len(states) // _COLUMNS)
    frames = []
    with Image.open(io.BytesIO(png)) as strip:
        width, height = strip.width // _COLUMNS, strip.height / rows
        for place, state in enumerate(states):
            row, column = divmod(place, _COLUMNS)
            top, bottom = round(row * height), round((row + 1) * height)
            box = (column * width, top, (column + 1) * width, bottom)
            buffer = io.BytesIO()
            strip.crop(box).save(buffer, format="PNG", optimize=True)
            frames.append(Frame(state, f"{match['alt']} Now {state}.", buffer.getvalue()))
    return frames

"""Figures with words for those who do not see them, and controls that leave a picture behind."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget
    from matplotlib.figure import Figure

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"
_DPI = 110
_PALETTE = 256  # colours; under half the size of true colour, and no eye tells the difference


def to_png(figure: Figure, *, small: bool = True) -> bytes:
    """Draw a figure as PNG and close it.

    Parameters
    ----------
    figure : Figure
    small : bool, default=True
        Reduce the picture to 256 colours: smaller to keep, slower to make.

    Returns
    -------
    bytes
    """
    from matplotlib import pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, bbox_inches="tight", facecolor="white")
    # An open figure would be shown a second time at the end of the cell.
    plt.close(figure)
    if not small:
        return buffer.getvalue()
    from PIL import Image

    reduced = io.BytesIO()
    with Image.open(buffer) as picture:
        # Maximum coverage keeps rare colours, such as the ends of a colour bar.
        palette = picture.convert("RGB").quantize(_PALETTE, Image.Quantize.MAXCOVERAGE)
        palette.save(reduced, format="PNG", optimize=True)
    return reduced.getvalue()


def show(figure: Figure, alt: str) -> None:
    """Show a figure in a notebook, with words that say what is to be seen.

    Parameters
    ----------
    figure : Figure
        Closed afterwards.
    alt : str
        What a reader who cannot see the picture should learn from it. It is kept in the
        output's metadata, where screen readers and exported pages find it.
    """
    _display(to_png(figure), alt)


def outlives_kernel(data: Mapping[str, Any]) -> bool:
    """Tell whether an output still says something when no kernel is there to show a widget.

    Parameters
    ----------
    data : mapping
        The output's content by MIME type.

    Returns
    -------
    bool
        False for what a progress bar leaves behind: a widget of which only the word
        ``Output()`` would remain, and an empty line.
    """
    rest = {mime: content for mime, content in data.items() if mime != WIDGET_MIME}
    text = "".join(rest.get("text/plain", "-")).strip()
    if WIDGET_MIME in data and set(rest) <= {"text/plain"}:
        return text not in ("-", "Output()")
    return bool(rest) and text != ""


def control(draw: Callable[..., Figure], *, alt: str, **controls: Widget) -> None:
    """Show a figure that follows controls; where no kernel runs, a still picture remains.

    The output holds both the widget and a picture. A live notebook shows the widget; GitHub,
    an exported page and a notebook not yet run show the picture.

    Parameters
    ----------
    draw : callable
        Takes one keyword for each control, returns a new figure. Should take at most 0.2 s.
    alt : str
        As in `show`, for the still picture.
    **controls : Widget
        ipywidgets with a `value`; their present values draw the still picture.
    """
    import ipywidgets

    def values() -> dict[str, Any]:
        return {name: widget.value for name, widget in controls.items()}

    picture = ipywidgets.Image(value=to_png(draw(**values()), small=False), format="png")

    def redraw(_change: object) -> None:
        picture.value = to_png(draw(**values()), small=False)

    for widget in controls.values():
        widget.observe(redraw, names="value")
    box = ipywidgets.VBox([*controls.values(), picture])
    still = to_png(draw(**values()))
    _display(still, alt, {WIDGET_MIME: {**_WIDGET_VERSION, "model_id": box.model_id}})


_WIDGET_VERSION = {"version_major": 2, "version_minor": 0}


def _display(png: bytes, alt: str, more: dict[str, Any] | None = None) -> None:
    from IPython.display import display

    data = {"image/png": base64.b64encode(png).decode("ascii"), "text/plain": alt, **(more or {})}
    display(data, metadata={"image/png": {"alt": alt}}, raw=True)

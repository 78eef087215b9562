"""Figures with words for those who do not see them, and controls that leave a picture behind."""

from __future__ import annotations

import base64
import html
import io
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipywidgets import Widget
    from matplotlib.figure import Figure

_DPI = 110
_PALETTE = 256  # colours; under half the size of true colour, and no eye tells the difference
_MOST_STEPS = 200  # of a slider; with more, pressing an arrow key changes nothing one can see
_WIDEST = "42em"
_STRIP_COLUMNS, _STRIP_WIDTH = 2, 1100  # pixels
_PREFIX = "data:image/png;base64,"


def to_png(figure: Figure, *, small: bool = True) -> bytes:
    """Draw a figure as PNG and close it; `small`, with 256 colours, takes longer to make."""
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
    """Show a figure and close it.

    Parameters
    ----------
    figure : Figure
    alt : str
        What a reader who cannot see the picture should learn from it.
    """
    from IPython.display import display

    data, metadata = png_output(to_png(figure), alt)
    display(data, metadata=metadata, raw=True)


def control(
    draw: Callable[..., Figure],
    *,
    alt: str,
    strip: Sequence[Mapping[str, Any]] = (),
    **controls: Widget,
) -> None:
    """Show a figure that follows controls, and stays when no kernel runs.

    Controls and picture are outputs of their own: a notebook that is opened again shows the
    picture as it was last, with or without the controls. GitHub and an exported page show the
    states of the `strip` side by side, or the picture as it was first if there is none.

    Parameters
    ----------
    draw : callable
        Takes one keyword for each control, returns a new figure. Should take at most 0.2 s.
    alt : str
        What is to be seen wherever the controls stand; their present values are added to it.
    strip : sequence of mapping, optional
        Values of the controls, by keyword; a control that is not named stays where it is.
    **controls : Widget
        ipywidgets with a `value`. They get the width of the page, their keyword as description
        if they have none, and no more than 200 steps.
    """
    from anywidget import AnyWidget
    from IPython.display import display
    from ipywidgets import VBox
    from matplotlib import pyplot as plt

    def picture_now(*, small: bool) -> tuple[bytes, str]:
        figure = draw(**{name: widget.value for name, widget in controls.items()})
        return to_png(figure, small=small), f"{alt} {_positions(controls)}"

    for name, widget in controls.items():
        widget.description = widget.description or name
    for widget in controls.values():
        _fit(widget, letters=max(len(other.description) for other in controls.values()))
    still = _strip(draw, alt, strip, controls) if strip else None
    data, metadata = png_output(*picture_now(small=True), still=still)
    # Invisible; the script says what it is good for.
    script = Path(__file__).with_name("front_end").joinpath("control.js")
    helper = AnyWidget(_esm=script.read_text(encoding="utf-8"), layout={"display": "none"})
    box = VBox([*controls.values(), helper])
    view = {"version_major": 2, "version_minor": 0, "model_id": box.model_id}
    display({"application/vnd.jupyter.widget-view+json": view, "text/plain": ""}, raw=True)
    picture = display(data, metadata=metadata, raw=True, display_id=True)

    def redraw(_change: object) -> None:
        try:
            png, words = picture_now(small=False)
        except Exception as error:  # a reader's own `draw` may raise anything
            plt.close("all")  # half drawn, they would appear below the next cell
            words = f"No picture: {type(error).__name__}: {error}\n{_positions(controls)}"
            data: dict[str, Any] = {"text/plain": words}
            metadata: dict[str, Any] = {}
        else:
            data, metadata = png_output(png, words, still=still)
            helper.send({"alt": words, "src": _PREFIX + base64.b64encode(png).decode("ascii")})
        picture.update(data, metadata=metadata, raw=True)

    for widget in controls.values():
        widget.observe(redraw, names="value")


def png_output(
    png: bytes, alt: str, *, still: tuple[bytes, str] | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return data and metadata of a picture with words.

    JupyterLab takes the words from the HTML. GitHub shows no HTML with a picture inside, and
    takes the picture, as do nbconvert and the committed notebooks, which hold no HTML. For them
    `still` may be another picture.
    """
    encoded = base64.b64encode(png).decode("ascii")
    width, height = struct.unpack(">II", png[16:24])
    image = (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
        f'style="max-width:100%;height:auto" src="{_PREFIX}{encoded}">'
    )
    if still is not None:
        png, alt = still
        encoded = base64.b64encode(png).decode("ascii")
    data = {"text/html": image, "image/png": encoded, "text/plain": alt}
    return data, {"image/png": {"alt": alt}}


def _strip(
    draw: Callable[..., Figure],
    alt: str,
    states: Sequence[Mapping[str, Any]],
    controls: Mapping[str, Widget],
) -> tuple[bytes, str]:
    """Draw some states two in a row, as one picture; return it, and in words what it shows."""
    from PIL import Image

    now = {name: widget.value for name, widget in controls.items()}
    pictures = [
        Image.open(io.BytesIO(to_png(draw(**{**now, **state}), small=False))).convert("RGB")
        for state in states
    ]
    width, height = (max(sizes) for sizes in zip(*(p.size for p in pictures), strict=True))
    rows = -(-len(pictures) // _STRIP_COLUMNS)
    whole = Image.new("RGB", (_STRIP_COLUMNS * width, rows * height), "white")
    for place, picture in enumerate(pictures):
        row, column = divmod(place, _STRIP_COLUMNS)
        whole.paste(picture, (column * width, row * height))
    buffer = io.BytesIO()
    whole.resize((_STRIP_WIDTH, round(whole.height * _STRIP_WIDTH / whole.width))).quantize(
        _PALETTE, Image.Quantize.MAXCOVERAGE
    ).save(buffer, format="PNG", optimize=True)
    each = (
        ", ".join(f"{controls[name].description} = {value}" for name, value in state.items())
        for state in states
    )
    return buffer.getvalue(), f"{alt} Row by row: {'; '.join(each)}."


def _positions(controls: Mapping[str, Widget]) -> str:
    """Say where the controls stand: ``Now weight = 2, bias = -0.5.``"""

    def position(widget: Widget) -> str:
        label = getattr(widget, "label", None)  # what a menu shows for its value
        if isinstance(label, str):
            return label
        return f"{widget.value:g}" if isinstance(widget.value, float) else str(widget.value)

    each = (f"{widget.description} = {position(widget)}" for widget in controls.values())
    return f"Now {', '.join(each)}."


def _fit(widget: Widget, *, letters: int) -> None:
    """Give a control the width of the page, and a slider steps that one can see."""
    from ipywidgets import FloatLogSlider, FloatSlider, IntSlider

    widget.layout.width, widget.layout.max_width = "100%", _WIDEST
    widget.style.description_width = f"{letters + 1}ch"
    if not isinstance(widget, IntSlider | FloatSlider | FloatLogSlider):
        return
    finest = (widget.max - widget.min) / _MOST_STEPS
    if widget.step < finest:
        power = 10.0 ** math.floor(math.log10(finest))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= finest)
        step = round(step) if isinstance(widget, IntSlider) else step
        # From a multiple to a multiple, inside the old range: round values come within reach.
        ends = math.ceil(widget.min / step) * step, math.floor(widget.max / step) * step
        widget.step, widget.min, widget.max = step, *ends

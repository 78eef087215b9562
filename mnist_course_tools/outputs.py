"""Which parts of a notebook's outputs live only as long as its kernel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WIDGET_MIME = "application/vnd.jupyter.widget-view+json"


def lasting(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an output still says when no kernel runs: what is committed and compared.

    Parameters
    ----------
    data : mapping
        The output's content by MIME type.

    Returns
    -------
    dict
        Without widgets, and without the HTML form that `mnist_course.show` gives a picture for
        the living page; empty for what a progress bar leaves behind: a widget of which only the
        word ``Output()`` would remain, or an empty line.
    """
    rest = {mime: content for mime, content in data.items() if mime != WIDGET_MIME}
    if "image/png" in rest:
        rest.pop("text/html", None)
    text = "".join(rest.get("text/plain", "-")).strip()
    meaningless = ("", "-", "Output()") if WIDGET_MIME in data and len(rest) < 2 else ("",)
    return {} if text in meaningless else rest

"""The README's charts of results: ``python -m mnist_course_tools.site.charts`` draws them.

The race and the benchmark are drawn from the tables that `benchmarks` recorded. Each picture says
in its own metadata what it was drawn from and by which code, so that a test can tell whether the
committed one is current.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course.plots import BLUE, GREY, ORANGE
from mnist_course.report import RESULTS
from mnist_course_tools.site.race_chart import describe
from mnist_course_tools.site.tables import recorded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DRAWN_FROM = "Drawn-From"  # the key of the metadata

_TEXT, _GRID, _SHADE = "#222832", "#e1e4e8", "#f4f6f8"
_DPI = 160  # twice as many dots as a page of 700 pixels shows
_WIDTH, _LINE = 8.75, 0.33  # inches
_HEAD, _FOOT = 0.85, 0.95  # inches for title and headings, and for axis and legend
_COLOURS = 48  # enough for smooth letters, and a small file
_ABOVE = -0.95  # where the columns' headings stand, in lines
_COLUMNS = (0.81, 0.905, 0.985)  # where columns of numbers end, as shares of the width
_HOLLOW: dict[str, Any] = {"mfc": "none", "mew": 1.8, "ms": 7}

Row = Mapping[str, str]


@dataclass(frozen=True)
class Chart:
    """How a recorded table becomes a picture, and words for those who cannot see it."""

    file: str
    draw: Callable[[Sequence[Row]], Figure]
    words: Callable[[Sequence[Row]], str]


def draw_race(rows: Sequence[Row]) -> Figure:
    """Draw the errors of the race with their intervals, beside the published ones."""
    figure, ax = _lines(len(rows), "LeCun's table of classical methods, run again", left=0.37)
    for place, row in enumerate(rows):
        error, published = float(row["error %"]), row["published %"]
        if published:
            ax.plot([float(published), error], [place, place], color=GREY, linewidth=1.2)
            ax.plot(float(published), place, "D", color=ORANGE, zorder=4, **_HOLLOW)
        ax.plot([float(row["low"]), float(row["high"])], [place] * 2, color=BLUE, linewidth=4)
        ax.plot(error, place, "o", color=BLUE, markersize=8)
        columns = [row["error %"], published or "new", row["seconds"]]
        _columns(ax, place, columns, bold=not published)
    _columns(ax, _ABOVE, ["ours", "published", "seconds"])
    ax.plot([], [], "o-", color=BLUE, linewidth=4, ms=8, label="ours, with its 95 % interval")
    ax.plot([], [], "D", color=ORANGE, linestyle="none", label="published", **_HOLLOW)
    ax.set_yticks(range(len(rows)), [row["row"] for row in rows])
    for label, row in zip(ax.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if row["published %"] else "bold")
    ax.set_xscale("log")
    ax.set_xticks([0.3, 0.5, 1, 2, 5, 10], ["0.3", "0.5", "1", "2", "5", "10"])
    ax.set_xlabel("misread test digits, %")
    _legend(ax)
    return figure


def draw_bench(rows: Sequence[Row]) -> Figure:
    """Draw the seconds of the sources' code as written, and ours beside them."""
    figure, ax = _lines(len(rows), "The sources' code as written, and the course", left=0.385)
    for place, row in enumerate(rows):
        theirs, ours = float(row["their seconds"]), float(row["our seconds"])
        measured = row["times faster"]
        ax.plot([theirs, ours], [place, place], color=GREY, linewidth=2)
        face = ORANGE if measured else "white"
        ax.plot(theirs, place, "D", color=ORANGE, mfc=face, mew=1.6, ms=7)
        ax.plot(ours, place, "s" if _other(row) else "o", color=BLUE, markersize=7.5)
        _columns(ax, place, [_seconds(theirs), _seconds(ours), f"× {measured}" if measured else ""])
    _columns(ax, _ABOVE, ["theirs, s", "ours, s", "faster"])
    style: dict[str, Any] = {"color": ORANGE, "mew": 1.6, "ms": 7, "linestyle": "none"}
    ax.plot([], [], "D", label="theirs", **style)
    ax.plot([], [], "D", mfc="white", label="theirs, recorded", **style)
    ax.plot([], [], "o", color=BLUE, ms=7.5, linestyle="none", label="ours, the same numbers")
    ax.plot([], [], "s", color=BLUE, ms=7.5, linestyle="none", label="ours, another way")
    ax.set_yticks(range(len(rows)), [_with_source(row) for row in rows])
    ax.set_xscale("log")
    ticks = {0.1: "0.1", 1: "1", 10: "10", 100: "100", 1000: "1,000", 10_000: "10,000"}
    low, high = ax.get_xlim()
    shown = {value: text for value, text in ticks.items() if low < value < high}
    ax.set_xticks(list(shown), list(shown.values()))
    ax.set_xlabel("seconds")
    _legend(ax)
    return figure


def describe_bench(rows: Sequence[Row]) -> str:
    """Say in words what the picture of the benchmark shows."""
    measured = [row for row in rows if row["times faster"]]
    faster = sum(float(row["times faster"]) >= 1.5 for row in measured)
    (again,) = (row for row in rows if row["what"] == "load MNIST, again")
    return (
        f"Seconds on a logarithmic axis for {len(rows)} pieces of work, the sources' code as "
        f"written beside the course's. Of {len(measured)} that were measured in one run the course "
        f"takes at most two thirds of the time for {faster}; loading the data again it is "
        f"{again['times faster']} times as fast."
    )


# By the benchmark that records the table.
CHARTS = {
    "race": Chart("race.png", draw_race, describe),
    "against": Chart("bench.png", draw_bench, describe_bench),
}


def alt_text(name: str) -> str:
    """Return the words that stand for a picture."""
    return CHARTS[name].words(recorded(name))


def drawn_from(name: str) -> str:
    """Return a checksum of all that a picture depends on: its table and this module."""
    files = (RESULTS / f"{name}.csv", Path(__file__))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def make(name: str) -> bytes:
    """Return the picture of a recorded table as a PNG file."""
    import matplotlib
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    drawn, packed, said = io.BytesIO(), io.BytesIO(), PngInfo()
    with matplotlib.rc_context({"font.family": "sans-serif", "font.size": 11}):
        CHARTS[name].draw(recorded(name)).savefig(drawn, format="png", dpi=_DPI)
    said.add_text(DRAWN_FROM, drawn_from(name))
    picture = Image.open(drawn).convert("RGB").quantize(_COLOURS)
    picture.save(packed, format="png", optimize=True, pnginfo=said)
    return packed.getvalue()


def main() -> None:
    """Draw both pictures, and print the words that README gives them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, chart in CHARTS.items():
        (FOLDER / chart.file).write_bytes(make(name))
        print(
            f"Written: docs/pictures/{chart.file}\n![{alt_text(name)}](docs/pictures/{chart.file})"
        )


def _lines(n: int, title: str, *, left: float) -> tuple[Figure, Axes]:
    """Return a figure with a line for each of n rows, every second one shaded."""
    from matplotlib.figure import Figure

    height = _HEAD + _FOOT + _LINE * n
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    bold = {"color": _TEXT, "fontsize": 15, "weight": "bold", "va": "center"}
    figure.text(0.012, 1 - 0.3 / height, title, **bold)
    ends = {"left": left, "right": 0.745, "bottom": _FOOT / height, "top": 1 - _HEAD / height}
    ax = figure.subplots(gridspec_kw=ends)
    for place in range(0, n, 2):
        ax.axhspan(place - 0.5, place + 0.5, -2, 2, color=_SHADE, zorder=0, clip_on=False)
    ax.set_ylim(n - 0.5, -0.5)
    ax.tick_params(colors=_TEXT, length=0, which="both")
    ax.xaxis.label.set_color(_TEXT)
    ax.grid(axis="x", color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return figure, ax


def _columns(ax: Axes, place: float, texts: Sequence[str], *, bold: bool = False) -> None:
    """Write columns of text to the right of a line."""
    from matplotlib.transforms import blended_transform_factory

    across = blended_transform_factory(ax.figure.transFigure, ax.transData)
    style: dict[str, Any] = {"ha": "right", "va": "center_baseline", "color": _TEXT}
    style |= {"fontsize": 10.5, "weight": "bold" if bold else "normal", "transform": across}
    for text, right in zip(texts, _COLUMNS, strict=True):
        ax.text(right, place, text, **style)


def _legend(ax: Axes) -> None:
    entries = len(ax.get_legend_handles_labels()[1])
    place: dict[str, Any] = {"loc": "lower center", "ncols": entries, "frameon": False}
    ax.figure.legend(labelcolor=_TEXT, handletextpad=0.4, columnspacing=1.6, **place)


def _other(row: Row) -> bool:
    """Tell whether ours is another model, or another piece of work."""
    return "another model" in row["note"] or "whole course" in row["what"]


def _with_source(row: Row) -> str:
    whole = row["source"] == "all" or row["what"].startswith("all measured")
    return row["what"] if whole else f"{row['source']}: {row['what']}"


def _seconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


if __name__ == "__main__":
    main()

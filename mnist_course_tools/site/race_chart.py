"""The race as a picture, for light pages and for dark ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_COLOURS = {  # text, lines of the grid, ours, published: each pair is told apart by shape too
    "light": ("#222832", "#c9cdd4", "#0072b2", "#a34700"),
    "dark": ("#ced6dd", "#4a5360", "#6cbcf0", "#f0a35e"),
}


def write_race(rows: Sequence[Mapping[str, str]], folder: Path) -> None:
    """Write ``race-light.svg`` and ``race-dark.svg``: errors, intervals, and what was published.

    Parameters
    ----------
    rows : sequence of mapping
        As recorded: one for each model.
    folder : Path
    """
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    # Without a salt and a date the file is the same at each build.
    fixed = {"svg.hashsalt": "race", "font.family": "sans-serif", "font.size": 11}
    with matplotlib.rc_context(fixed):
        for name, colours in _COLOURS.items():
            _draw(rows, folder / f"race-{name}.svg", *colours)


def describe(rows: Sequence[Mapping[str, str]]) -> str:
    """Say in words what the picture shows."""
    first, last = rows[0], rows[-1]
    known = [row for row in rows if row["published %"]]
    inside = [float(r["low"]) <= float(r["published %"]) <= float(r["high"]) for r in known]
    return (
        f"{len(rows)} models from top to bottom, with our share of misread test digits and its "
        f"interval, on a logarithmic axis. It goes from {first['error %']} % ({first['row']}) "
        f"down to {last['error %']} % ({last['row']}). Diamonds mark {len(known)} published "
        f"shares, of which {sum(inside)} lie inside our interval."
    )


def _draw(
    rows: Sequence[Mapping[str, str]], path: Path, text: str, grid: str, ours: str, theirs: str
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.2, 6.4), layout="constrained")
    ax = figure.add_subplot()
    for place, row in enumerate(rows):
        ax.plot([float(row["low"]), float(row["high"])], [place, place], color=ours, linewidth=3)
        ax.plot(float(row["error %"]), place, "o", color=ours, markersize=7)
        if row["published %"]:
            ax.plot(float(row["published %"]), place, "D", color=theirs, mfc="none", mew=1.8)
    ax.plot([], [], "o-", color=ours, linewidth=3, label="ours, with 95 % interval")
    ax.plot([], [], "D", color=theirs, mfc="none", mew=1.8, linestyle="none", label="published")
    ax.set_xscale("log")
    ax.set_xticks([0.3, 1, 3, 10], ["0.3", "1", "3", "10"])
    ax.minorticks_off()
    ax.set_yticks(range(len(rows)), [_wrapped(row["row"]) for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel("misread test digits, %", color=text)
    ax.tick_params(colors=text, length=0)
    ax.grid(axis="both", color=grid, linewidth=0.6)
    ax.set_axisbelow(True)
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.legend(loc="lower right", frameon=False, labelcolor=text)
    figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})


def _wrapped(words: str) -> str:
    """Return a name in two lines if it is long."""
    if len(words) < 26:
        return words
    middle = words.rfind(", ", 0, 28)
    return f"{words[: middle + 1]}\n{words[middle + 2 :]}"

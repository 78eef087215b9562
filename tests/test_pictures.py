"""The README's pictures of results: drawn from what was recorded, committed, and current."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from mnist_course_tools.site import charts, tables

ROOT = Path(__file__).parents[1]
LARGEST = {"race": 150_000, "against": 120_000}  # bytes


@pytest.mark.parametrize("name", charts.CHARTS)
def test_the_committed_picture_is_drawn_from_what_is_recorded(name):
    with Image.open(charts.FOLDER / charts.CHARTS[name].file) as picture:
        assert picture.text[charts.DRAWN_FROM] == charts.drawn_from(name), (
            "Draw it again: python -m mnist_course_tools.site.charts"
        )


@pytest.mark.parametrize("name", charts.CHARTS)
def test_a_picture_is_no_longer_current_once_its_table_changes(name, tmp_path, monkeypatch):
    table = charts.RESULTS / f"{name}.csv"
    before, words = charts.drawn_from(name), table.read_text(encoding="utf-8")
    (tmp_path / table.name).write_text(words.replace("1", "2", 1), encoding="utf-8")
    monkeypatch.setattr(charts, "RESULTS", tmp_path)
    assert charts.drawn_from(name) != before


@pytest.mark.parametrize("name", charts.CHARTS)
def test_a_picture_is_sharp_at_700_pixels_and_small(name):
    made = charts.make(name)
    with Image.open(io.BytesIO(made)) as picture:
        assert picture.width == 1400
        assert picture.text[charts.DRAWN_FROM] == charts.drawn_from(name)
    assert len(made) <= LARGEST[name]


@pytest.mark.parametrize("name", charts.CHARTS)
def test_no_word_in_a_picture_is_cut_off_or_runs_into_another_column(name):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = charts.CHARTS[name].draw(tables.recorded(name))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (ax,) = figure.axes
    texts = [text for text in (*figure.texts, *ax.texts, *ax.get_yticklabels()) if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1, text.get_text()
        others = [b for b in boxes if b is not box]
        assert box.count_overlaps(others) == 0, text.get_text()
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= legend.x0 and legend.x1 <= figure.bbox.x1


def test_every_error_of_the_race_is_drawn_where_its_axis_says():
    rows = tables.recorded("race")
    (ax,) = charts.draw_race(rows).axes
    dots = [line for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata()) == 1]
    assert [dot.get_xdata()[0] for dot in dots] == [float(row["error %"]) for row in rows]
    diamonds = [n for n in ax.lines if n.get_marker() == "D" and len(n.get_xdata()) == 1]
    published = [float(row["published %"]) for row in rows if row["published %"]]
    assert [diamond.get_xdata()[0] for diamond in diamonds] == published


def test_every_pair_of_the_benchmark_is_drawn_and_what_was_recorded_is_hollow():
    rows = tables.recorded("against")
    (ax,) = charts.draw_bench(rows).axes
    theirs = [n for n in ax.lines if n.get_marker() == "D" and len(n.get_xdata()) == 1]
    assert [n.get_xdata()[0] for n in theirs] == [float(row["their seconds"]) for row in rows]
    hollow = [n.get_markerfacecolor() == "white" for n in theirs]
    assert hollow == [not row["times faster"] for row in rows]
    ours = [n for n in ax.lines if n.get_marker() in ("o", "s") and len(n.get_xdata()) == 1]
    assert [n.get_xdata()[0] for n in ours] == [float(row["our seconds"]) for row in rows]


@pytest.mark.parametrize("name", charts.CHARTS)
def test_a_picture_is_shown_with_the_words_that_its_table_gives(name):
    pages = [ROOT / "README.md", ROOT / "benchmarks" / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    place = rf"\((?:\.\./)?docs/pictures/{re.escape(charts.CHARTS[name].file)}\)"
    assert set(re.findall(rf"!\[([^\]]*)\]{place}", text)) == {charts.alt_text(name)}

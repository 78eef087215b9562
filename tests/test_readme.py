"""The README: its table is what the tree says, and nothing it points to is missing."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from mnist_course.report import RESULTS
from mnist_course_tools.notebooks import LESSONS, find_notebooks
from mnist_course_tools.site import readme, tables

ROOT = Path(__file__).parents[1]
TEXT = readme.README.read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)\s]+)\)", TEXT)


def test_the_table_of_chapters_is_current():
    assert readme.with_table(TEXT) == TEXT, "python -m mnist_course_tools.site.readme"
    assert readme.chapters_table() in TEXT


def test_every_published_value_is_counted_with_one_chapter():
    counts = tables.values_by_chapter()
    assert counts.keys() <= set(range(1, len(find_notebooks(ROOT / LESSONS)) + 1))
    assert sum(counts.values()) == 359


@pytest.mark.parametrize("link", sorted({link for link in LINKS if "://" not in link}))
def test_a_link_leads_to_a_file_a_heading_or_a_page_of_the_repository(link):
    if link.startswith("../../"):  # GitHub's own pages of whatever repository this is
        assert link in ("../../deployments/github-pages", "../../releases/latest")
        return
    place, _, anchor = link.partition("#")
    if place:
        assert (ROOT / place).exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}


def test_on_the_package_index_nothing_is_left_that_needs_the_files_beside_it():
    text = readme.for_the_index(TEXT, "https://github.com/o/n", "v1")
    assert "![The drawing pad" in text
    assert "(https://github.com/o/n/raw/v1/docs/pictures/pad.png)" in text
    assert "[01](https://github.com/o/n/blob/v1/notebooks/01_exploration.ipynb)" in text
    assert "(https://github.com/o/n/releases/latest)" in text
    left = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in left if not link.startswith("#")] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_a_claim_that_is_quoted_is_one_of_the_lessons(name):
    quoted = re.findall(r'claim\("([^"]+)"', (ROOT / name).read_text(encoding="utf-8"))
    with (RESULTS / "claims.csv").open(encoding="utf-8", newline="") as file:
        claims = {row["sentence"] for row in csv.DictReader(file)}
    assert quoted and set(quoted) <= claims


def test_its_two_pictures_have_words():
    pictures = dict(re.findall(r"!\[([^\]]*)\]\((docs/[^)]+)\)", TEXT))
    assert set(pictures.values()) == {"docs/pictures/pad.png", "docs/pictures/race.png"}
    assert all(len(words.split()) > 8 for words in pictures)


def test_every_target_of_make_that_it_names_exists():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)\b(?=`|\s{2,}#)", TEXT))
    assert {"run", "test", "lab", "site"} <= named <= targets

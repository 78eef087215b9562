"""The teacher's guide and the rubrics: what they say of exercises, notebooks and commands is so."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from mnist_course_tools.check.house import _MINUTES
from mnist_course_tools.cli import app
from mnist_course_tools.notebooks import find_notebooks, read_notebook

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "teaching.md"
TEXT = GUIDE.read_text(encoding="utf-8")
SOURCES = find_notebooks(ROOT / "exercises" / "source")
LESSONS = find_notebooks(ROOT / "notebooks")
MOST_WORDS = 5_000
_EXERCISES_TAKE = re.compile(r"\[Four exercises\]\(\S+\) take (as long again|another hour)")
_QUESTION = re.compile(
    r"^(?P<n>\d+)\. \*\*(?P<question>.+?\?)\*\* (?P<answer>.+) "
    r"Home: \[exercise (?P<home>\d+\.\d)\]\((?P<file>\S+)\), chapter (?P<chapter>\d+)\.$",
    re.MULTILINE,
)


def _cell_ids(kind: str) -> list[str]:
    """Return the numbers, such as 5.1, of all cells of a kind in the exercises' source."""
    ids = [
        cell.metadata.nbgrader.grade_id
        for path in SOURCES
        for cell in read_notebook(path).cells
        if "nbgrader" in cell.metadata
    ]
    return [id.removeprefix(f"{kind}-").replace("-", ".") for id in ids if id.startswith(kind)]


def _section(heading: str) -> str:
    _, found, rest = TEXT.partition(f"\n## {heading}\n")
    assert found, heading
    return rest.partition("\n## ")[0]


def _rows(heading: str) -> list[list[str]]:
    lines = [line for line in _section(heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def _titles(cell) -> list[str]:
    return re.findall(r"^## (.+)$", cell.source, re.MULTILINE)


def _stated_minutes() -> dict[int, tuple[int, int]]:
    """Return the minutes that each notebook states, for itself and for its exercises."""
    stated = {}
    for number, path in enumerate(LESSONS, 1):
        top = read_notebook(path).cells[0].source
        lesson, exercises = int(_MINUTES.search(top)[1]), _EXERCISES_TAKE.search(top)[1]
        stated[number] = lesson, lesson if exercises == "as long again" else 60
    return stated


def _anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    titles = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _code() -> Iterator[str]:
    """Yield each line of code in the guide, in blocks and in sentences, without comments."""
    for block in re.findall(r"^```\w*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            yield line.partition(" #")[0].strip()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.M | re.S))


COMMANDS = sorted({line for line in _code() if line.split()[:1] == ["mnist-course"]})
ALONE = sorted({line.split()[0] for line in _code() if line.startswith("--")})


def _options(command: Any) -> set[str]:
    """Return the options of a command, and of all commands below it."""
    own = {name for parameter in command.params for name in parameter.opts}
    return own.union(*map(_options, getattr(command, "commands", {}).values()))


def _find(words: list[str]) -> Any:
    """Follow words from the app to a command; what follows is the command's own."""
    command = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"there is no command {word!r}"
        command = command.commands[word]
    return command


def test_every_written_answer_has_a_rubric_and_no_rubric_is_left_over():
    rubrics = tomllib.loads((ROOT / "exercises" / "rubrics.toml").read_text(encoding="utf-8"))
    assert list(rubrics) == _cell_ids("words")
    for number, rubric in rubrics.items():
        assert set(rubric) == {"full", "half", "none"}, number
        for words in rubric.values():
            assert re.fullmatch(r"[A-Z0].{20,}\.\)?", words), f"{number}: {words!r}"


def test_the_minutes_are_those_that_the_notebooks_state():
    rows = _rows("The chapters at a glance")
    found = {
        int(chapter.lstrip("[").split()[0]): (int(lesson.split()[0]), int(exercises.split()[0]))
        for chapter, lesson, exercises, _ in rows
    }
    assert found == _stated_minutes()
    named = re.findall(r"\bChapter (\d+) \((\d+) min\)", TEXT)
    assert len(named) > len(LESSONS)
    for chapter, minutes in named:
        assert int(minutes) == _stated_minutes()[int(chapter)][0], f"chapter {chapter}"


@pytest.mark.parametrize("plan", ["Five sessions of 90 minutes", "A semester of 13 weeks"])
def test_every_session_lasts_ninety_minutes(plan):
    rows = _rows(plan)
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    for number, in_class, _ in rows:
        assert sum(int(m) for m in re.findall(r"\((\d+) min\)", in_class)) == 90, number


def test_the_semester_holds_every_chapter_and_every_exercise_once():
    rows = _rows("A semester of 13 weeks")
    words = " ".join(" ".join(row) for row in rows)
    assert re.findall(r"\bChapter (\d+)", words) == [str(n) for n in range(1, len(LESSONS) + 1)]
    assert sorted(re.findall(r"\d+\.\d", words)) == sorted(_cell_ids("exercise"))


def test_every_exercise_and_section_that_a_plan_names_exists():
    for plan in ("Five sessions of 90 minutes", "A semester of 13 weeks"):
        text = _section(plan)
        assert set(re.findall(r"\d+\.\d", text)) <= set(_cell_ids("exercise"))
        titles = {t for path in LESSONS for c in read_notebook(path).cells for t in _titles(c)}
        for section in re.findall(r"(?<=\s)\*([^*\n]+)\*(?=[\s,])", text):
            assert section in titles | {"Review"}, section


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert len(links) > 30
    for link in links:
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (GUIDE.parent / file).resolve() if file else GUIDE
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


def test_every_heading_is_in_the_table_of_contents():
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    contents = re.findall(r"^- \[(.+)\]\(#", TEXT, re.MULTILINE)
    assert contents == headings


def test_every_chapter_has_its_aims_and_misconceptions():
    text = _section("Chapter by chapter: aims and misconceptions")
    parts = re.split(r"^### Chapter (\d+)$", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == [str(n) for n in range(1, len(LESSONS) + 1)]
    for part in parts[1::2]:
        assert part.strip().startswith("Aims: ")
        assert part.count("\n|") >= 2 + 3  # the head and its line, and at least three


def test_each_of_the_twenty_questions_has_an_answer_and_one_home():
    found = list(_QUESTION.finditer(TEXT))
    assert [int(entry["n"]) for entry in found] == list(range(1, 21))
    for entry in found:
        chapter = entry["home"].partition(".")[0]
        assert entry["home"] in _cell_ids("exercise"), entry["home"]
        assert entry["chapter"] == chapter
        (path,) = (path for path in SOURCES if int(path.name[:2]) == int(chapter))
        assert (GUIDE.parent / entry["file"]).resolve() == path
        assert 2 <= len(re.findall(r"[.?!](?=\s|$)", entry["answer"])) <= 4, entry["question"]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_of_the_guide_exists_with_its_options(line):
    words = line.split()[1:]
    command = _find([word for word in words if not word.startswith("-")])
    for word in words:
        assert not word.startswith("--") or word in _options(command), f"{word} of {line}"


@pytest.mark.parametrize("option", ALONE)
def test_every_option_that_the_guide_names_by_itself_exists(option):
    assert option in _options(typer.main.get_command(app))


def test_the_guide_can_be_read_at_one_sitting():
    assert len(TEXT.replace("|", " ").split()) < MOST_WORDS

"""What Sphinx reads: the pages of ``docs/``, and those that are made of the tree."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.errors import CourseError
from mnist_course_tools.exercises import without_outputs
from mnist_course_tools.notebooks import (
    EXERCISES,
    LESSONS,
    SOLUTIONS,
    find_notebooks,
    read_notebook,
    title_of,
    write_notebook,
)
from mnist_course_tools.site import pages, tables
from mnist_course_tools.site.bibliography import bibliography, sources
from mnist_course_tools.site.glossary import Term, glossary, link_terms, read_terms
from mnist_course_tools.site.links import rewrite
from mnist_course_tools.site.race_chart import describe, write_race
from mnist_course_tools.start import with_helper

if TYPE_CHECKING:
    from nbformat import NotebookNode

GLOSSARY = "glossary.toml"
_MARK = ".made-by-the-site"  # in a folder that may be made anew


@dataclass(frozen=True)
class Chapter:
    """A lesson with its exercises."""

    number: int
    name: str  # of the notebook's file
    lesson: NotebookNode
    asked: NotebookNode
    solved: NotebookNode

    @property
    def title(self) -> str:
        """Return the question that the lesson asks."""
        return title_of(self.lesson)


def read_chapters(course: Path) -> list[Chapter]:
    """Read lessons, exercises and solutions."""
    return [
        Chapter(
            number,
            path.name,
            read_notebook(path),
            read_notebook(course / EXERCISES / path.name),
            read_notebook(course / SOLUTIONS / path.name),
        )
        for number, path in enumerate(find_notebooks(course / LESSONS), start=1)
    ]


def write_sources(course: Path, folder: Path, *, repository: str) -> None:
    """Write all that Sphinx reads.

    Parameters
    ----------
    course : Path
        A checkout.
    folder : Path
        Replaced.
    repository : str
        Address of the repository, or an empty string: then its files are named, and not linked.

    Raises
    ------
    CourseError
        If this is no checkout: an installed wheel has no pages. If the folder holds something
        that was not made here.
    """
    docs = course / "docs"
    if not (docs / "conf.py").is_file():
        raise CourseError(
            f"There is no {docs / 'conf.py'}: the site is built in a checkout of the course.\n"
            "Clone the repository, and say `make site` there."
        )
    if folder.exists() and not (folder / _MARK).is_file():
        raise CourseError(
            f"{folder} holds something that the site did not make, and it would be overwritten.\n"
            "Choose another folder: python -m mnist_course_tools.site --out FOLDER"
        )
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(docs, folder, ignore=shutil.ignore_patterns("lite", "__pycache__"))
    (folder / _MARK).touch()
    chapters = read_chapters(course)
    _write_notebooks(chapters, course, folder, repository)
    _write_parts(chapters, folder / "parts")
    shutil.copy(course / "CHANGELOG.md", folder / "changelog.md")
    for path in folder.rglob("*.md"):
        page = path.relative_to(folder).as_posix()
        source = "CHANGELOG.md" if page == "changelog.md" else f"docs/{page}"
        text = path.read_text(encoding="utf-8")
        if not page.startswith("parts/"):
            text = rewrite(text, source=source, page=page, repository=repository)
        path.write_text(text, encoding="utf-8", newline="\n")


def _write_notebooks(chapters: list[Chapter], course: Path, folder: Path, repository: str) -> None:
    figures = pages.Figures(folder / "_static" / "figures", "../_static/figures")
    terms = read_terms(folder / GLOSSARY)
    for chapter in chapters:
        name = chapter.name
        lesson = pages.lesson_page(chapter.lesson, name, figures, repository)
        link_terms(lesson, terms, chapter=chapter.number)
        asked = pages.exercise_page(chapter.asked, name, figures, repository)
        solved = pages.solution_page(chapter.solved, chapter.asked, name, figures, repository)
        for place, page in {"lessons": lesson, "exercises": asked, "solutions": solved}.items():
            write_notebook(folder / place / name, page)
        for place, origin in {"lessons": LESSONS, "exercises": EXERCISES}.items():
            target = folder / "extra" / "downloads" / place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            learners = without_outputs(read_notebook(course / origin / name))
            write_notebook(target, with_helper(learners))


def _write_parts(chapters: list[Chapter], folder: Path) -> None:
    """Write what pages include: made of the notebooks and of what runs recorded."""
    folder.mkdir()
    titles = [chapter.title for chapter in chapters]
    terms: list[Term] = read_terms(folder.parent / GLOSSARY)
    homes = [(f"lessons/{chapter.name}", chapter.title) for chapter in chapters]
    references = {c.number: list(pages.references_of(c.lesson)) for c in chapters}
    write_race(tables.recorded("race"), folder.parent / "_static" / "race")
    parts = {
        "cards": "\n".join(["````{grid} 1 2 2 3", ":gutter: 3", *map(_card, chapters), "````", ""]),
        "glossary": glossary(terms, homes),
        "ledger": tables.ledger(titles),
        "claims": tables.claims(titles),
        "race": _race(),
        "sources": sources(references),
        "bibliography": bibliography(references),
    }
    for place in ("lessons", "exercises", "solutions"):
        names = [f"{c.number}. {c.title} </{place}/{Path(c.name).stem}>" for c in chapters]
        parts[f"contents-{place}"] = "\n".join(["```{toctree}", *names, "```", ""])
    for name, text in parts.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8", newline="\n")


def _card(chapter: Chapter) -> str:
    stem = Path(chapter.name).stem
    run = (
        f'<a href="run/notebooks/index.html?path=lessons/{chapter.name}" '
        f'aria-label="Run chapter {chapter.number}">Run</a>'
    )
    return (
        "```{grid-item-card}\n"
        f"**{chapter.number}. {chapter.title}**\n\n"
        f"{pages.minutes_of(chapter.lesson)} minutes\n"
        ":::{card-footer}\n"
        f"[Read](/lessons/{stem}) · {run} · [Exercises](/exercises/{stem})\n"
        ":::\n"
        "```"
    )


def _race() -> str:
    words = html.escape(describe(tables.recorded("race")))
    pictures = "\n".join(
        f'<img class="only-{mode} dark-light" src="_static/race/race-{mode}.svg" alt="{words}" '
        'width="446" height="461">'
        for mode in ("light", "dark")
    )
    return (
        f'<figure class="race">\n{pictures}\n</figure>\n\n{tables.race_table()}\n'
        f"Recorded on {tables.machine_of('race')}.\n"
    )

"""The README's table of chapters, from the notebooks, the ledger and a benchmark.

``python -m mnist_course_tools.site.readme`` writes it anew. With ``--index REPOSITORY TAG`` the
README becomes one for the package index, where no files lie beside it.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from mnist_course_tools.notebooks import (
    LESSONS,
    course_folder,
    find_notebooks,
    read_notebook,
    title_of,
)
from mnist_course_tools.site.pages import minutes_of
from mnist_course_tools.site.tables import recorded, values_by_chapter

README = Path(__file__).parents[2] / "README.md"
_TABLE = re.compile(r"(?<=<!-- chapters -->\n).*?(?=<!-- end of chapters -->)", re.DOTALL)
_RELATIVE = re.compile(r"(?P<picture>!?)\[(?P<words>[^\]]*)\]\((?!https?:|#)(?P<path>[^)]+)\)")
_HEAD = "| | question | minutes | seconds, MB | values |\n|---|---|--:|--:|--:|\n"


def chapters_table() -> str:
    """Return a row for each chapter.

    It has the lesson's question, minutes to read and work through it, seconds and peak memory of
    a quick run, and how many published values it computes anew.
    """
    values, rows = values_by_chapter(), []
    lessons = find_notebooks(course_folder() / LESSONS)
    for number, (path, cost) in enumerate(zip(lessons, recorded("chapters"), strict=True), 1):
        lesson = read_notebook(path)
        rows.append(
            f"| [{number:02d}]({LESSONS}/{path.name}) | {title_of(lesson)} | "
            f"{minutes_of(lesson)} | {cost['seconds']}, {cost['peak MB']} | "
            f"{values.get(number, '')} |\n"
        )
    return _HEAD + "".join(rows)


def with_table(readme: str) -> str:
    """Return the README with the table as it is now."""
    return _TABLE.sub(lambda _: chapters_table(), readme)


def for_the_index(readme: str, repository: str, tag: str) -> str:
    """Return the README with links and pictures that lead into the repository.

    Parameters
    ----------
    readme : str
    repository : str
        Its address on GitHub.
    tag : str
        The state of the files that is meant, such as ``v1.0.0``.
    """

    def absolute(match: re.Match[str]) -> str:
        path = match["path"]
        if path.startswith("../../"):  # one of GitHub's own pages
            address = f"{repository}/{path.removeprefix('../../')}"
        else:
            address = f"{repository}/{'raw' if match['picture'] else 'blob'}/{tag}/{path}"
        return f"{match['picture']}[{match['words']}]({address})"

    return _RELATIVE.sub(absolute, readme)


def main() -> None:
    """Write the README as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m mnist_course_tools.site.readme")
    parser.add_argument("--index", nargs=2, metavar=("REPOSITORY", "TAG"))
    index = parser.parse_args().index
    text = README.read_text(encoding="utf-8")
    text = for_the_index(text, *index) if index else with_table(text)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

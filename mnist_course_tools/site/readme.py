"""The README's table of chapters, from the notebooks, the ledger and a benchmark.

``python -m mnist_course_tools.site.readme`` writes it anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from mnist_course_tools.notebooks import LESSONS, course_folder, find_notebooks, read_notebook
from mnist_course_tools.site.pages import minutes_of, question_of
from mnist_course_tools.site.tables import recorded, values_by_chapter

README = Path(__file__).parents[2] / "README.md"
_TABLE = re.compile(r"(?<=<!-- chapters -->\n).*?(?=<!-- end of chapters -->)", re.DOTALL)
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
            f"| [{number:02d}]({LESSONS}/{path.name}) | {question_of(lesson)} | "
            f"{minutes_of(lesson)} | {cost['seconds']}, {cost['peak MB']} | "
            f"{values.get(number, '')} |\n"
        )
    return _HEAD + "".join(rows)


def with_table(readme: str) -> str:
    """Return the README with the table as it is now."""
    return _TABLE.sub(lambda _: chapters_table(), readme)


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")

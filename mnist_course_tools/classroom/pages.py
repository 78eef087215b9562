"""The pages of a class: what a student gets back, and what the teacher sees of all."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from mnist_course.plots import AMBER, BLUE, GREY, ORANGE
from mnist_course_tools.classroom.marks import Book, Marks, Task, Written
from mnist_course_tools.classroom.tables import alphabet, harmless, order, plain
from mnist_course_tools.classroom.written import points_given

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# By state: a mark and a word, so that no colour has to say it.
MARKS = {
    "right": ("✓", "right"),
    "partly": ("◐", "partly right"),
    "wrong": ("✗", "not yet"),
    "blank": ("○", "nothing here yet"),
    "stopped": ("■", "stopped"),
}
# And a colour with one of a text on it. Neighbours differ in lightness too.
PAINT = {
    "right": (BLUE, "#ffffff"),
    "partly": (AMBER, "#000000"),
    "wrong": (ORANGE, "#000000"),
    "blank": (GREY, "#000000"),
    "stopped": ("#6b6b6b", "#ffffff"),
}
_INK = "#010203"  # in a picture stands for the colour of the page's text
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = Path(__file__).parents[1] / "run" / "templates" / "mnist-course"  # style.css of all pages
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`|(?<![\w*])\*(?P<emphasis>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
)
# The mark says it already.
_SAID = re.compile(r"^(?:right|not yet)[.:] +(?=\S)", re.IGNORECASE)
_OFTEN = 0.2  # the share of the class from which on a misconception is taught again
_IN_VIEW = 12  # lines of a list; what follows is folded
_MOST = 200  # different misconceptions; a class of thousands has many that occur once
_OPEN = 50  # students whose table is not folded


def feedback_page(
    marks: Marks,
    title: str,
    written: Mapping[tuple[str, str], Written],
    rubrics: Mapping[str, Mapping[str, str]],
) -> str:
    """Return what one student gets back, as a page that asks for nothing.

    Parameters
    ----------
    marks : Marks
        Of one submission.
    title : str
        Of the assignment.
    written : dict of (student, number) to Written
        What a person gave to written answers; only this student's are used.
    rubrics : dict of str to dict of str to str
        By number of the task; ``"full"`` is a sentence about a full answer, shown once this
        student's has been marked.

    Returns
    -------
    str
        HTML without scripts, for light and dark, phone and paper.
    """
    given = points_given(marks, written)
    asked = [task for task in marks.tasks if task.text_out_of]
    return _render(
        "feedback.html.j2",
        marks=marks,
        title=title,
        rubrics=rubrics,
        given=given,
        words_points=sum(one.points for one in given.values()),
        words_out_of=sum(task.text_out_of for task in asked),
        unread=sum(bool(task.text.strip()) and task.number not in given for task in asked),
    )


def report_page(book: Book) -> str:
    """Return what a teacher wants to know of a class, as a page that asks for nothing.

    Parameters
    ----------
    book : Book
        All marks of the class for one assignment.

    Returns
    -------
    str
        HTML with pictures inside and without scripts, for light and dark, phone and paper.
    """
    graded = [marks for marks in book.marks if not marks.problem]
    tallies = _tallies(graded)
    found = _misconceptions(graded)
    given = {marks.student: points_given(marks, book.written) for marks in book.marks}
    answers = [(m.student, task.number) for m in graded for task in m.tasks if task.text.strip()]
    return _render(
        "report.html.j2",
        book=book,
        students=sorted(book.marks, key=lambda marks: alphabet(marks.student)),
        graded=graded,
        problems=[marks for marks in book.marks if marks.problem],
        tallies=tallies,
        pictures=_pictures(tallies),
        misconceptions=found[:_MOST],
        unnamed=len(found[_MOST:]),
        again=_to_teach_again(found, len(book.marks)),
        given=given,
        answers=len(answers),
        read=sum(number in given[student] for student, number in answers),
        points=[marks.points for marks in graded],
        out_of=max((marks.out_of for marks in graded), default=0.0),
        words_out_of=max((_words_out_of(marks) for marks in graded), default=0.0),
        seconds=[marks.seconds for marks in book.marks],
        slowest=max(book.marks, key=lambda marks: marks.seconds, default=None),
        most_mb=max((marks.peak_mb for marks in book.marks), default=0.0),
        numbers=sorted((tally.number for tally in tallies), key=order),
        by_number=lambda marks: {task.number: task for task in marks.tasks},
        in_view=_IN_VIEW,
        fold=len(book.marks) > _OPEN,
    )


@dataclass
class _Tally:
    """How a class fared with one task."""

    number: str
    title: str
    out_of: float
    points: list[float] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)

    @property
    def easy(self) -> tuple[float, float]:
        """Share of right answers, and of points: what sorts the tasks from the hardest."""
        n = self.states.total()
        return self.states["right"] / n, sum(self.points) / n


@dataclass
class _Misconception:
    """What went wrong in the same way with several students."""

    name: str
    number: str
    title: str
    count: int
    words: str  # all that the most of them were told


def _tallies(graded: Sequence[Marks]) -> list[_Tally]:
    """Return how the class fared, from the hardest task to the easiest."""
    tallies: dict[str, _Tally] = {}
    for marks in graded:
        for task in marks.tasks:
            new = _Tally(task.number, harmless(task.title), task.out_of)
            tally = tallies.setdefault(task.number, new)
            tally.points.append(task.points)
            tally.states[task.state] += 1
    return sorted(tallies.values(), key=lambda tally: tally.easy)


def _misconceptions(graded: Sequence[Marks]) -> list[_Misconception]:
    """Return what went wrong, from the most frequent on."""
    reasons: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    titles: dict[str, str] = {}
    for marks in graded:
        for task in marks.tasks:
            titles.setdefault(task.number, harmless(task.title))
            if task.misconception:
                reasons[task.number, task.misconception][task.reason] += 1
    found = [
        _Misconception(name, number, titles[number], told.total(), told.most_common(1)[0][0])
        for (number, name), told in reasons.items()
    ]
    return sorted(found, key=lambda one: (-one.count, one.number))


def _to_teach_again(found: Sequence[_Misconception], students: int) -> list[_Misconception]:
    """Return the most frequent misconception of each task, where many of the class have it."""
    first: dict[str, _Misconception] = {}
    for one in found:
        first.setdefault(one.number, one)
    return [one for one in first.values() if one.count >= _OFTEN * students]


def _words_out_of(marks: Marks) -> float:
    return sum(task.text_out_of for task in marks.tasks)


def _pictures(tallies: Sequence[_Tally]) -> dict[str, Markup]:
    """Return the tasks' picture for a wide page and for a phone; none without tasks."""
    if not tallies:
        return {}
    return {name: _bars(tallies, width) for name, width in (("wide", 800), ("narrow", 358))}


def _bars(tallies: Sequence[_Tally], width: int) -> Markup:
    """Draw how many answers to each task were right, partly right and so on, as SVG.

    One unit of the picture is a pixel of the page, and text takes the page's colour and fonts.
    """
    import io
    import warnings

    from markupsafe import Markup
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    height = 52 * len(tallies)
    figure = Figure(figsize=(width / 72, height / 72))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    for row, tally in enumerate(tallies):
        _bar(ax, tally, top=52 * row, width=width)
    settings = {"svg.fonttype": "none", "svg.hashsalt": str(width)}
    file = io.StringIO()
    with rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that matplotlib's own font lacks
        figure.savefig(file, format="svg", transparent=True)
    return Markup(_for_a_page(file.getvalue()))


def _bar(ax: Any, tally: _Tally, *, top: float, width: float) -> None:
    total, left = tally.states.total(), 0.0
    right = f"{tally.states['right']:,} of {total:,} right"
    room = int((width - 8 * len(right) - 16) / 8.6)  # letters of about so many pixels, if bold
    label = f"{tally.number}  {tally.title}"
    label = label if len(label) <= room else f"{label[: room - 1].rstrip()}…"
    ax.text(0, top + 15, label, fontsize=14, color=_INK, weight="bold", parse_math=False)
    ax.text(width, top + 15, right, fontsize=14, color=_INK, ha="right")
    for state, (mark, _) in MARKS.items():
        count = tally.states[state]
        length = width * count / total
        paint, ink = PAINT[state]
        if count:
            ax.barh(top + 32, max(length - 2, 1), 22, left, color=paint)
        words = f"{mark} {count:,}"
        if length > 9 * len(words):
            ax.text(left + length / 2 - 1, top + 37, words, fontsize=13, color=ink, ha="center")
        left += length


def _for_a_page(svg: str) -> str:
    """Return an SVG of matplotlib's as it stands in a page, in its ink and its fonts."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: (?:bold )?([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    return svg.replace(f"fill: {_INK}", "fill: currentColor")


def _inline(text: str) -> Markup:
    """Return text with its `code` and *emphasis* marked up, and all else escaped."""
    from markupsafe import Markup, escape

    parts, end = [], 0
    text = harmless(text)
    for match in _INLINE.finditer(text):
        tag, words = ("code", match["code"]) if match["code"] else ("em", match["emphasis"])
        parts += [escape(text[end : match.start()]), Markup("<{0}>{1}</{0}>").format(tag, words)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _reason(task: Task) -> Markup:
    words = _SAID.sub("", task.reason.strip())
    return _inline(words[:1].upper() + words[1:])


def _duration(seconds: float) -> str:
    """Return a time in words, such as ``40 s``, ``12 min`` or ``3 h 5 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 100 else f"{minutes} min"


def _render(name: str, **what: Any) -> str:
    return _environment().get_template(name).render(**what)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([_TEMPLATES, _STYLE]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "harmless": harmless,
        "inline": _inline,
        "plain": plain,
        "duration": _duration,
        "reason": _reason,
        "mean": fmean,
        "median": median,
    }
    environment.globals |= {"MARKS": MARKS, "PAINT": PAINT}
    return environment

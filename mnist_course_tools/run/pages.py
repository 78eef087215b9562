"""The pages of a run: one that sums up, and one for each notebook."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.report import Record, parse, published, write
from mnist_course_tools.normalise import normalise
from mnist_course_tools.notebooks import read_notebook, title_of, write_whole
from mnist_course_tools.outputs import lasting

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from mnist_course_tools.run.job import Outcome

_CODE = re.compile(r"(<(?:code|pre)\b.*?</(?:code|pre)>)", re.DOTALL)
_FORMULA = re.compile(
    r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?!\s)(?P<inline>[^$]+?)(?<!\s)\$(?!\d)", re.DOTALL
)
_EMPTY_HEADER = re.compile(r"<th\b([^>]*)>\s*</th>")
_TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
# Beside a page lies no notebook that such a link could lead to.
_TO_NOTEBOOK = re.compile(r'<a href="(?![a-z]+:)[^"]*\.ipynb(?:#[^"]*)?">(.*?)</a>', re.DOTALL)
_TEMPLATE = Path(__file__).parent / "templates" / "mnist-course"
_GENERATOR = re.compile(r'<meta [^>]*content="mnist-course"')  # stands in each page of ours
_LONG = 45  # letters of TeX: a longer formula may be wider than a phone
_HEAD = 1000  # characters, among which the mark of our pages stands


def agreement(outcome: Outcome) -> str:
    """Sum up how many of a notebook's numbers agree with the published ones, in words."""
    judged = [record for record in outcome.records if record.agrees is not None]
    others = len(outcome.records) - len(judged)
    words = []
    if judged:
        recorded = sum(record.profile != outcome.profile for record in judged)
        words.append(f"{sum(bool(record.agrees) for record in judged)} of {len(judged)}")
        words[0] += f" ({recorded} recorded)" if recorded else ""
    if others:
        words.append(f"{others} not compared")
    return ", ".join(words) or "none"


def holding(outcome: Outcome) -> str:
    """Sum up how many of a notebook's claims hold, in words."""
    if not outcome.claims:
        return "none"
    words = f"{sum(claim.holds for claim in outcome.claims)} of {len(outcome.claims)}"
    few = sum(not claim.holds and not claim.broken for claim in outcome.claims)
    return f"{words} ({few} not on these rows)" if few else words


def result(outcome: Outcome) -> str:
    """Sum up in words how a notebook ended."""
    if outcome.failure is not None:
        where = f"cell {outcome.failure.cell}: " if outcome.failure.cell else ""
        return f"failed in {where}{outcome.failure.name}" if where else outcome.failure.name
    problems = [f"does not agree: {record.id}" for record in outcome.disagreeing]
    problems += [f"does not hold: {claim.sentence}" for claim in outcome.broken]
    return "; ".join(problems) or "ran"


def write_pages(outcomes: Sequence[Outcome], folder: Path, *, summary: str) -> list[str]:
    """Write a page for each notebook of a run, and ``index.html``, which sums up.

    Pages that an earlier run left in the folder go first. What cannot be written holds up
    nothing else: there may have been hours of computing before.

    Parameters
    ----------
    outcomes : sequence of Outcome
    folder : Path
        Where the pages go.
    summary : str
        One sentence: profile, source, cores.

    Returns
    -------
    list of str
        A sentence for each page that could not be written.
    """
    pages: dict[Path, str] = {}
    problems: list[str] = []
    with _noting("The old pages", problems):
        _remove_pages(folder)
    for outcome in outcomes:
        name = f"{outcome.notebook.stem}.html"
        with _noting(f"The page {name}", problems):
            if outcome.output.exists():
                _write(folder / name, _chapter(outcome))
                pages[outcome.notebook] = name
    with _noting("The page index.html", problems):
        _write(folder / "index.html", _overview(outcomes, pages, summary, problems))
    return problems


@contextlib.contextmanager
def _noting(what: str, problems: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # nbconvert, jinja2 and the disk raise what they like
        problems.append(f"{what} could not be written ({type(error).__name__}: {error}).")


def _remove_pages(folder: Path) -> None:
    """Remove the pages of earlier runs, and no file that is not one."""
    for path in folder.glob("*.html"):
        with path.open(encoding="utf-8", errors="replace") as file:
            ours = _GENERATOR.search(file.read(_HEAD))
        if ours:
            path.unlink()


def _write(path: Path, text: str) -> None:
    with write_whole(path) as file:
        file.write(text)


def _chapter(outcome: Outcome) -> str:
    """Return a run notebook as a page."""
    notebook = read_notebook(outcome.output)
    if outcome.failure is None:
        notebook = normalise(notebook, read_notebook(outcome.notebook))
    else:  # It may hold fewer cells than the original, so it is shown as it is, without widgets.
        notebook.metadata.pop("widgets", None)
        for cell in notebook.cells:
            for output in cell.get("outputs", ()):
                if "data" in output:
                    output.data = lasting(output.data)
            if "outputs" in cell:
                cell.outputs = [o for o in cell.outputs if o.get("data", o.output_type)]
    return as_html(notebook, title_of(notebook) or outcome.notebook.stem)


def as_html(notebook: NotebookNode, title: str) -> str:
    """Return a notebook as a page that asks for nothing: no script, no other file, no host.

    Parameters
    ----------
    notebook : NotebookNode
    title : str
        Of the page.
    """
    from jinja2 import pass_context
    from nbconvert import HTMLExporter

    class Exporter(HTMLExporter):
        """Writes formulas as MathML, which a browser shows without script or network."""

        def markdown2html(self, context, source):
            return formulas_as_mathml(super().markdown2html(context, source))

    # jinja is told so with an attribute; a method that overrides does not inherit it.
    Exporter.markdown2html = pass_context(Exporter.markdown2html)
    exporter = Exporter(
        template_name=_TEMPLATE.name, extra_template_basedirs=[str(_TEMPLATE.parent)]
    )
    text, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    # The corner of a table is a header of nothing. What may be too wide scrolls by keyboard too.
    text = _EMPTY_HEADER.sub(r"<td\1></td>", text)
    text = text.replace("<pre", '<pre tabindex="0"')
    text = _TO_NOTEBOOK.sub(r"\1", text)
    return _TABLE.sub(r'<div class="scroll" tabindex="0">\g<0></div>', text)


def formulas_as_mathml(text: str) -> str:
    """Replace TeX formulas in HTML by MathML; one that cannot be read stays as it is.

    Parameters
    ----------
    text : str
        HTML with formulas between single or double dollar signs; code is left as it is.
    """
    from latex2mathml.converter import convert

    def formula(match: re.Match[str]) -> str:
        tex = html.unescape(match["block"] or match["inline"])
        try:
            maths = convert(tex, display="block" if match["block"] else "inline")
        except Exception:  # of many kinds, some of them its own
            return match[0]
        wide = match["block"] or len(tex) > _LONG
        return f'<span class="scroll" tabindex="0">{maths}</span>' if wide else maths

    parts = _CODE.split(text)
    parts[::2] = [_FORMULA.sub(formula, part) for part in parts[::2]]
    return "".join(parts)


def _overview(
    outcomes: Sequence[Outcome], pages: Mapping[Path, str], summary: str, problems: Sequence[str]
) -> str:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("overview.html.j2").render(
        outcomes=outcomes,
        pages=pages,
        summary=summary,
        problems=problems,
        experiments=_experiments(outcomes),
        agreement=agreement,
        holding=holding,
        result=result,
    )


@dataclass(frozen=True)
class _Experiment:
    """Numbers that one experiment gave, as they are shown."""

    name: str
    words: str
    numbers: list[dict[str, str]]


def _experiments(outcomes: Sequence[Outcome]) -> list[_Experiment]:
    """Group the records of a run by experiment, in order."""
    words = {_experiment(number.id): number.experiment for number in reversed(published().values())}
    experiments: dict[str, _Experiment] = {}
    for outcome in outcomes:
        for record in outcome.records:
            name = _experiment(record.id)
            new = _Experiment(name, words.get(name, ""), [])
            numbers = experiments.setdefault(name, new).numbers
            numbers.append(_number(record, outcome.profile, known=new.words))
    return list(experiments.values())


def _experiment(id: str) -> str:
    return id.rpartition(".")[0]


def _number(record: Record, profile: str, *, known: str) -> dict[str, str]:
    number = published().get(record.id)
    words = number.experiment if number else ""
    recorded = record.profile != profile
    return {
        "quantity": number.quantity if number else record.id,
        "note": "" if words in (known, "same") else words,
        "published": write(parse(record.published)),
        "ours": write(parse(record.ours)),
        "verdict": {True: "yes", False: "no", None: "not compared"}[record.agrees],
        "mark": {True: "good", False: "bad", None: ""}[record.agrees],
        "origin": f"recorded ({record.profile})" if recorded else "this run",
    }

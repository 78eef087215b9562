"""The report of a run: one page that sums up, and a page for each notebook."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_course.report import Record, published
from mnist_course_tools.normalise import normalise

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from mnist_course_tools.run.job import Outcome

_CODE = re.compile(r"(<(?:code|pre)\b.*?</(?:code|pre)>)", re.DOTALL)
_FORMULA = re.compile(
    r"\$\$(?P<block>.+?)\$\$|(?<![\\$\w])\$(?!\s)(?P<inline>[^$]+?)(?<!\s)\$(?!\d)", re.DOTALL
)
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = """
body { font-family: system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #1b1b1b; background: #fff; line-height: 1.5 }
table { border-collapse: collapse; margin: 1em 0 2em }
th, td { text-align: left; padding: 0.35em 1em 0.35em 0; border-bottom: 1px solid #ddd;
         vertical-align: top }
td.number { text-align: right; font-variant-numeric: tabular-nums }
.bad { color: #a30000; font-weight: 600 }
.good { color: #00613d }
pre { background: #f6f6f6; padding: 1em; overflow-x: auto; font-size: 0.85em }
"""


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


def result(outcome: Outcome) -> str:
    """Sum up in words how a notebook ended."""
    if outcome.failure is not None:
        where = f"cell {outcome.failure.cell}: " if outcome.failure.cell else ""
        return f"failed in {where}{outcome.failure.name}" if where else outcome.failure.name
    if outcome.disagreeing:
        return f"does not agree: {', '.join(record.id for record in outcome.disagreeing)}"
    return "ran"


def write_report(outcomes: Sequence[Outcome], folder: Path, *, summary: str) -> Path:
    """Write the report of a run.

    Parameters
    ----------
    outcomes : sequence of Outcome
    folder : Path
        Where ``index.html`` and the pages go.
    summary : str
        One sentence: profile, source, cores.

    Returns
    -------
    Path
        The page that sums up.
    """
    pages = {outcome.notebook: _write_page(outcome, folder) for outcome in outcomes}
    rows = "\n".join(_row(outcome, pages[outcome.notebook]) for outcome in outcomes)
    failures = "\n".join(_failure(outcome) for outcome in outcomes if outcome.failure)
    ledger = "\n".join(_ledger_row(record) for o in outcomes for record in o.records)
    index = folder / "index.html"
    index.write_text(
        f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Course run</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body>
<h1>Course run</h1>
<p>{html.escape(summary)}</p>
<table><thead><tr><th>Chapter</th><th>Seconds</th><th>Peak memory</th>
<th>Numbers that agree</th><th>Result</th></tr></thead><tbody>
{rows}
</tbody></table>
{failures}
<h2>Published and reproduced</h2>
<table><thead><tr><th>Quantity</th><th>Published</th><th>Ours</th><th>Agrees</th><th>Id</th></tr>
</thead><tbody>
{ledger}
</tbody></table>
</body></html>
""",
        encoding="utf-8",
    )
    return index


def _write_page(outcome: Outcome, folder: Path) -> Path | None:
    import nbformat

    if not outcome.output.exists():
        return None
    page = folder / f"{outcome.notebook.stem}.html"
    notebook = nbformat.read(outcome.output, as_version=4)
    if outcome.failure is None:
        source = nbformat.read(outcome.notebook, as_version=4)
        notebook = normalise(notebook, source)
    page.write_text(_as_html(notebook, outcome.notebook.stem), encoding="utf-8")
    return page


def _as_html(notebook: NotebookNode, name: str) -> str:
    from jinja2 import pass_context
    from nbconvert import HTMLExporter

    class Exporter(HTMLExporter):
        """Writes formulas as MathML, which a browser shows without script or network."""

        def markdown2html(self, context, source):
            return formulas_as_mathml(super().markdown2html(context, source))

    # jinja is told so with an attribute; a method that overrides does not inherit it.
    Exporter.markdown2html = pass_context(Exporter.markdown2html)
    exporter = Exporter(template_name="mnist-course", extra_template_basedirs=[str(_TEMPLATES)])
    text, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": name}})
    return text


def formulas_as_mathml(text: str) -> str:
    """Replace TeX formulas in HTML by MathML.

    Parameters
    ----------
    text : str
        HTML with formulas between single or double dollar signs; code is left as it is.
    """
    from latex2mathml.converter import convert

    def formula(match: re.Match[str]) -> str:
        display = "block" if match["block"] else "inline"
        return convert(html.unescape(match["block"] or match["inline"]), display=display)

    parts = _CODE.split(text)
    parts[::2] = [_FORMULA.sub(formula, part) for part in parts[::2]]
    return "".join(parts)


def _row(outcome: Outcome, page: Path | None) -> str:
    title = html.escape(outcome.title)
    link = f'<a href="{page.name}">{title}</a>' if page else title
    mark = "good" if outcome.ok else "bad"
    return (
        f"<tr><td>{link}</td>"
        f'<td class="number">{outcome.seconds:.1f}</td>'
        f'<td class="number">{outcome.peak_bytes / 1e6:.0f} MB</td>'
        f"<td>{agreement(outcome)}</td>"
        f'<td class="{mark}">{html.escape(result(outcome))}</td></tr>'
    )


def _failure(outcome: Outcome) -> str:
    failure = outcome.failure
    heading = html.escape(f"{outcome.notebook.name}, cell {failure.cell}: {failure.name}")
    detail = html.escape(failure.traceback or failure.message)
    return f'<h2 class="bad">{heading}</h2><p>{html.escape(failure.message)}</p><pre>{detail}</pre>'


def _ledger_row(record: Record) -> str:
    number = published()[record.id]
    words = {True: "yes", False: "no", None: "not compared"}[record.agrees]
    mark = {True: "good", False: "bad", None: ""}[record.agrees]
    cells = (number.quantity, record.published, record.ours)
    return (
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        + f'<td class="{mark}">{words}</td><td><code>{html.escape(record.id)}</code></td></tr>'
    )

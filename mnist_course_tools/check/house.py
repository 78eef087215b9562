"""House rules that a committed notebook has to keep, each a small function.

The rules read the notebook only; whether its outputs are still true is ``verify``'s business.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from mnist_course_tools.check.claim_rules import (
    claims_are_computed,
    claims_stand_once,
    is_claim,
)
from mnist_course_tools.normalise import normalise
from mnist_course_tools.notebooks import is_solution

MOST_BYTES = 600_000
MOST_CELLS = 48
# A cell that needs scrolling holds more than one idea. Imports and claims are not counted.
MOST_CODE_LINES = 15
# How long a lesson takes: words a minute; minutes for a line of code, a picture, and a prediction
# that one thinks about. The stated minutes may differ from the sum by a fifth.
WORDS_A_MINUTE, A_LINE, A_PICTURE, A_PREDICTION, ALLOWED = 200, 1 / 12, 3 / 4, 1, 1 / 5
# "A digit" says nothing about a figure; a real description is longer.
SHORTEST_ALT_TEXT = 15

PARAMETERS = ("source", "profile", "seed")
IMAGE_TYPES = ("image/png", "image/jpeg", "image/svg+xml")

_FOLDERS = "home|root|Users|work|tmp|var|opt|mnt|srv|usr|private|Volumes|builds"
_ABSOLUTE_PATH = re.compile(
    # Not inside an address (host/tmp), a relative path (../tmp, ~/tmp) or a product ({x}/tmp).
    rf"(?:(?<![\w./~)}}\]-])|(?<=file://))/(?:{_FOLDERS})(?![\w-])[^\s\"'`<>,;)]*"
    # Drive letters are upper case; f:\mathbb is mathematics.
    r"|(?<!\w)[A-Z]:[\\/]{1,2}(?i:Users|Documents|Program|Windows|Temp|work|home)[^\s\"'`<>,;)]*"
)
_ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]+")
_EMBEDDED_IMAGE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\\\s]+")
_FENCED_CODE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}\s+(.*)")
_MINUTES = re.compile(r"\*\*Time:\*\* about (\d+) minutes")
_PREDICTION = re.compile(r"\*\*(?:Predict|Guess|Work out|How many)\b")
# Items of the outer level only: one that belongs to another is indented.
_LIST_ITEM = re.compile(r"^ ?(?:[-*+]|\d+[.)])\s+\S")
# nbval's ways to leave a cell unchecked: a notebook that uses them passes by accident.
_NBVAL_ESCAPE = re.compile(r"^\s*#+\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)", re.MULTILINE)
_NBVAL_TAGS = ("nbval-", "raises-exception")
_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}

_RUN_AGAIN = (
    "Run it again: mnist-course run --profile full --source mnist --update (solutions: with "
    "--exercises)"
)

Rule = Callable[[NotebookNode], Iterator[str]]


def problems(
    notebook: NotebookNode,
    *,
    name: str,
    size: int | None = None,
    rules: tuple[Rule, ...] | None = None,
) -> list[str]:
    """Check one notebook against the house rules.

    Parameters
    ----------
    notebook : NotebookNode
        The notebook, as read by nbformat.
    name : str
        What to call it in the sentences.
    size : int, optional
        Size of the file in bytes; not checked when left out.
    rules : tuple of callable, optional
        By default those for lessons.

    Returns
    -------
    sentences : list of str
        One for each problem: notebook, cell (counted from 1 over all cells), what to do.
    """
    found = [*_size_problems(size)] if size is not None else []
    for rule in rules or RULES:
        found += rule(notebook)
    return [f"{name}, {sentence}" for sentence in found]


def check_file(path: Path) -> list[str]:
    """Check one notebook file against the house rules.

    Parameters
    ----------
    path : Path
        A lesson; or solved exercises, if it lies in a folder ``solutions``.

    Returns
    -------
    sentences : list of str
        As of `problems`; a file that is no notebook is one problem.
    """
    try:
        # v4.reads takes the file as it is; nbformat.read would mend missing cell ids silently.
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        rules = SOLUTION_RULES if is_solution(path) else RULES
        return problems(notebook, name=path.name, size=path.stat().st_size, rules=rules)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        return [f"{path.name} is not a notebook in nbformat 4 ({error!r}): save it with Jupyter."]


# --- rules -----------------------------------------------------------------------------------


def _size_problems(size: int) -> Iterator[str]:
    if size > MOST_BYTES:
        yield (
            f"whole notebook: {size:,} bytes, but at most {MOST_BYTES:,}. Show fewer or smaller "
            "figures."
        )


def as_a_run_leaves_it(notebook: NotebookNode) -> Iterator[str]:
    """The file is what `normalise` makes of it: run once from the top, and no traces of the run."""
    if any("injected-parameters" in _tags(cell) for cell in notebook.cells):
        yield "whole notebook: a cell with parameters of a run is left over. Remove it."
        return
    clean = normalise(notebook, notebook)
    never = [n for n, c in _code_cells(notebook) if c.source.strip() and not c.execution_count]
    if never:
        cells = f"cell{'s' * (len(never) > 1)} {', '.join(map(str, never))}"
        yield f"{cells}: never run. {_RUN_AGAIN}"
        return  # The counts of the others say nothing until all were run.
    for part in ("metadata", "nbformat", "nbformat_minor"):
        if notebook[part] != clean[part]:
            yield f"whole notebook: {part}: not as a run leaves it. {_RUN_AGAIN}"
    for number, (cell, wanted) in enumerate(zip(notebook.cells, clean.cells, strict=True), 1):
        for part in ("metadata", "execution_count", "outputs"):
            if cell.get(part) != wanted.get(part):
                yield f"cell {number}: {part}: not as a run leaves it. {_RUN_AGAIN}"


def not_too_many_cells(notebook: NotebookNode) -> Iterator[str]:
    """A notebook is one sitting."""
    count = len(notebook.cells)
    if count > MOST_CELLS:
        yield f"whole notebook: {count} cells, but at most {MOST_CELLS}. Split or shorten it."


def title_is_a_question(notebook: NotebookNode) -> Iterator[str]:
    """The first line is a heading that asks what the chapter answers."""
    first = notebook.cells[0] if notebook.cells else None
    line = first.source.partition("\n")[0].strip() if first is not None else ""
    is_title = first is not None and first.cell_type == "markdown" and line.startswith("# ")
    if not (is_title and line.endswith("?")):
        yield "cell 1: begin with a text cell whose first line is '# ' and a question with a '?'."


def takeaways_mirror_objectives(notebook: NotebookNode) -> Iterator[str]:
    """There are objectives and take-aways, as many of the one as of the other."""
    counts = {}
    for word in ("objectives", "take-aways"):
        section = _section(notebook, word)
        if section is None:
            yield f"whole notebook: no heading with the word '{word}'. Add that section."
            continue
        number, lines = section
        counts[word] = _first_list_length(lines)
        if counts[word] == 0:
            yield f"cell {number}: the section '{word}' holds no list. Write one item for each."
    objectives, takeaways = counts.get("objectives"), counts.get("take-aways")
    if objectives and takeaways and objectives != takeaways:
        yield (
            f"whole notebook: {objectives} objectives but {takeaways} take-aways. Let each "
            "take-away answer one objective."
        )


def the_minutes_are_about_right(notebook: NotebookNode) -> Iterator[str]:
    """The minutes at the top are those that reading takes, by a rule of thumb."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    stated = _MINUTES.search("\n".join(texts))
    if stated is None:
        return
    minutes = reading_minutes(notebook)
    if abs(int(stated[1]) - minutes) > ALLOWED * minutes:
        yield (
            f"whole notebook: it says {stated[1]} minutes, and reading takes about {minutes:.0f}. "
            "Write that."
        )


def reading_minutes(notebook: NotebookNode) -> float:
    """Return how long it takes to read a notebook, by its words, code, pictures and questions."""
    texts = " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    code = [line for _, cell in _code_cells(notebook) for line in cell.source.splitlines()]
    pictures = [o for _, o in _outputs(notebook) if set(IMAGE_TYPES) & set(o.get("data", {}))]
    predictions = len(_PREDICTION.findall(texts)) * A_PREDICTION
    return (
        len(texts.split()) / WORDS_A_MINUTE
        + len(code) * A_LINE
        + len(pictures) * A_PICTURE
        + predictions
    )


def one_parameters_cell(notebook: NotebookNode) -> Iterator[str]:
    """Exactly one cell is tagged for papermill, and it defines what the runner sets."""
    tagged = [(n, cell) for n, cell in _code_cells(notebook) if "parameters" in _tags(cell)]
    if len(tagged) != 1:
        yield (
            f"whole notebook: {len(tagged)} code cells are tagged 'parameters'. Tag exactly one."
        )
        return
    number, cell = tagged[0]
    try:
        defined = _assigned_names(cell.source)
    except SyntaxError:
        yield f"cell {number}: the parameters are not plain Python. Write assignments only."
        return
    missing = [name for name in PARAMETERS if name not in defined]
    if missing:
        yield f"cell {number}: the parameters lack {', '.join(missing)}. Define them there."


def figures_have_alt_text(notebook: NotebookNode) -> Iterator[str]:
    """Every picture is described for those who cannot see it."""
    for number, output in _outputs(notebook):
        metadata = output.get("metadata", {})
        for mime in IMAGE_TYPES:
            if mime not in output.get("data", {}):
                continue
            own = metadata.get(mime, {})
            alt = str(own.get("alt", "")).strip() if isinstance(own, dict) else ""
            if len(alt) < SHORTEST_ALT_TEXT:
                yield (
                    f"cell {number}: a picture ({mime}) has no description of at least "
                    f"{SHORTEST_ALT_TEXT} characters. Give it an alt text."
                )


def no_absolute_paths(notebook: NotebookNode) -> Iterator[str]:
    """Nothing names a place on the author's machine."""
    for number, cell in enumerate(notebook.cells, start=1):
        places = [("source", cell.source)]
        places += [
            ("output", text) for output in cell.get("outputs", []) for text in _texts(output)
        ]
        for place, text in places:
            found = _ABSOLUTE_PATH.search(_EMBEDDED_IMAGE.sub("", text))
            if found:
                yield (
                    f"cell {number}: its {place} holds the path {found.group()}. Use a relative "
                    "path, or show only the file's name."
                )


def no_errors(notebook: NotebookNode) -> Iterator[str]:
    """No cell failed."""
    for number, output in _outputs(notebook):
        if output.output_type == "error":
            yield (
                f"cell {number}: ends in {output.ename}. Mend it; an error that teaches is "
                "caught with try/except and printed."
            )


def no_memory_addresses(notebook: NotebookNode) -> Iterator[str]:
    """No default repr: it says nothing and changes with each run."""
    for number, output in _outputs(notebook):
        found = [match for text in _texts(output) if (match := _ADDRESS.search(text))]
        if found:
            yield (
                f"cell {number}: shows a memory address ({found[0].group()}). Show what the "
                "object holds, or assign it to _."
            )


def no_trailing_semicolon(notebook: NotebookNode) -> Iterator[str]:
    """Results that are not to be seen are assigned, not silenced."""
    for number, cell in _code_cells(notebook):
        if _ends_with_semicolon(cell.source):
            yield f"cell {number}: ends with ';'. Assign the result instead."


def short_code_cells(notebook: NotebookNode) -> Iterator[str]:
    """One cell, one idea; imports are no ideas, and claims are sentences."""
    for number, cell in _code_cells(notebook):
        count = sum(1 for line in _counted_lines(cell.source) if line.strip())
        if count > MOST_CODE_LINES:
            yield (
                f"cell {number}: {count} lines of code, but at most {MOST_CODE_LINES}. Split it, "
                "or move what distracts into the package."
            )


def cells_have_ids(notebook: NotebookNode) -> Iterator[str]:
    """Each cell keeps its own name, so that differences between versions stay small."""
    seen: set[str] = set()
    for number, cell in enumerate(notebook.cells, start=1):
        cell_id = cell.get("id")
        if not cell_id:
            yield f"cell {number}: has no id. Save the notebook in nbformat 4.5 or newer."
        elif cell_id in seen:
            yield f"cell {number}: has the id {cell_id!r} of an earlier cell. Give it its own."
        else:
            seen.add(cell_id)


def nothing_hidden_from_nbval(notebook: NotebookNode) -> Iterator[str]:
    """No cell is taken out of the comparison."""
    for number, cell in _code_cells(notebook):
        marks = [tag for tag in _tags(cell) if tag.startswith(_NBVAL_TAGS)]
        marks += _NBVAL_ESCAPE.findall(cell.source)
        if marks:
            yield (
                f"cell {number}: {', '.join(marks)} keeps it from being checked. Use the tag "
                "'measured' or 'rtol=...' instead."
            )


RULES: tuple[Rule, ...] = (
    as_a_run_leaves_it,
    not_too_many_cells,
    title_is_a_question,
    takeaways_mirror_objectives,
    the_minutes_are_about_right,
    one_parameters_cell,
    figures_have_alt_text,
    no_absolute_paths,
    no_errors,
    no_memory_addresses,
    no_trailing_semicolon,
    short_code_cells,
    cells_have_ids,
    nothing_hidden_from_nbval,
    claims_are_computed,
    claims_stand_once,
)

# A solved notebook is run and read like a lesson, but it is no lesson: it has no objectives.
_OF_LESSONS = (title_is_a_question, takeaways_mirror_objectives, claims_stand_once)
SOLUTION_RULES = tuple(rule for rule in RULES if rule not in _OF_LESSONS)


# --- reading a notebook ----------------------------------------------------------------------


def _code_cells(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield number and cell of the code cells; numbers count all cells from 1."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            yield number, cell


def _outputs(notebook: NotebookNode) -> Iterator[tuple[int, NotebookNode]]:
    """Yield each output with the number of its cell."""
    for number, cell in _code_cells(notebook):
        for output in cell.outputs:
            yield number, output


def _tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def _texts(output: NotebookNode) -> Iterator[str]:
    """Yield all text of an output; pictures are not text."""
    if output.output_type == "stream":
        yield "".join(output.text)
    elif output.output_type != "error":
        for mime, value in output.data.items():
            if not mime.startswith("image/"):
                yield from _strings(value)


def _strings(value: Any) -> Iterator[str]:
    """Yield all strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _section(notebook: NotebookNode, word: str) -> tuple[int, list[str]] | None:
    """Return cell number and lines of the section whose heading holds `word`."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type != "markdown":
            continue
        # A comment in fenced code looks like a heading.
        lines = _FENCED_CODE.sub("", cell.source).splitlines()
        for index, line in enumerate(lines):
            heading = _HEADING.match(line)
            if heading and word in heading.group(1).lower():
                return number, _until_heading(lines[index + 1 :])
    return None


def _until_heading(lines: list[str]) -> list[str]:
    """Return the lines before the next heading."""
    for index, line in enumerate(lines):
        if _HEADING.match(line):
            return lines[:index]
    return lines


def _first_list_length(lines: list[str]) -> int:
    """Count the items of the first list; a paragraph after it ends it."""
    count, after_blank = 0, False
    for line in lines:
        if _LIST_ITEM.match(line):
            count += 1
        elif count and after_blank and line.strip() and not line.startswith(" "):
            break
        after_blank = not line.strip()
    return count


def _counted_lines(source: str) -> list[str]:
    """Return the lines of some code but those of its imports and claims."""
    lines = source.splitlines()
    try:
        statements = ast.parse(source).body
    except SyntaxError:  # magics and shell commands
        return lines
    for statement in statements:
        if isinstance(statement, ast.Import | ast.ImportFrom) or is_claim(statement):
            first, last = statement.lineno - 1, statement.end_lineno
            lines[first:last] = [""] * (last - first)
    return lines


def _assigned_names(source: str) -> set[str]:
    """Return the names that top-level assignments define."""
    names = set()
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for target in targets:
            names |= {node.id for node in ast.walk(target) if isinstance(node, ast.Name)}
    return names


def _ends_with_semicolon(source: str) -> bool:
    """Whether the last thing in a cell, comments aside, is a semicolon."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        # Magics and shell commands are not Python.
        return source.rstrip().endswith(";")
    code = [token.string for token in tokens if token.type not in _NO_CODE]
    return bool(code) and code[-1] == ";"

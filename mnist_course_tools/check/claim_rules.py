"""House rules about claims: each is computed, and stands once."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from typing import Any

from nbformat import NotebookNode

# A lesson that makes claims makes a few; with more of them nobody sees the wood for the trees.
FEWEST_CLAIMS, MOST_CLAIMS = 6, 15


def claims_are_computed(notebook: NotebookNode) -> Iterator[str]:
    """What a claim says is tested: a sentence in plain words, and a condition out of results."""
    results = _computed_names(notebook)
    for number, sentence, condition in _claims(notebook):
        if not (isinstance(sentence, ast.Constant) and isinstance(sentence.value, str)) or not (
            sentence.value.strip()
        ):
            yield f"cell {number}: the sentence of a claim is not a text between quotes. Write one."
        elif sentence.value.rstrip().endswith("."):
            yield f"cell {number}: the sentence of a claim ends with a full stop. Leave it out."
        if condition is None or not _depends_on(condition, results):
            yield (
                f"cell {number}: the condition of a claim is not computed. Compare results, so "
                f"that it can come out false."
            )


def claims_stand_once(notebook: NotebookNode) -> Iterator[str]:
    """No sentence is said twice, and there are neither hardly any claims nor too many."""
    seen: dict[str, int] = {}
    for number, sentence, _ in _claims(notebook):
        text = sentence.value if isinstance(sentence, ast.Constant) else None
        if not isinstance(text, str) or not text:
            continue  # claims_are_computed says what is wrong with it
        if text in seen:
            yield f"cell {number}: says what cell {seen[text]} claims already. Say it once."
        seen.setdefault(text, number)
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "markdown":
            for text in seen:
                if text in " ".join(cell.source.split()):
                    yield f"cell {number}: repeats a claim of cell {seen[text]}. Say it once."
    if seen and not FEWEST_CLAIMS <= len(seen) <= MOST_CLAIMS:
        yield (
            f"whole notebook: {len(seen)} claims. A lesson makes {FEWEST_CLAIMS} to {MOST_CLAIMS}."
        )


# --- reading code ---------------------------------------------------------------------------


def _trees(notebook: NotebookNode) -> Iterator[tuple[int, ast.Module]]:
    """Yield number and syntax tree of the code cells that are plain Python."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code":
            with contextlib.suppress(SyntaxError):
                yield number, ast.parse(cell.source)


def _claims(notebook: NotebookNode) -> Iterator[tuple[int, ast.expr, ast.expr | None]]:
    """Yield cell number, sentence and condition of each claim, as expressions."""
    for number, tree in _trees(notebook):
        for node in ast.walk(tree):
            if _calls_claim(node):
                given = [*node.args, None, None][:2]
                named = {keyword.arg: keyword.value for keyword in node.keywords}
                sentence = given[0] or named.get("sentence") or ast.Constant(None)
                yield number, sentence, given[1] or named.get("condition")


def is_claim(statement: ast.stmt) -> bool:
    """Tell whether a statement is nothing but a claim."""
    return isinstance(statement, ast.Expr) and _calls_claim(statement.value)


def _calls_claim(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "claim"


def _computed_names(notebook: NotebookNode) -> set[str]:
    """Return the names that hold results: not only constants are ever assigned to them."""
    names = set()
    for _, tree in _trees(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and _is_constant(
                node.value
            ):
                continue
            if isinstance(node, ast.stmt | ast.comprehension | ast.NamedExpr | ast.withitem):
                names |= {
                    part.id
                    for field in ("target", "targets", "optional_vars")
                    for target in _as_list(getattr(node, field, []))
                    for part in ast.walk(target)
                    if isinstance(part, ast.Name)
                }
            if isinstance(node, ast.FunctionDef):
                names |= {node.name, *(argument.arg for argument in node.args.args)}
    return names


def _as_list(value: Any) -> list[ast.AST]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _is_constant(value: ast.expr | None) -> bool:
    return value is None or not any(isinstance(node, ast.Name) for node in ast.walk(value))


def _depends_on(condition: ast.expr, results: set[str]) -> bool:
    """Whether a condition can come out either way, as far as its form tells."""
    if isinstance(condition, ast.BoolOp):
        # `x > 1 or True` is true whatever x is; each part has to be computed.
        return all(_depends_on(part, results) for part in condition.values)
    if isinstance(condition, ast.UnaryOp | ast.Starred):
        inner = condition.operand if isinstance(condition, ast.UnaryOp) else condition.value
        return _depends_on(inner, results)
    if isinstance(condition, ast.Compare):
        sides = [condition.left, *condition.comparators]
        if len({ast.unparse(side) for side in sides}) < len(sides):
            return False  # x == x
    used = {node.id for node in ast.walk(condition) if isinstance(node, ast.Name)}
    return bool(used & results)

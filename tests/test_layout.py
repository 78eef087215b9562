"""The two packages: a small helper that notebooks import, and a workshop that they do not."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import mnist_course

ROOT = Path(__file__).parents[1]
HELPER, WORKSHOP = ROOT / "mnist_course", ROOT / "mnist_course_tools"
MODULES = sorted(HELPER.rglob("*.py"))
# What is in them is asked for by number and read last: they hold the answers to the exercises.
CHECKS = sorted((HELPER / "checks").glob("*.py"))
# What one chapter is about is read with that chapter: more machines with 7, handwriting with 9, the
# race with 10. Likewise what is other in a browser's tab, which the site is about.
IN_A_TAB = [HELPER / "browser.py", HELPER / "front_end" / "browser_start.py"]
WITH_A_CHAPTER = {
    7: [HELPER / "dask_cluster.py", HELPER / "acceleration.py"],
    9: [*(HELPER / "handwriting").glob("*.py"), HELPER / "drawing_pad.py", HELPER / "models.py"],
    10: [HELPER / f"{name}.py" for name in ("warp", "edges", "pair_svc", "hard_digits")],
}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISES = sorted((ROOT / "exercises").glob("*.ipynb"))
PUBLIC = {name: getattr(mnist_course, name) for name in mnist_course.__all__}
# One of them is wrapped by a cache, and so no function in the narrow sense.
FUNCTIONS = {n: it for n, it in PUBLIC.items() if callable(it) and not isinstance(it, type)}
MOST_LINES, MOST_FILES = 2360, 20
MOST_LINES_WITH_A_CHAPTER = {7: 250, 9: 1500, 10: 700}


@functools.cache  # every pair of modules asks
def _imported(source: str) -> set[str]:
    """Return the full names of all modules that Python code imports."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= {node.value} if node.value.startswith("mnist_course_tools") else set()
    return names


def _code(notebook: Path) -> str:
    cells = nbformat.read(notebook, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def _sections(function: Callable[..., Any]) -> dict[str, str]:
    """Return the sections of a docstring in numpydoc's form by their headings."""
    parts = re.split(r"^(\w[\w ]*)\n-+$", inspect.getdoc(function) or "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _lines(paths: list[Path]) -> dict[Path, int]:
    return {path: len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def test_the_helper_is_small_enough_to_be_read_in_twenty_minutes():
    later = {*IN_A_TAB, *(path for paths in WITH_A_CHAPTER.values() for path in paths)}
    read = [path for path in MODULES if path not in CHECKS and path not in later]
    lines = _lines(read)
    assert sum(lines.values()) <= MOST_LINES, sorted(lines.items(), key=lambda item: -item[1])
    assert len(read) <= MOST_FILES


@pytest.mark.parametrize("chapter", WITH_A_CHAPTER)
def test_what_belongs_to_one_chapter_is_read_with_it(chapter):
    lines = _lines(WITH_A_CHAPTER[chapter])
    most = MOST_LINES_WITH_A_CHAPTER[chapter]
    assert sum(lines.values()) <= most, sorted(lines.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_helper_imports_nothing_from_the_workshop(path):
    imported = _imported(path.read_text(encoding="utf-8"))
    assert not [name for name in imported if name.startswith("mnist_course_tools")]


@pytest.mark.parametrize(
    "path", NOTEBOOKS + EXERCISES, ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_no_notebook_imports_from_the_workshop(path):
    imported = _imported(_code(path))
    assert [name for name in imported if name.startswith("mnist_course")]
    assert not [name for name in imported if name.startswith("mnist_course_tools")]


def test_all_that_the_helper_offers_is_used_by_some_notebook():
    code = "\n".join(_code(path) for path in NOTEBOOKS + EXERCISES)
    unused = [n for n in mnist_course.__all__ if not re.search(rf"\b{re.escape(n)}\b", code)]
    # A reader's own first line, named in README; a type that load_mnist returns; the version.
    assert set(unused) <= {"accelerate", "Dataset", "__version__"}


def test_each_public_name_is_found_where_it_is_said_to_be_and_editors_see_the_same():
    source = (HELPER / "__init__.py").read_text(encoding="utf-8")
    (block,) = (
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {alias.name for node in block.body for alias in node.names} - {"*"}
    seen |= set(mnist_course._NAMES_IN["plots"])  # all of that module, with a star
    assert {*seen, "__version__"} == set(mnist_course.__all__) == set(dir(mnist_course))
    for name in mnist_course.__all__:
        assert getattr(mnist_course, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        mnist_course.nonsense  # noqa: B018


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_docstring_of_each_public_function_names_what_it_takes_and_gives(name):
    signature, sections = inspect.signature(FUNCTIONS[name]), _sections(FUNCTIONS[name])
    # An entry may stand for several: "X, y : array-like".
    entries = re.findall(r"^(\S.*?)(?: :.*)?$", sections.get("Parameters", ""), re.MULTILINE)
    documented = [word.lstrip("*") for entry in entries for word in entry.split(", ")]
    assert documented == list(signature.parameters)
    gives_nothing = signature.return_annotation in (None, "None")
    assert {"Returns", "Yields"}.isdisjoint(sections) == gives_nothing


def test_there_is_no_circle_of_imports():
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in MODULES}
    known |= {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in WORKSHOP.rglob("*.py")
    }
    known = {name.removesuffix(".__init__"): path for name, path in known.items()}
    edges = {
        name: {
            target
            for target in known
            if target != name
            and any(
                found == target or found.rpartition(".")[0] == target
                for found in _imported(path.read_text(encoding="utf-8"))
            )
            and target not in ("mnist_course", "mnist_course_tools")
        }
        for name, path in known.items()
        if path.name != "__init__.py"  # they only say where names are
    }
    settled: set[str] = set()
    while ready := {n for n in edges if n not in settled and edges[n] & edges.keys() <= settled}:
        settled |= ready
    assert settled == set(edges), f"a circle among {sorted(set(edges) - settled)}"


def test_the_map_in_contributing_names_every_room_and_no_other():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    _, _, drawn = text.partition("## Where things are")
    drawn, _, _ = drawn.partition("\n## ")
    named = set(re.findall(r"^\s*([\w.]+(?:\.py|/))(?=\s)", drawn, re.MULTILINE))
    rooms = {
        path.name + ("/" if path.is_dir() else "")
        for package in (HELPER, WORKSHOP)
        for path in package.rglob("*")
        if (path.is_dir() and path.name not in ("__pycache__", "mnist-course"))
        or (path.suffix == ".py" and not path.name.startswith(("__", "chapter_")))
    }
    top = {
        "exercises/",
        "source/",
        "solutions/",
        "mnist_course/",
        "mnist_course_tools/",
        "notebooks/",
        "tests/",
        "benchmarks/",
        "binder/",
        "docs/",
    }
    assert named == rooms | top


@pytest.mark.parametrize("module", ["mnist_course", "mnist_course_tools"])
def test_examples_in_docstrings_work(module):
    files = [p for p in (ROOT / module).rglob("*.py") if ">>> " in p.read_text(encoding="utf-8")]
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--doctest-modules", "-q", "-p", "no:cacheprovider"]
        + [str(path) for path in files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout

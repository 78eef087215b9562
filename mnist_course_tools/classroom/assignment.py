"""An assignment: what is graded, and with which data."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mnist_course
from mnist_course.errors import CourseError
from mnist_course_tools.classroom.assemble import kind_of
from mnist_course_tools.classroom.room import RUBRICS, Room
from mnist_course_tools.classroom.sandbox import Limits
from mnist_course_tools.notebooks import read_notebook, title_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

_HEADING = re.compile(r"^##+ +(.+)$", re.MULTILINE)
_NUMBER = re.compile(r"^[\w]+\.\d+ +")


@dataclass(frozen=True)
class Assignment:
    """What every process that grades needs to know; small enough to be sent to it.

    Attributes
    ----------
    name, title : str
    source : str
        The notebook with its solutions, as JSON.
    files : mapping of str to bytes
        What lies beside it, such as checks of the teacher's own.
    rows : str
        ``"digits"`` or ``"mnist"``.
    seed : int
        Draws the rows.
    limits : Limits
    """

    name: str
    title: str
    source: str
    files: Mapping[str, bytes]
    rows: str
    seed: int
    limits: Limits

    @property
    def notebook(self) -> NotebookNode:
        import nbformat

        return nbformat.reads(self.source, as_version=4)

    @property
    def parameters(self) -> dict[str, Any]:
        """What takes the place of values in the cell tagged ``parameters``."""
        return {"source": self.rows, "profile": "quick", "seed": self.seed}

    def key(self, submitted: Mapping[str, bytes]) -> str:
        """Return what stands for a submission and all that decides its marks."""
        found = hashlib.sha256(_grader())
        settings = [self.source, self.rows, self.seed, asdict(self.limits)]
        found.update(json.dumps(settings).encode())
        for files in (self.files, submitted):
            for name, content in sorted(files.items()):
                found.update(json.dumps([name, hashlib.sha256(content).hexdigest()]).encode())
        return found.hexdigest()


@dataclass(frozen=True)
class Check:
    """What a check cell says: the lines before the check, its number, and the answers."""

    before: str
    number: str
    answers: tuple[str, ...]


def read_assignment(room: Room, name: str) -> Assignment:
    """Read an assignment from a class's folder.

    Raises
    ------
    CourseError
        If it has not been built, or is damaged.
    """
    path = room.of_source(name)
    if not path.exists() or name not in room.seeds:
        built = ", ".join(room.assignments()) or "none"
        raise CourseError(f"There is no assignment {name!r} in {room.folder}. Built are: {built}.")
    notebook = read_notebook(path)
    files = {
        other.name: other.read_bytes()
        for other in sorted(path.parent.iterdir())
        if other.is_file() and other.name not in (path.name, RUBRICS) and other.name[0] != "."
    }
    text = path.read_text(encoding="utf-8")
    title = title_of(notebook) or name
    return Assignment(name, title, text, files, room.source, room.seeds.get(name, 0), room.limits)


def check_of(source: str) -> Check:
    """Take a check cell apart.

    Raises
    ------
    CourseError
        If its last line is no ``check("1.1", answer, ...)``.
    """
    try:
        *before, last = ast.parse(source).body
    except (SyntaxError, ValueError) as error:
        raise CourseError(f"A check cell cannot be read ({error}): {source[:80]!r}") from None
    match last:
        case ast.Expr(
            ast.Call(func=ast.Name("check"), args=[ast.Constant(str() as number), *answers])
        ) if answers and not any(isinstance(each, ast.Starred) for each in answers):
            lines = "\n".join(map(ast.unparse, before))
            return Check(lines, number, tuple(map(ast.unparse, answers)))
    raise CourseError(
        'The last line of a check cell should be check("1.1", answer, name=data), with the answers '
        f"first and by themselves. This one is {source[-80:]!r}."
    )


def with_parameters(source: str, parameters: Mapping[str, Any]) -> str:
    """Return a cell that ends by giving those of its names that are parameters other values."""
    names = {
        target.id
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    lines = [f"{name} = {value!r}" for name, value in parameters.items() if name in names]
    return "\n".join([source, *lines])


def is_parameters(cell: NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", ())


def titles(notebook: NotebookNode) -> dict[str, str]:
    """Return the heading above each check, by the check's grade id and without its number."""
    found, heading = {}, ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = _HEADING.findall(cell.source)
            heading = headings[-1] if headings else heading
        elif kind_of(cell) == "check":
            found[cell.metadata.nbgrader.grade_id] = _NUMBER.sub("", heading)
    return found


@cache
def _grader() -> bytes:
    """Return a digest of all code that has a say in marks."""
    found = hashlib.sha256()
    folders = Path(mnist_course.__file__).parent, Path(__file__).parent
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        found.update(path.read_bytes())
    return found.digest()

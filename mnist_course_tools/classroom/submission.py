"""Reading what was handed in, which may be anything."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGEST = 20 * 2**20  # bytes, all files of a submission together
_MOST_FILES, _LONGEST_NAME = 200, 180  # bytes, of 255 that file systems have
_BEGINS = {
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gz archive",
    b"\x89PNG": "a picture",
    b"<!DOC": "a web page",
    b"<html": "a web page",
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class Unreadable(Exception):
    """There is no notebook to grade; the message says what there is, and what to do."""


@dataclass(frozen=True)
class Submission:
    """The files in a student's folder for one assignment.

    Attributes
    ----------
    student : str
    files : dict of str to bytes
        By name; links and folders are left out.
    problem : str
        Why they were not read; empty if they were.
    """

    student: str
    files: Mapping[str, bytes]
    problem: str = ""


def read_submission(student: str, folder: Path) -> Submission:
    """Read a student's folder, or a file in its place; all but plain files is left alone."""
    if folder.is_symlink() or folder.parent.is_symlink():
        # It may lead to the solutions, or to another student's work.
        return Submission(student, {}, "It is a link to another place, which was not followed.")
    try:
        paths = [folder] if folder.is_file() else sorted(folder.iterdir())
        paths = [path for path in paths if path.is_file() and not path.is_symlink()]
        paths = [path for path in paths if not path.name.startswith(".")]
        if len(paths) > _MOST_FILES or sum(path.stat().st_size for path in paths) > LARGEST:
            words = f"There are more than {_MOST_FILES} files, or {LARGEST // 2**20} MB of them."
            return Submission(student, {}, words)
        return Submission(student, {path.name: path.read_bytes() for path in paths})
    except OSError as error:
        return Submission(student, {}, f"It cannot be read ({error.strerror or error}).")


def student_name(folder: str) -> str:
    """Return a name in the form that is the same however a system writes its umlauts.

    A name that leaves no room for the names of files made from it is cut, and told apart by a
    digest.
    """
    name = unicodedata.normalize("NFC", folder)
    if len(os.fsencode(name)) <= _LONGEST_NAME:
        return name
    return f"{name[:40]}~{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"


def notebook_of(submission: Submission, assignment: str) -> tuple[NotebookNode, list[str]]:
    """Return the notebook that was handed in, and what was odd about it.

    Raises
    ------
    Unreadable
        In words for teacher and student.
    """
    if submission.problem:
        raise Unreadable(submission.problem)
    name, notes = _choose(submission.files, f"{assignment}.ipynb")
    text, words = _text(submission.files[name], name)
    return _notebook(text, name), notes + words


def _choose(files: Mapping[str, bytes], wanted: str) -> tuple[str, list[str]]:
    found = [name for name in files if name.lower().endswith(".ipynb")]
    by_form = {student_name(name): name for name in found}
    if wanted in by_form:
        others = [name for name in found if name != by_form[wanted]]
        notes = [f"There are other notebooks beside it, not looked at: {', '.join(others)}."]
        return by_form[wanted], notes if others else []
    if len(found) == 1:
        return found[0], [f"The notebook is called {found[0]}; it was taken for {wanted}."]
    if found:
        raise Unreadable(f"Two or more notebooks, none called {wanted}: {', '.join(found)}.")
    if len(files) == 1:
        ((name, content),) = files.items()
        kind = _kind(content)
        packed = f" Nothing is lost: unpack it and hand in {wanted}." if "archive" in kind else ""
        shown = f"{name}{f', {kind}' if kind else ''}"
        raise Unreadable(f"There is no notebook, only {shown}.{packed}")
    names = ", ".join(list(files)[:5]) or "nothing at all"
    raise Unreadable(f"There is no notebook. In the folder: {names}.")


def _text(content: bytes, name: str) -> tuple[str, list[str]]:
    """Return a file as text, from whatever encoding says so itself."""
    if not content.strip():
        raise Unreadable(f"{name} is empty.")
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            try:
                text = content.decode(encoding)
            except UnicodeError:
                raise Unreadable(f"{name} is damaged: it is not the text it says it is.") from None
            words = f"{name} was saved as {encoding.upper().removesuffix('-SIG')} with a mark."
            return text, [words] if encoding != "utf-8-sig" else []
    try:
        return content.decode("utf-8"), []
    except UnicodeError:
        kind = _kind(content) or "no text"
        raise Unreadable(f"{name} is not a notebook but {kind}.") from None


def _kind(content: bytes) -> str:
    return next((kind for begin, kind in _BEGINS.items() if content.startswith(begin)), "")


def _notebook(text: str, name: str) -> NotebookNode:
    import nbformat

    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        if "<<<<<<<" in text and ">>>>>>>" in text:
            why = "it holds a conflict that git could not resolve (<<<<<<<)"
        else:
            why = _kind(text[:20].encode()) or "it was cut off or edited by hand"
        raise Unreadable(f"{name} is not a notebook: {why}.") from None
    if not isinstance(found, dict) or not isinstance(found.get("nbformat"), int):
        raise Unreadable(f"{name} is a JSON file, but not a notebook.")
    version = found["nbformat"]
    if version > nbformat.current_nbformat:
        raise Unreadable(f"{name} has format {version}, which is newer than this Jupyter knows.")
    try:
        with _quiet():
            notebook = nbformat.reads(text, as_version=4)
            nbformat.validate(notebook)
    except Exception as error:  # of many kinds, jsonschema's among them
        first = str(error).strip().partition("\n")[0][:120]
        raise Unreadable(f"{name} is a damaged notebook ({first}).") from None
    kernel = notebook.metadata.get("kernelspec", {})
    language = str(kernel.get("language") or notebook.metadata.get("language_info", {}).get("name"))
    if language.lower() not in ("python", "none", ""):
        shown = kernel.get("display_name", language)
        raise Unreadable(f"{name} was written for another kernel, {shown}. Choose Python's.")
    return notebook


def _quiet():
    """Silence nbformat, which warns of cells without ids: they get some."""
    import warnings

    return warnings.catch_warnings(action="ignore")

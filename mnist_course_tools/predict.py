"""Your pictures, read by the course's models, and what the terminal shows of it."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnist_course.data.cache import cache_folder
from mnist_course.errors import CourseError, PictureError
from mnist_course_tools.kept_models import trained_models

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline


_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
_INK = 128  # from here on a pixel is drawn where there are no greys


@dataclass(frozen=True, eq=False)
class Picture:
    """A digit in MNIST's form, and where it was found."""

    file: str
    number: int  # from 1, in the order of reading
    of: int  # so many digits are on the picture
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Answer:
    """What one model says about one picture: ten numbers that sum to 1."""

    model: str
    probabilities: NDArray[np.floating]

    @property
    def ranked(self) -> list[tuple[int, float]]:
        """All digits with their numbers, the largest first."""
        order = self.probabilities.argsort(kind="stable")[::-1]
        return [(int(digit), float(self.probabilities[digit])) for digit in order]


def predict(
    words: Sequence[str],
    console: Console,
    *,
    source: str = "auto",
    data_home: str | None = None,
    rows: int | None = None,
    page: bool = False,
    as_json: bool = False,
) -> bool:
    """Read pictures with every model, show the answers, and tell whether all could be read.

    Parameters
    ----------
    words : sequence of str
        Files, folders, and patterns such as ``*.png``, which not every shell expands.
    console : Console
    source, data_home : str, optional
        As in `load_mnist`.
    rows : int, optional
        Train on the first rows only.
    page : bool, default=False
        Read all digits of a picture; without it, more than one is an error.
    as_json : bool, default=False
        Print JSON and nothing else; progress and notices go to standard error.
    """
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        pictures, errors = read_pictures(words, page=page)
        answers: list[list[Answer]] = []
        trained_on: dict[str, Any] = {"source": None, "rows": None}
        if pictures:  # else nobody need wait for the models
            from mnist_course.data import load_mnist

            data = load_mnist(source, data_home=data_home)
            rows = min(rows or data.n_train, data.n_train)
            models = trained_models(data, rows, cache_folder(data_home) / "models", console)
            answers = _answers(models, pictures)
            trained_on = {"source": data.source, "rows": rows}
    if as_json:
        read = [_as_dict(*pair) for pair in zip(pictures, answers, strict=True)]
        failed = [{"file": file, "error": message} for file, message in errors]
        print(json.dumps({**trained_on, "pictures": read, "errors": failed}))
        return not errors
    for picture, said in zip(pictures, answers, strict=True):
        _show(picture, said, console)
    if pictures:
        console.print(
            "Probabilities of the SVMs rank the answers; they are not calibrated.", soft_wrap=True
        )
    for file, message in errors:
        console.print(f"{file}: {message}", style="red", soft_wrap=True, markup=False)
    return not errors


# --- pictures -----------------------------------------------------------------------------------


def read_pictures(
    words: Sequence[str], *, page: bool = False
) -> tuple[list[Picture], list[tuple[str, str]]]:
    """Return the digits that could be read, and for each file that could not its name and why."""
    from mnist_course.handwriting import page_to_mnist

    pictures: list[Picture] = []
    errors: list[tuple[str, str]] = []
    for word in words:
        try:
            files = _files(word)
        except PictureError as error:
            errors.append((word, _one_line(error)))
            continue
        for file in files:
            try:
                digits = page_to_mnist(file)
                if len(digits) > 1 and not page:
                    raise PictureError(
                        f"There are {len(digits)} digits on the picture, as far as can be seen, "
                        f"not one.\nWith --page all of them are read; or cut out the one you mean."
                    )
            except PictureError as error:
                errors.append((str(file), _one_line(error)))
                continue
            for number, pixels in enumerate(digits, 1):
                pictures.append(Picture(str(file), number, len(digits), pixels))
    return pictures, errors


def _files(word: str) -> list[Path]:
    """Return the files that a word names: itself, a folder's pictures, or what fits a pattern."""
    path = Path(word)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a name is too long
        try:
            inside = sorted(path.iterdir())
        except OSError as error:
            raise PictureError(f"The folder cannot be read ({error.strerror}).") from None
        files = [p for p in inside if p.suffix.lower() in _SUFFIXES and p.is_file()]
        files = [file for file in files if not file.name.startswith(".")]
        if not files:
            raise PictureError("There is no picture in the folder.\nName one that holds some.")
        return files
    if glob.has_magic(word) and not os.path.lexists(path):  # Windows leaves patterns to us
        found = glob.glob(word, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute one
        files = sorted(Path(name) for name in found)
        files = [file for file in files if not file.is_dir()]
        if not files:
            raise PictureError("No file fits the pattern.\nLook at the spelling and the folder.")
        return files
    return [path]


def _one_line(error: CourseError) -> str:
    return " ".join(str(error).splitlines())


# --- what is shown ------------------------------------------------------------------------------


def _answers(models: dict[str, Pipeline], pictures: list[Picture]) -> list[list[Answer]]:
    """Return for each picture what the models say, in their order."""
    import numpy as np

    X = np.stack([picture.pixels.reshape(-1) for picture in pictures])
    said = {name: model.predict_proba(X) for name, model in models.items()}
    return [[Answer(name, table[i]) for name, table in said.items()] for i in range(len(X))]


def _show(picture: Picture, answers: list[Answer], console: Console) -> None:
    number = f", digit {picture.number} of {picture.of}" if picture.of > 1 else ""
    console.print(f"{picture.file}{number}", style="bold", soft_wrap=True, markup=False)
    console.print(drawn(picture.pixels, console), soft_wrap=True)
    rows = Table()
    for name in ("model", "answer", "probability", "runner-up"):
        rows.add_column(name, justify="left" if name == "model" else "right", no_wrap=True)
    for answer in answers:
        (first, p_first), (second, p_second) = answer.ranked[:2]
        beaten = f"{second} ({p_second:.1%})" if p_second else "none"
        rows.add_row(answer.model, f"{first}", f"{p_first:.1%}", beaten)
    console.print(rows)


def drawn(pixels: NDArray[np.uint8], console: Console) -> Text:
    """Draw a picture in 14 lines of 28 characters: each shows two pixels, one above the other."""
    grey = console.color_system is not None and not console.options.ascii_only
    marks = " '.:" if console.options.ascii_only else " ▀▄█"
    text = Text(no_wrap=True)
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        for a, b in zip(upper, lower, strict=True):
            if grey:
                text.append("▀", f"rgb({a},{a},{a}) on rgb({b},{b},{b})")
            else:
                text.append(marks[(a >= _INK) + 2 * (b >= _INK)])
        text.append("\n")
    text.right_crop()
    return text


def _as_dict(picture: Picture, answers: list[Answer]) -> dict[str, Any]:
    found = []
    for answer in answers:
        (first, p_first), (second, p_second) = answer.ranked[:2]
        line = {"model": answer.model, "answer": first, "probability": p_first}
        line |= {"runner_up": second, "runner_up_probability": p_second}
        found.append({**line, "probabilities": answer.probabilities.tolist()})
    where = {"file": picture.file, "digit": picture.number, "of": picture.of}
    return {**where, "pixels": picture.pixels.tolist(), "answers": found}

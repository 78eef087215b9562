"""`report`: a number of ours beside the published one, and what earlier runs recorded."""

from __future__ import annotations

import csv
import difflib
import functools
import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course.acceleration import active
from mnist_course.errors import CourseError, UsageError
from mnist_course.profiles import all_rows, get_profile

if TYPE_CHECKING:
    from pandas import DataFrame

# What runs recorded: ledger.csv, claims.csv, and the tables of those benchmarks that record one.
# Part of the package.
RESULTS = Path(__file__).parent / "results"
_NO_TABLES = {"ledger", "claims"}  # of a benchmark
# The profile whose results stand in for experiments too slow to run each time.
SLOW = "slow"
# Under this type a notebook's output holds the record, for machines to collect.
RECORD_MIME = "application/vnd.mnist-course.report+json"

# A value of more components than this is shown as a table.
_LONGEST_LINE = 4

Value = bool | float | str | tuple[float, ...]


@dataclass(frozen=True)
class Published:
    """A number that a publication prints, and how far ours may be from it in each component."""

    id: str  # such as lr-raw.accuracy
    chapter: int
    letter: str  # of the publication, A to D
    quantity: str
    value: Value
    tolerance: float | None  # None: exactly equal
    experiment: str  # how they came by it


@dataclass(frozen=True)
class Record:
    """One line of the ledger; several components of a value are separated by spaces."""

    id: str
    published: str
    ours: str
    agrees: bool | None  # None where the two cannot be compared: other data, or fewer rows
    profile: str
    source: str
    seconds: str = ""  # empty where nobody measured
    accelerator: str = ""  # what stood in for scikit-learn's models; empty if nothing did

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Record:
        """Make a record of a mapping; keys of a later version of the course are passed over."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in plain.items() if key in known})


@functools.cache
def published() -> Mapping[str, Published]:
    """Return the published numbers, from the package's one file of them.

    Returns
    -------
    mapping of str to Published
        By id, such as ``"lr-raw.accuracy"``, in the order of the file.
    """
    text = Path(__file__).with_name("published.csv").read_text(encoding="utf-8")
    numbers = {}
    for row in csv.DictReader(text.splitlines()):
        chapter, value, tolerance = (row.pop(n) for n in ("chapter", "published", "tolerance"))
        allowed = None if tolerance == "exact" else float(tolerance)
        read: dict[str, Any] = {**row, "chapter": int(chapter), "value": parse(value)}
        numbers[row["id"]] = Published(**read, tolerance=allowed)
    return numbers


def parse(text: str) -> Value:
    """Read a value as the ledger writes it: a truth value, one or more numbers, or words."""
    if text in ("True", "False"):
        return text == "True"
    try:
        numbers = tuple(float(part) for part in text.split())
    except ValueError:
        return text
    return numbers[0] if len(numbers) == 1 else numbers


def write(value: Any) -> str:
    """Write a value as the ledger does: the reverse of `parse`; arrays are flattened."""
    import numpy as np

    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(f"{key}={value[key]}" for key in sorted(value))
    array = np.ravel(value)
    # More digits of a float would differ from one processor to the next.
    form = "{}" if array.dtype.kind in "biu" else "{:.7g}"
    return " ".join(form.format(component) for component in array.tolist())


def agrees(ours: Any, number: Published) -> bool:
    """Tell whether a value is of the published one's kind and length, and close enough to it."""
    import numpy as np

    if number.tolerance is None:
        mine = parse(write(ours))
        # The type too: for Python 1 equals True.
        return type(mine) is type(number.value) and mine == number.value
    theirs = np.ravel(np.asarray(number.value, dtype=float))
    try:
        components = np.ravel(np.asarray(ours, dtype=float))
    except (TypeError, ValueError):
        return False
    # A hair wider, so that a difference written as exactly the tolerance is within it.
    allowed = number.tolerance * (1 + 1e-9)
    return components.shape == theirs.shape and bool(np.all(np.abs(components - theirs) <= allowed))


@dataclass(frozen=True)
class Reporter:
    """The notebook's ``report(id, value)``: sets a value beside the published one."""

    source: str
    profile: str

    def __call__(self, id: str, value: Any, *, seconds: float | None = None) -> None:
        """Show one line, and below it a table of a long value; leave a record in the output.

        Parameters
        ----------
        id : str
            Of a line in ``published.csv``; UsageError if it is not there.
        value : bool, number, str, mapping, or array of numbers
            The labels of a pandas Series or DataFrame head the table; of an array, positions.
        seconds : float, optional
            How long a slow experiment took.
        """
        record = make_record(id, value, source=self.source, profile=self.profile)
        if seconds is not None:
            record = replace(record, seconds=f"{seconds:.0f}")
        show_record(record, like=value)

    def recorded(self, id: str, *, like: Any = None) -> None:
        """Show what an earlier run in the ``slow`` profile found, and say that it did.

        Parameters
        ----------
        id : str
            Of a line in ``published.csv``; UsageError if it is not there.
        like : Series or DataFrame, optional
            Its labels head the table of a long value.
        """
        chapter = _published(id).chapter
        command = f"mnist-course run {chapter} --profile slow"
        rows = {row.id: row for row in read_ledger(RESULTS / "ledger.csv") if row.profile == SLOW}
        if id in rows:
            took = f", took {rows[id].seconds} s" if rows[id].seconds else ""
            took += f" with {rows[id].accelerator}" if rows[id].accelerator else ""
            note = f"Recorded from an earlier run{took}. Repeat it: {command}"
            show_record(rows[id], note=note, like=like)
        else:
            print(f"{id} is computed only in the slow profile: {command}")


def reporter(source: str, profile: str) -> Reporter:
    """Return the notebook's ``report``; it judges numbers only where the rows are all of MNIST.

    Parameters
    ----------
    source : str
        Where the rows come from, as `Dataset` names it: ``mnist.source``.
    profile : str
        Such as ``"quick"``; UsageError if there is none of this name.

    Returns
    -------
    callable
        ``report(id, value)`` shows a value beside the published one, and ``report.recorded(id)``
        what a slow run found.
    """
    return Reporter(source, get_profile(profile).name)


def make_record(id: str, value: Any, *, source: str, profile: str) -> Record:
    """Set a value beside the published one; an unknown id is a UsageError."""
    number = _published(id)
    comparable = all_rows(source, profile)
    return Record(
        id=id,
        published=write(number.value),
        ours=write(value),
        agrees=agrees(value, number) if comparable else None,
        profile=profile,
        source=source,
        accelerator=active(),
    )


def show_record(record: Record, *, note: str = "", like: Any = None) -> None:
    """Show a record and a note, with the record itself in the output for machines.

    A few numbers make a line; more of them a table, in the shape and with the labels of `like`.
    """
    from IPython.display import display

    number = published()[record.id]
    ours, theirs = parse(record.ours), parse(record.published)
    mark, verdict = _verdict(record, number.tolerance)
    table, words = None, ": ours {}, published {}"
    if isinstance(theirs, tuple) and len(theirs) > _LONGEST_LINE:
        words = ""
        if isinstance(ours, tuple) and len(ours) == len(theirs):
            table, furthest = _compared(ours, theirs, like)
            verdict += f"; {furthest}"
        else:
            verdict += f"; there are {len(theirs)} numbers, and ours are {len(record.ours.split())}"
    verdict = f"(source {number.letter}; {verdict})"
    shown = (_short(record.ours), _short(record.published)) if words else ()
    plain = f"{mark} {number.quantity}{words.format(*shown)} {verdict}"
    plain += f"\n{table.to_string()}" if table is not None else ""
    plain += f"\n  {note}" if note else ""
    words = words.replace("{}", "<strong>{}</strong>", 1).format(*map(html.escape, shown))
    rich = f"<p>{mark} <strong>{html.escape(number.quantity)}</strong>{words}"
    rich += f" {html.escape(verdict)} <code>{html.escape(record.id)}</code>"
    rich += f"<br><em>{html.escape(note)}</em></p>" if note else "</p>"
    rich += table.to_html() if table is not None else ""
    display({"text/plain": plain, "text/html": rich, RECORD_MIME: asdict(record)}, raw=True)


def _compared(
    ours: tuple[float, ...], theirs: tuple[float, ...], like: Any
) -> tuple[DataFrame, str]:
    """Return ours and theirs as a table, and in words where they differ most."""
    import numpy as np
    import pandas as pd

    shape = np.shape(like) if np.size(like) == len(ours) else (len(ours),)
    labelled = isinstance(like, pd.Series | pd.DataFrame)
    rows = like.index if labelled else range(shape[0])
    columns = like.columns if labelled and len(shape) == 2 else range(shape[-1])
    # As many decimals as the publication prints tell all there is to tell.
    gap = np.round(np.subtract(ours, theirs), 6).reshape(shape)
    place = np.unravel_index(np.abs(gap).argmax(), shape)
    if len(shape) == 1:
        labels = [rows[place[0]]]
        lines = [[f"{x:.6g}" for x in ours], [f"{x:.6g}" for x in theirs]]
        lines.append([_signed(x) for x in gap])
        table = pd.DataFrame(lines, index=["ours", "published", "difference"], columns=rows)
    else:
        labels = [rows[place[0]], columns[place[1]]]
        cells = [
            f"{x:.6g}" + (f" ({_signed(d)})" if d else "")
            for x, d in zip(ours, gap.flat, strict=True)
        ]
        table = pd.DataFrame(np.reshape(cells, shape), index=rows, columns=columns)
    if not gap.any():
        return table, "no difference"
    where = ", ".join(map(str, labels))
    return table, f"the largest difference is {_signed(gap[place])}, at {where}"


def _signed(difference: float) -> str:
    if abs(difference) >= 100:
        return f"{difference:+.0f}"
    return f"{difference:+.2g}" if difference else "0"


def read_ledger(path: Path) -> list[Record]:
    """Read a ledger file; a missing one is empty, and a damaged one a CourseError."""
    if not path.exists():
        return []
    truth = {"True": True, "False": False, "": None}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        if any(None in row.values() for row in rows):  # cut off in the middle of a line
            raise ValueError
        return [Record.from_plain({**row, "agrees": truth[row["agrees"]]}) for row in rows]
    except (ValueError, KeyError, TypeError, csv.Error):
        raise CourseError(
            f"{path.name} is damaged.\nTake the committed version again: git checkout {path}\n"
            f"Without a checkout, install the course anew."
        ) from None


def _published(id: str) -> Published:
    known = published()
    if id not in known:
        near = ", ".join(difflib.get_close_matches(str(id), known, n=3))
        raise UsageError(
            f"There is no published number {id!r}.\n{f'Do you mean {near}? ' if near else ''}"
            f"Their ids stand in mnist_course/published.csv; list(published()) shows them, too."
        )
    return known[id]


def _verdict(record: Record, tolerance: float | None) -> tuple[str, str]:
    if record.agrees is None:
        why = (
            "the published number is about all rows of MNIST, and this profile uses fewer"
            if record.source == "mnist"
            else "the published number is about MNIST, and these are other digits"
        )
        return "•", f"not compared: {why}"
    within = "exactly" if tolerance is None else f"within {tolerance:g}"
    return ("✓", f"agrees {within}") if record.agrees else ("✗", f"does NOT agree {within}")


def _short(text: str) -> str:
    """Shorten numbers for reading: six significant digits are plenty in a sentence."""
    value = parse(text)
    if isinstance(value, bool | str):
        return text
    return " ".join(f"{number:.6g}" for number in (value if isinstance(value, tuple) else [value]))


def recorded_benchmark(name: str) -> DataFrame:
    """Return the table that a benchmark recorded, and print where its figures come from.

    Parameters
    ----------
    name : str
        Of a script in ``benchmarks/`` that records a table, such as ``"polynomial"``.

    Returns
    -------
    DataFrame
        All text, numbers too; its first column is the index.

    Raises
    ------
    UsageError
        If no table has this name; the message lists those that there are.
    """
    import pandas as pd

    known = sorted({path.stem for path in RESULTS.glob("*.csv")} - _NO_TABLES)
    if name not in known:
        raise UsageError(f"No benchmark recorded a table {name!r}.\nThere are {', '.join(known)}.")
    with (RESULTS / f"{name}.csv").open(encoding="utf-8") as file:
        machine = file.readline().removeprefix("#").strip()
        table = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=0)
    print(f"Recorded, not computed now: {machine}")
    print(f"Repeat it: python -m benchmarks.{name}")
    return table

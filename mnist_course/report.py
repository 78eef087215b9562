"""`report`: a number of ours beside the published one, and what earlier runs recorded."""

from __future__ import annotations

import csv
import functools
import html
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_course.acceleration import active
from mnist_course.profiles import get_profile

if TYPE_CHECKING:
    from pandas import DataFrame

# What runs recorded: ledger.csv, and a table for each benchmark. Part of the package.
RESULTS = Path(__file__).parent / "results"
# The profile whose results stand in for experiments too slow to run each time.
SLOW = "slow"
# Under this type a notebook's output holds the record, for machines to collect.
RECORD_MIME = "application/vnd.mnist-course.report+json"

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
    """Return the published numbers by id, from the package's one file of them."""
    text = Path(__file__).with_name("published.csv").read_text(encoding="utf-8")
    numbers = {}
    for row in csv.DictReader(text.splitlines()):
        chapter, value, tolerance = (row.pop(n) for n in ("chapter", "published", "tolerance"))
        allowed = None if tolerance == "exact" else float(tolerance)
        read = {"chapter": int(chapter), "value": parse(value), "tolerance": allowed}
        numbers[row["id"]] = Published(**row, **read)
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
        """Show one line, and leave a record in the output.

        Parameters
        ----------
        id : str
            Of a line in ``published.csv``; KeyError if it is not there.
        value : bool, number, str, mapping, or array of numbers
        seconds : float, optional
            How long a slow experiment took.
        """
        record = make_record(id, value, source=self.source, profile=self.profile)
        if seconds is not None:
            record = replace(record, seconds=f"{seconds:.0f}")
        show_record(record)

    def recorded(self, id: str) -> None:
        """Show what an earlier run in the ``slow`` profile found, and say that it did."""
        chapter = _published(id).chapter
        command = f"mnist-course run {chapter} --profile slow"
        rows = {row.id: row for row in read_ledger(RESULTS / "ledger.csv") if row.profile == SLOW}
        if id in rows:
            took = f", took {rows[id].seconds} s" if rows[id].seconds else ""
            took += f" with {rows[id].accelerator}" if rows[id].accelerator else ""
            show_record(rows[id], note=f"Recorded from an earlier run{took}. Repeat it: {command}")
        else:
            print(f"{id} is computed only in the slow profile: {command}")


def reporter(source: str, profile: str) -> Reporter:
    """Return the notebook's ``report``; it judges numbers only where the rows are all of MNIST."""
    return Reporter(source, get_profile(profile).name)


def make_record(id: str, value: Any, *, source: str, profile: str) -> Record:
    """Set a value beside the published one; an unknown id is a KeyError."""
    number = _published(id)
    comparable = source == "mnist" and get_profile(profile).train_rows is None
    return Record(
        id=id,
        published=write(number.value),
        ours=write(value),
        agrees=agrees(value, number) if comparable else None,
        profile=profile,
        source=source,
        accelerator=active(),
    )


def show_record(record: Record, *, note: str = "") -> None:
    """Show a record as one line and a note, with the record itself in the output for machines."""
    from IPython.display import display

    number = published()[record.id]
    mark, verdict = _verdict(record, number.tolerance)
    verdict = f"(source {number.letter}; {verdict})"
    words = (number.quantity, _short(record.ours), _short(record.published), verdict)
    plain = f"{mark} {{}}: ours {{}}, published {{}} {{}}".format(*words)
    plain += f"\n  {note}" if note else ""
    rich = f"{mark} <strong>{{}}</strong>: ours <strong>{{}}</strong>, published {{}} {{}}"
    rich = f"<p>{rich} <code>{{}}</code>".format(*map(html.escape, (*words, record.id)))
    rich += f"<br><em>{html.escape(note)}</em></p>" if note else "</p>"
    data = {"text/plain": plain, "text/html": rich, RECORD_MIME: asdict(record)}
    display(data, raw=True)


def read_ledger(path: Path) -> list[Record]:
    """Read a ledger file; a missing one is empty."""
    if not path.exists():
        return []
    truth = {"True": True, "False": False, "": None}
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Record.from_plain({**row, "agrees": truth[row["agrees"]]}) for row in rows]


def _published(id: str) -> Published:
    if id not in published():
        raise KeyError(f"{id!r} is not in the published numbers (mnist_course/published.csv)")
    return published()[id]


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
        Of a script in ``benchmarks/``, such as ``"polynomial"``. The table is all text.
    """
    import pandas as pd

    with (RESULTS / f"{name}.csv").open(encoding="utf-8") as file:
        machine = file.readline().removeprefix("#").strip()
        table = pd.read_csv(file, dtype=str, keep_default_na=False, index_col=0)
    print(f"Recorded, not computed now: {machine}")
    print(f"Repeat it: python -m benchmarks.{name}")
    return table

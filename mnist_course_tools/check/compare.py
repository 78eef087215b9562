"""Say in words how the stored outputs of one cell differ from those of a fresh run.

Pure functions on nbformat-style dictionaries: no kernel, no pytest, no files.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from mnist_course_tools.outputs import lasting

# Printed scores carry three or four decimals; the last one depends on processor and threads.
FLOAT_ABSOLUTE = 5e-4
# The same for larger values (milliseconds, losses, percentages): one part in a thousand.
FLOAT_RELATIVE = 1e-3

# All numbers of the cell are measurements (seconds, memory): only the words are compared.
MEASURED_TAG = "measured"
# All numbers of the cell, counts too, get the relative tolerance that follows.
TOLERANCE_TAG_PREFIX = "rtol="

# More than this per output tells nothing new; the rest is counted.
MOST_SENTENCES = 5
EXCERPT_LENGTH = 60

# A unit that makes the number before it a measured quantity. Both signs for micro exist.
_UNITS = r"(?:ns|[µμ]s|ms|s|min|seconds?|minutes?|KB|MB|GB|KiB|MiB|GiB)"
# One space at the most and never a line break: in a table "0.3\nmin" is a value and a row name.
_QUANTITY = rf"(?<![\w.])\d[\d.,]*(?:[eE][+-]?\d+)?[ \u00a0]?{_UNITS}\b"

# What differs between two runs without meaning anything, and what stands in for it.
_SANITISERS = (
    (re.compile(r"\r\n"), "\n"),
    # Terminals show what follows the last carriage return of a line.
    (re.compile(r"^[^\n]*\r(?=[^\n])", re.MULTILINE), ""),
    (re.compile(r"\bat 0x[0-9A-Fa-f]+"), "at <address>"),
    # Pictures inside HTML are image bytes like any other.
    (re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\\\s]+"), "<image>"),
    # "1min 3s" one time and "58 s" the next is one measured quantity.
    (re.compile(rf"{_QUANTITY}(?:[ \u00a0]?{_QUANTITY})*"), "<measured>"),
    # Rulers under column heads are as wide as the digits below them.
    (re.compile(r"([-=_─━═])\1{2,}"), r"\1\1\1"),
)
_HTML_SANITISERS = (
    (re.compile(r"\bT_[0-9a-f]{5,}"), "T_<id>"),  # pandas Styler
    # matplotlib's animations: uuid4().hex in each element's name
    (re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])"), "<id>"),
)

# Numbers, and the words that hold digits but are none. The order matters: what matches first wins.
_TOKEN = re.compile(
    r"""
    (?P<special>(?<!\w)[-+−]?(?:nan|NaN|inf|Infinity)(?!\w))
  | (?P<opaque>
        (?<![\w.])\d+(?:\.\d+){2,}      # versions: 1.9.0
      | [^\W\d]\w*(?:\.\d+)*            # identifiers: x1, sha256, pixel407, v1.5
    )
  | (?P<number>
        (?:(?<![\w.)\]])[-+−])?         # a sign; after a digit or bracket it is a hyphen: 3-5
        (?:
            (?<!\w)\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?
          | (?<!\w)\d+
            (?:
                \.\d+
                # numpy's "1." in an array; at the end of a sentence the point is punctuation
              | \.(?=\s*[\],)]|\s+(?:[-+]?\d|nan|inf))
            )?
          | (?<![\w.])\.\d+
        )
        (?:[eE][-+]?\d+(?!\w))?
    )
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may lie apart.

    Parameters
    ----------
    relative : float, default=FLOAT_RELATIVE
        Allowed difference as a share of the reference.
    exact_counts : bool, default=True
        Whether integers on both sides must be equal.
    ignore : bool, default=False
        Whether numbers are not compared at all.
    """

    relative: float = FLOAT_RELATIVE
    exact_counts: bool = True
    ignore: bool = False


@dataclass(frozen=True)
class _Number:
    """A number as written, and where it stands."""

    text: str
    start: int
    end: int

    @property
    def value(self) -> float:
        return float(self.text.replace(",", "").replace("−", "-"))

    @property
    def is_float(self) -> bool:
        """Whether it is written as a float; ``60000.`` carries no decimals and stays a count."""
        return not re.fullmatch(r"[-+−]?[\d,]+\.?", self.text)


@dataclass(frozen=True)
class _Split:
    """A text cut at its numbers: ``words[0] numbers[0] words[1] ... words[n]``."""

    text: str
    words: tuple[str, ...]
    numbers: tuple[_Number, ...]

    def excerpt(self, start: int) -> str:
        """Return some of the text on both sides of a position, on one line."""
        half = EXCERPT_LENGTH // 2
        before, after = self.text[:start], self.text[start:]
        left = "…" * (len(before) > half) + before[-half:]
        right = after[:half] + "…" * (len(after) > half)
        return _folded(left + right)


def differences(
    reference: Sequence[Mapping[str, Any]],
    fresh: Sequence[Mapping[str, Any]],
    *,
    tags: Sequence[str] = (),
) -> list[str]:
    """Compare the stored outputs of one cell with those of a fresh run.

    Parameters
    ----------
    reference : sequence of mapping
        Outputs as committed, in nbformat's form.
    fresh : sequence of mapping
        Outputs of the run just made, in the same form.
    tags : sequence of str, default=()
        The cell's tags. ``measured`` ignores all numbers; ``rtol=0.05`` compares all numbers,
        counts too, with that relative tolerance.

    Returns
    -------
    sentences : list of str
        One sentence for each difference; empty when the outputs agree.

    Raises
    ------
    ValueError
        If a tolerance tag cannot be read.

    Examples
    --------
    >>> def stdout(text):
    ...     return [{"output_type": "stream", "name": "stdout", "text": text}]
    >>> differences(stdout("accuracy 0.9005"), stdout("accuracy 0.9006"))
    []
    >>> differences(stdout("60,000 rows"), stdout("59,999 rows"))
    ["output 1 (stdout): the count 60,000 is now 59,999 in '60,000 rows'"]
    """
    tolerance = tolerance_from_tags(tags)
    stored, new = _tidy(reference), _tidy(fresh)
    structure = _structure_differences(stored, new)
    if structure:
        return structure
    sentences = []
    for position, (left, right) in enumerate(zip(stored, new, strict=True), start=1):
        for part, old_text, new_text in _texts(left, right):
            found = text_differences(
                old_text, new_text, html=part == "text/html", tolerance=tolerance
            )
            sentences += [f"output {position} ({part}): {sentence}" for sentence in found]
    return sentences


def tolerance_from_tags(tags: Sequence[str]) -> Tolerance:
    """Read the tolerance of a cell from its tags.

    Parameters
    ----------
    tags : sequence of str
        The cell's tags; those that have nothing to do with comparing are passed over.

    Returns
    -------
    tolerance : Tolerance
        The house's tolerance where no tag says otherwise.

    Raises
    ------
    ValueError
        If ``rtol=`` is not followed by a positive number, or stands there twice.
    """
    wanted = [tag for tag in tags if tag.startswith(TOLERANCE_TAG_PREFIX)]
    if len(wanted) > 1:
        raise ValueError(f"A cell takes one tolerance, but its tags hold {', '.join(wanted)}.")
    relative = _relative_tolerance(wanted[0]) if wanted else None
    if MEASURED_TAG in tags:
        return Tolerance(ignore=True)
    if relative is not None:
        return Tolerance(relative=relative, exact_counts=False)
    return Tolerance()


def text_differences(
    reference: str, fresh: str, *, html: bool = False, tolerance: Tolerance | None = None
) -> list[str]:
    """Compare two texts: words exactly, numbers with tolerance.

    Parameters
    ----------
    reference, fresh : str
        The stored text and the new one.
    html : bool, default=False
        Whether random element ids are to be passed over.
    tolerance : Tolerance, optional
        How far numbers may lie apart; the house's tolerance by default.

    Returns
    -------
    sentences : list of str
        Empty when the texts agree; at most ``MOST_SENTENCES`` and a count of the rest.
    """
    tolerance = tolerance or Tolerance()
    left, right = _split(reference, html=html), _split(fresh, html=html)
    if left.words != right.words:
        return [_changed_words(left, right)]
    if tolerance.ignore:
        return []
    sentences = [
        _changed_number(left, index, new, tolerance)
        for index, (old, new) in enumerate(zip(left.numbers, right.numbers, strict=True))
        if not _agree(old, new, tolerance)
    ]
    if len(sentences) > MOST_SENTENCES:
        rest = len(sentences) - MOST_SENTENCES
        sentences = [*sentences[:MOST_SENTENCES], f"and {rest} more numbers differ"]
    return sentences


# --- outputs ---------------------------------------------------------------------------------


def _tidy(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Bring outputs into one form: streams merged, stderr, widget views and empty ones dropped."""
    plain = [_plain(output) for output in outputs]
    # A widget's view that is left out must not cut the text around it into two outputs.
    kept = [o for o in plain if o["kind"] != "stderr" and (o["kind"] != "data" or o["data"])]
    tidy: list[dict[str, Any]] = []
    for kind, group in groupby(kept, key=lambda output: output["kind"]):
        if kind == "stdout":
            # How a text is cut into messages is a matter of timing.
            text = "".join(output["text"] for output in group)
            tidy += [{"kind": "stdout", "text": text}] if text else []
        else:
            tidy += group
    return tidy


def _plain(output: Mapping[str, Any]) -> dict[str, Any]:
    """Reduce one output to what is compared."""
    output_type = output["output_type"]
    if output_type == "stream":
        return {"kind": output.get("name", "stdout"), "text": _joined(output.get("text", ""))}
    if output_type == "error":
        return {"kind": "error", "ename": output["ename"], "evalue": str(output["evalue"])}
    # display_data and execute_result: which of the two is a matter of how the cell ends.
    return {"kind": "data", "data": lasting(output["data"]), "metadata": output.get("metadata", {})}


def _joined(text: str | Sequence[str]) -> str:
    """Return text that nbformat may store as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _label(output: Mapping[str, Any]) -> str:
    """Name an output by what it holds; two outputs with the same label can be compared."""
    if output["kind"] == "error":
        return f"error {output['ename']}"
    return " + ".join(sorted(output["data"])) if output["kind"] == "data" else output["kind"]


def _structure_differences(
    stored: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Compare number, order and types of outputs."""
    old_labels, new_labels = [_label(output) for output in stored], [_label(o) for o in new]
    if old_labels == new_labels:
        return []
    if len(old_labels) == len(new_labels):
        return [
            f"output {position} was stored as {old} and is now {_shown(output)}"
            for position, (old, now, output) in enumerate(
                zip(old_labels, new_labels, new, strict=True), start=1
            )
            if old != now
        ]
    missing = Counter(old_labels) - Counter(new_labels)
    additional = Counter(new_labels) - Counter(old_labels)
    sentences = [f"missing output: {label} is stored but no longer made" for label in missing]
    sentences += [f"additional output: {label} is made but not stored" for label in additional]
    return sentences


def _shown(output: Mapping[str, Any]) -> str:
    """Return an output's label, with the message when it is an error."""
    return _label(output) + (f": {output['evalue']}" if output["kind"] == "error" else "")


def _texts(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of each comparable part of two outputs with its two texts."""
    if left["kind"] == "stdout":
        yield "stdout", left["text"], right["text"]
    elif left["kind"] == "error":
        yield "error", left["evalue"], right["evalue"]
    else:
        for mime in sorted(left["data"]):
            if mime.startswith("image/"):
                # Pixels of text change with fonts and versions; the description must not.
                yield f"alt text of {mime}", _alt(left, mime), _alt(right, mime)
            else:
                yield mime, _as_text(mime, left), _as_text(mime, right)


def _alt(output: Mapping[str, Any], mime: str) -> str:
    """Return the description of a picture."""
    own = output["metadata"].get(mime, {})
    return str(own.get("alt", "")) if isinstance(own, Mapping) else ""


def _as_text(mime: str, output: Mapping[str, Any]) -> str:
    """Return one representation as text; JSON with sorted keys."""
    value = output["data"][mime]
    is_json = mime == "application/json" or mime.endswith("+json")
    if is_json or not isinstance(value, str | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    return _joined(value)


# --- texts -----------------------------------------------------------------------------------


def _split(text: str, *, html: bool) -> _Split:
    """Cut a text at its numbers, after replacing what differs from run to run."""
    for pattern, stand_in in _SANITISERS + (_HTML_SANITISERS if html else ()):
        text = pattern.sub(stand_in, text)
    words, numbers, end = [], [], 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "opaque":
            continue
        words.append(_folded(text[end : token.start()]))
        numbers.append(_Number(token.group(), token.start(), token.end()))
        end = token.end()
    words.append(_folded(text[end:]))
    return _Split(text, tuple(words), tuple(numbers))


def _folded(text: str) -> str:
    """Fold white space: columns are as wide as the digits in them."""
    return " ".join(text.split())


def _agree(reference: _Number, fresh: _Number, tolerance: Tolerance) -> bool:
    """Whether two numbers agree within the tolerance."""
    old, new = reference.value, fresh.value
    if old == new or (math.isnan(old) and math.isnan(new)):
        return True
    if not (math.isfinite(old) and math.isfinite(new)):
        return False
    return abs(old - new) <= _allowed(reference, fresh, tolerance)


def _allowed(reference: _Number, fresh: _Number, tolerance: Tolerance) -> float:
    """Return the allowed difference between two finite numbers."""
    share = tolerance.relative * abs(reference.value)
    if reference.is_float or fresh.is_float:
        return max(FLOAT_ABSOLUTE, share)
    return 0.0 if tolerance.exact_counts else share


def _changed_number(left: _Split, index: int, new: _Number, tolerance: Tolerance) -> str:
    """Say which number changed, and where it stands."""
    old = left.numbers[index]
    where = f"in '{left.excerpt(old.start)}'"
    allowed = _allowed(old, new, tolerance)
    if allowed and math.isfinite(allowed):
        return f"{old.text} is now {new.text} (may differ by {allowed:.2g}) {where}"
    kind = "count" if not (old.is_float or new.is_float) else "value"
    return f"the {kind} {old.text} is now {new.text} {where}"


def _changed_words(left: _Split, right: _Split) -> str:
    """Say where two texts first differ in their words."""
    # Without a differing piece, one text goes on with a number where the other ends.
    last = min(len(left.words), len(right.words)) - 1
    index = min(_first_difference(left.words, right.words), last)
    same = _first_difference(left.words[index], right.words[index])
    old, new = (split.excerpt(_position(split, index, same)) for split in (left, right))
    return f"the text '{old}' is now '{new}'"


def _first_difference(left: Sequence[Any], right: Sequence[Any]) -> int:
    """Return where two sequences first differ; the shorter length if one begins the other."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (old, new) in pairs if old != new), min(len(left), len(right)))


def _position(split: _Split, index: int, offset: int) -> int:
    """Return where character `offset` of the folded words at `index` stands, white space aside."""
    start = split.numbers[index - 1].end if index else 0
    return start + offset


def _relative_tolerance(tag: str) -> float:
    """Read the number in a tag such as ``rtol=0.05``."""
    written = tag.removeprefix(TOLERANCE_TAG_PREFIX)
    try:
        relative = float(written)
    except ValueError:
        relative = math.nan
    if not (math.isfinite(relative) and relative > 0):
        raise ValueError(
            f"The cell tag '{tag}' is not a tolerance: write a positive number after "
            f"'{TOLERANCE_TAG_PREFIX}', for example 'rtol=0.05'."
        )
    return relative

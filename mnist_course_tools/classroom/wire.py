"""What passes between the grader and student code: messages, and answers as plain data.

Towards the student go pickles; from there comes only JSON of a known form, because whatever
is unpickled can run code. Objects that are no plain data stay where they are and get a number.
"""

from __future__ import annotations

import base64
import json
import pickle
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

LARGEST_MESSAGE = 64 * 2**20  # bytes
_DEEPEST = 12  # lists in lists
_LENGTH = struct.Struct(">Q")
_KINDS = "biuf"  # of NumPy's types: truth values, whole numbers, floating point
_LONGEST_TEXT = 100_000
_MOST_VALUES = 2_000_000  # in a message, those of a range and of a list counted alike
_MOST_PAIRS = 1_000  # in a dict: keys can be chosen so that each takes longer than the last


class BrokenMessage(Exception):
    """What came is no message of the known form."""


def send(stream: BinaryIO, payload: bytes) -> None:
    """Write a message, its length first."""
    stream.write(_LENGTH.pack(len(payload)))
    stream.write(payload)
    stream.flush()


def receive(stream: BinaryIO, most: int | None = None) -> bytes:
    """Read a message.

    Raises
    ------
    EOFError
        If the other side has ended.
    BrokenMessage
        If it is longer than `most` bytes.
    """
    length = _LENGTH.unpack(_exactly(stream, _LENGTH.size))[0]
    if most is not None and length > most:
        raise BrokenMessage(f"a message of {length} bytes")
    return _exactly(stream, length)


def to_student(request: tuple[Any, ...]) -> bytes:
    return pickle.dumps(request)


def from_grader(message: bytes) -> tuple[Any, ...]:
    return pickle.loads(message)


def to_grader(found: dict[str, Any]) -> bytes:
    return json.dumps(found).encode("ascii")


def from_student(message: bytes) -> dict[str, Any]:
    """Read what student code may have written.

    Raises
    ------
    BrokenMessage
        If it is not a JSON object.
    """
    try:
        found = json.loads(message.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise BrokenMessage(str(error)[:200]) from None
    if not isinstance(found, dict):
        raise BrokenMessage("not an object")
    return found


def encode(value: Any, keep: Callable[[Any], int], depth: int = 0) -> dict[str, Any]:
    """Return what JSON can hold of a value.

    Parameters
    ----------
    value : anything
    keep : callable
        Keeps an object that is no plain data, and returns a number for it.
    """
    try:
        return _encode(value, keep, depth)
    except Exception:  # of many kinds: a value's own methods may raise anything
        return _kept(value, keep)


def decode(found: Any, proxy: Callable[[int, str, bool], Any]) -> Any:
    """Return the value that `encode` was given, made only of Python's and NumPy's own types.

    Parameters
    ----------
    found : anything
        As it came.
    proxy : callable
        Is given an object's number, the name of its type or its own, and whether it can be
        called; returns what stands for it.

    Raises
    ------
    BrokenMessage
        If it has not the form that `encode` gives it.
    """
    try:
        return _Decoder(proxy).value(found)
    except BrokenMessage:
        raise
    except Exception as error:
        raise BrokenMessage(f"{type(error).__name__}: {error}"[:200]) from None


def _encode(value: Any, keep: Callable[[Any], int], depth: int) -> dict[str, Any]:
    import numpy as np

    kind = type(value)
    if value is None or kind in (bool, int, float):
        return {"plain": value}
    if kind is str and len(value) <= _LONGEST_TEXT:
        return {"plain": value}
    if value is ...:
        return {"ellipsis": True}
    if kind is bytes:
        return {"bytes": base64.b64encode(value[:_LONGEST_TEXT]).decode("ascii")}
    if kind is range and len(value) <= _MOST_VALUES:
        return {"range": [value.start, value.stop, value.step]}
    if kind in (list, tuple) and depth < _DEEPEST:
        return {kind.__name__: [encode(part, keep, depth + 1) for part in value]}
    if kind is dict and depth < _DEEPEST and len(value) <= _MOST_PAIRS:
        pairs = [[encode(part, keep, depth + 1) for part in pair] for pair in value.items()]
        return {"dict": pairs}
    if callable(value):
        return _kept(value, keep)
    module = kind.__module__.partition(".")[0]
    if isinstance(value, np.ndarray | np.generic) or module == "pandas":
        array = np.array(value, subok=False)
        if array.dtype.kind in _KINDS:
            array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<")))
            data = base64.b64encode(array.tobytes()).decode("ascii")
            # ascontiguousarray makes a row of a single number.
            return {"array": data, "dtype": array.dtype.str, "shape": list(np.shape(value))}
        if depth < _DEEPEST:
            return encode(array.tolist(), keep, depth + 1)
    return _kept(value, keep)


def _kept(value: Any, keep: Callable[[Any], int]) -> dict[str, Any]:
    name = type(value).__name__
    is_callable = bool(callable(value))
    if is_callable:
        name = getattr(value, "__name__", name)
    return {"object": keep(value), "name": str(name)[:80], "callable": is_callable}


class _Decoder:
    """Reads one message, and counts what it has to build."""

    def __init__(self, proxy: Callable[[int, str, bool], Any]) -> None:
        self.proxy, self.left = proxy, _MOST_VALUES

    def value(self, found: Any, depth: int = 0) -> Any:
        if depth > 2 * _DEEPEST:
            raise BrokenMessage("too deep")
        self._take(1)
        match found:
            case {"plain": None | bool() | int() | float() | str() as value}:
                return value
            case {"ellipsis": True}:
                return ...
            case {"bytes": str() as data}:
                return base64.b64decode(data, validate=True)
            case {"range": [int() as start, int() as stop, int() as step]}:
                made = range(start, stop, step)
                self._take(len(made))
                return made
            case {"list": list() as parts}:
                return [self.value(part, depth + 1) for part in parts]
            case {"tuple": list() as parts}:
                return tuple(self.value(part, depth + 1) for part in parts)
            case {"dict": list() as pairs} if len(pairs) <= _MOST_PAIRS:
                return {
                    self.value(key, depth + 1): self.value(each, depth + 1) for key, each in pairs
                }
            case {"array": str() as data, "dtype": str() as name, "shape": list() as shape}:
                return _array(data, name, shape)
            case {"object": int() as number, "name": str() as name, "callable": bool() as called}:
                return self.proxy(number, name, called)
        raise BrokenMessage("a value of no known form")

    def _take(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise BrokenMessage("too many values")


def _array(data: str, name: str, shape: list[Any]) -> Any:
    import numpy as np

    dtype = np.dtype(name)
    if dtype.kind not in _KINDS:
        raise BrokenMessage(f"an array of {name}")
    raw = np.frombuffer(base64.b64decode(data, validate=True), dtype)
    return raw.reshape([int(size) for size in shape]).copy()[()]


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)

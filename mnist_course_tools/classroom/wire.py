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
        return _decode(found, proxy)
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
    if kind is range:
        return {"range": [value.start, value.stop, value.step]}
    if kind in (list, tuple) and depth < _DEEPEST:
        return {kind.__name__: [encode(part, keep, depth + 1) for part in value]}
    if kind is dict and depth < _DEEPEST:
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


def _decode(found: Any, proxy: Callable[[int, str, bool], Any], depth: int = 0) -> Any:
    import numpy as np

    if depth > 2 * _DEEPEST:
        raise BrokenMessage("too deep")

    def inner(part: Any) -> Any:
        return _decode(part, proxy, depth + 1)

    match found:
        case {"plain": None | bool() | int() | float() | str() as value}:
            return value
        case {"ellipsis": True}:
            return ...
        case {"bytes": str() as data}:
            return base64.b64decode(data, validate=True)
        case {"range": [int() as start, int() as stop, int() as step]}:
            return range(start, stop, step)
        case {"list": list() as parts}:
            return [inner(part) for part in parts]
        case {"tuple": list() as parts}:
            return tuple(inner(part) for part in parts)
        case {"dict": list() as pairs}:
            return {inner(key): inner(value) for key, value in pairs}
        case {"array": str() as data, "dtype": str() as name, "shape": list() as shape}:
            dtype = np.dtype(name)
            if dtype.kind not in _KINDS:
                raise BrokenMessage(f"an array of {name}")
            raw = np.frombuffer(base64.b64decode(data, validate=True), dtype)
            return raw.reshape([int(size) for size in shape]).copy()[()]
        case {"object": int() as number, "name": str() as name, "callable": bool() as called}:
            return proxy(number, name, called)
    raise BrokenMessage("a value of no known form")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    parts = []
    while size:
        part = stream.read(min(size, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)

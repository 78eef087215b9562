"""A stub of OpenML's API: enough of it for the real ``fetch_openml("mnist_784", version=1)``."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.servers import Handler, Server, serve

DATA_ID, FILE_ID = 554, 52667
_API = "api/v1/json/data"
_DOWNLOAD = f"data/v1/download/{FILE_ID}/mnist_784.arff"
_DIGITS = [str(digit) for digit in range(10)]


def arff(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> bytes:
    """Write pictures as OpenML's file has them: plain pixels, the class in quotes."""
    head = [
        "% A stand-in for the file of OpenML data set 554",
        "@RELATION mnist_784",
        "",
        *(f"@ATTRIBUTE pixel{number} real" for number in range(1, images.shape[1] + 1)),
        "@ATTRIBUTE class {" + ",".join(f"'{digit}'" for digit in _DIGITS) + "}",
        "",
        "@DATA",
    ]
    text_of = [str(value) for value in range(256)].__getitem__
    rows = (
        f"{','.join(map(text_of, image.tolist()))},'{label}'"
        for image, label in zip(images, labels.tolist(), strict=True)
    )
    return "\n".join([*head, *rows, ""]).encode("ascii")


@contextlib.contextmanager
def openml_stub(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Iterator[Server]:
    """Serve pictures as data set ``mnist_784``, version 1, for the length of a ``with`` block."""
    content = arff(images, labels)
    answers: dict[str, Any] = {
        f"{_API}/list/data_name/mnist_784/limit/2/data_version/1": {
            "data": {"dataset": [{"did": DATA_ID, "name": "mnist_784", "version": 1}]}
        },
        f"{_API}/{DATA_ID}": {
            "data_set_description": {
                "id": str(DATA_ID),
                "name": "mnist_784",
                "version": "1",
                "description": "A stand-in",
                "format": "ARFF",
                "status": "active",
                "default_target_attribute": "class",
                "file_id": str(FILE_ID),
                "md5_checksum": hashlib.md5(content).hexdigest(),
            }
        },
        f"{_API}/features/{DATA_ID}": {
            "data_features": {"feature": [*_pixel_features(images.shape[1]), _class_feature()]}
        },
        f"{_API}/qualities/{DATA_ID}": {
            "data_qualities": {
                "quality": [{"name": "NumberOfInstances", "value": f"{len(images)}.0"}]
            }
        },
    }
    packed = gzip.compress(content, compresslevel=6, mtime=0)
    del content

    def behave(request: Handler) -> None:
        path = request.path.lstrip("/")
        if path in (_DOWNLOAD, _DOWNLOAD.rpartition("/")[0]):  # the second by scikit-learn 1.6
            request.answer(packed, Content_Encoding="gzip")
        elif path in answers:
            request.answer(json.dumps(answers[path]).encode("ascii"))
        else:
            request.answer(b"{}", status=412)  # OpenML's way to say: no such data set

    with serve(behave) as server:
        answers[f"{_API}/{DATA_ID}"]["data_set_description"]["url"] = server.address + _DOWNLOAD
        yield server


def redirect(address: str, set_attribute: Callable[[Any, str, str], None] = setattr) -> None:
    """Send scikit-learn's OpenML code to another address.

    Parameters
    ----------
    address : str
        Base address, with a slash at its end.
    set_attribute : callable, default=setattr
        A test passes ``monkeypatch.setattr``, so that the change ends with it.
    """
    from sklearn.datasets import _openml

    if hasattr(_openml, "_OPENML_PREFIX"):  # scikit-learn 1.6
        set_attribute(_openml, "_OPENML_PREFIX", address)
        return
    for name in ("_SEARCH_NAME", "_DATA_INFO", "_DATA_FEATURES", "_DATA_QUALITIES"):
        path = getattr(_openml, name).split("/", 3)[3]
        set_attribute(_openml, name, address + path)


def _pixel_features(n: int) -> list[dict[str, str]]:
    return [_feature(number, f"pixel{number + 1}", "numeric") for number in range(n)]


def _class_feature() -> dict[str, Any]:
    return {**_feature(784, "class", "nominal", is_target="true"), "nominal_value": _DIGITS}


def _feature(index: int, name: str, data_type: str, *, is_target: str = "false") -> dict[str, str]:
    return {
        "index": str(index),
        "name": name,
        "data_type": data_type,
        "is_target": is_target,
        "is_ignore": "false",
        "is_row_identifier": "false",
        "number_of_missing_values": "0",
    }

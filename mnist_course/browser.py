"""The course in a browser's tab (JupyterLite, Pyodide): all that is other there.

Python runs in WebAssembly, in one thread, with memory that only grows and a NumPy without BLAS.
The site has the first rows of MNIST beside its pages, if whoever built it has MNIST.
"""

from __future__ import annotations

import ast
import importlib.machinery
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from mnist_course.errors import DataError
from mnist_course.profiles import PROFILE_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType

    import numpy as np
    from numpy.typing import NDArray

ROWS_FILE = "mnist-12000x784.u8.gz"
# Where the site has that file, relative to JupyterLite's folder; unset where it has none.
SITE_VARIABLE = "MNIST_COURSE_MIRROR"
# What a learner can do nothing about: threadpoolctl calls Pyodide by an old name, and
# scikit-learn 1.8 finds fault with C=inf, its own way to say that there is no penalty.
_NO_NEWS = ("JsProxy.as_object_map", "Setting penalty=None will ignore the C")
_WORTH_IT = 2000  # numbers in a matrix; for smaller ones the detour takes longer than it saves


def start() -> None:
    """Prepare a kernel; ``front_end/browser_start.py`` calls this before the first cell."""
    from IPython import get_ipython
    from js import location

    os.environ.setdefault(PROFILE_VARIABLE, "browser")
    if place := os.environ.get(SITE_VARIABLE):
        # The kernel's own script lies below JupyterLite's folder.
        root = location.href.split("/extensions/")[0]
        os.environ[SITE_VARIABLE] = f"{root}/{place}"
    for words in _NO_NEWS:
        warnings.filterwarnings("ignore", message=words)
    # Names are completed without jedi, which would take a tenth of all that is loaded.
    get_ipython().Completer.use_jedi = False
    sys.meta_path.insert(0, _Finder)


def fetch_rows() -> NDArray[np.uint8]:
    """Return the block of MNIST's first rows from the site, checked; or DataError."""
    import gzip
    import zlib

    import numpy as np

    from mnist_course.data.block import FIRST_ROWS

    place = os.environ.get(SITE_VARIABLE)
    if not place:
        raise DataError("This site was built without MNIST.")
    try:
        packed = _get(place + ROWS_FILE)
        block = np.frombuffer(gzip.decompress(packed), dtype=np.uint8)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"MNIST could not be fetched from this site ({error}).") from None
    if not FIRST_ROWS.is_block(block):
        raise DataError("What this site serves as MNIST is something else (its checksum differs).")
    return block


def heap_bytes() -> int:
    """Return how much memory this Python has taken so far; in a tab it is never given back."""
    import pyodide_js

    return int(pyodide_js._module.HEAP8.length)


def multiply(a: Any, b: Any) -> Any:
    """Return ``a @ b``, by SciPy's BLAS where both are matrices of real numbers."""
    import numpy as np

    if not (
        (type(a) is type(b) is np.ndarray)
        and (a.dtype == b.dtype and a.dtype.char in "fd")
        and (a.ndim == b.ndim == 2 and a.shape[1] == b.shape[0])
        and min(a.size, b.size) > 0
        and max(a.size, b.size) > _WORTH_IT
    ):
        return a @ b
    from scipy.linalg import blas

    product = blas.sgemm if a.dtype.char == "f" else blas.dgemm
    # BLAS counts by columns: what it sees of an array as C keeps it is the transposed one.
    left, right = (
        (matrix, True) if matrix.flags.f_contiguous else (matrix.T, False) for matrix in (b, a)
    )
    return product(1.0, left[0], right[0], trans_a=left[1], trans_b=right[1]).T


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with `multiply` in the place of each ``@``."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        if b" @ " not in source:  # most modules: spare them what follows, which takes time
            return super().get_code(fullname)
        tree = _Products().visit(ast.parse(source))
        name = ast.alias("multiply", _Products.NAME)
        # Where it comes first, after the docstring and the imports from the future.
        place = next(
            number
            for number, node in enumerate(tree.body)
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        )
        tree.body.insert(place, ast.ImportFrom(__name__, [name], 0))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


class _Products(ast.NodeTransformer):
    NAME = "_course_multiply"

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        return ast.copy_location(
            ast.Call(ast.Name(self.NAME, ast.Load()), [node.left, node.right], []), node
        )


class _Finder:
    """Finds modules of scikit-learn and of the course as always, and has `_Loader` load them.

    Pyodide's NumPy multiplies matrices eight times more slowly than the BLAS in its SciPy, and
    linear models do little else.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        if not name.startswith(("sklearn.", "mnist_course.")):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and type(spec.loader) is importlib.machinery.SourceFileLoader:
            spec.loader = _Loader(name, spec.loader.path)
        return spec


def _get(address: str) -> bytes:
    from js import XMLHttpRequest

    request = XMLHttpRequest.new()
    request.open("GET", address, False)
    request.responseType = "arraybuffer"
    request.send()
    if request.status != 200:
        raise OSError(f"status {request.status}")
    return bytes(request.response.to_py())

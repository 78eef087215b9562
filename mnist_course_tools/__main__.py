"""``python -m mnist_course_tools``: the command `mnist-course`, where scripts are not on PATH.

What stands here has to be read by a Python that is too old for the rest, so it has no f-strings.
"""

import sys

_ELSEWHERE = "use the Python that has the course already (after make setup it is .venv/bin/python)."

if sys.version_info < (3, 11):  # noqa: UP036 - pip refuses such a Python; a checkout cannot
    here = "Python " + sys.version.split()[0] + " (" + sys.executable + ")"
    sys.exit(
        "The course needs Python 3.11 or newer, and this is " + here + ".\n"
        "What to do: install a newer one, make an environment with it and install the course "
        "there; or " + _ELSEWHERE
    )

try:
    from mnist_course_tools.cli import main
except ModuleNotFoundError as error:
    if (error.name or "mnist_course").startswith("mnist_course"):
        raise
    sys.exit(
        "The package " + str(error.name) + ", which the course needs, is missing from "
        "this Python (" + sys.executable + ").\n"
        "What to do: in the course's folder, " + sys.executable + " -m pip install -e . ; "
        "or " + _ELSEWHERE
    )

main()

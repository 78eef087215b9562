"""``python -m mnist_course_tools``: the command `mnist-course`, where scripts are not on PATH."""

from mnist_course_tools.cli import main

main()

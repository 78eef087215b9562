"""Your own handwriting in MNIST's form.

``convert`` has the three functions below, and calls, in this order, ``pictures`` (reading any
file), ``ink`` (taking paper, shadows and lines away), ``page`` (finding the digits) and ``form``
(stroke width, box and centre). ``simulate`` makes pictures of known content to try it on.
"""

from mnist_course.handwriting.convert import Steps, page_to_mnist, to_mnist, to_mnist_steps
from mnist_course.handwriting.pictures import read_picture
from mnist_course.handwriting.simulate import KINDS, simulate_page, simulate_picture

__all__ = [
    "KINDS",
    "Steps",
    "page_to_mnist",
    "read_picture",
    "simulate_page",
    "simulate_picture",
    "to_mnist",
    "to_mnist_steps",
]

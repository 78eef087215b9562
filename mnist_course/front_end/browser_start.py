"""What the kernel in a browser's tab runs first; the learner finds no trace of it."""

from mnist_course import browser as _browser

_browser.start()
del _browser

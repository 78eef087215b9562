"""Running notebooks: one process each, watched, measured, reported."""

"""The workshop: what runs, checks and looks after the course. No notebook imports it."""

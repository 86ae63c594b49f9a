"""Tests that read the source and hold its shape: import arrows, sizes, names, requirement pins."""

"""A year of running an installation, played with a clock that is moved: `python -m tests.year`, and its short form."""

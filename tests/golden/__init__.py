"""Postal's own answers, recorded (tests/data/golden), held against ours. What differs is a row with its reason."""

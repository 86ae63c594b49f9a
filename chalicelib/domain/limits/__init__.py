"""Limits of sending: whose they are, which messages they count, and what has room in a window of time."""

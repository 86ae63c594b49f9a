"""Incoming mail: which route takes it, what was found in it, what it reports on."""

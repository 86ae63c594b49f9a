"""Backups that are made by themselves: dated ones in one folder, taken off the host, and proven by restoring."""

"""Erasing an address: what knows of messages, of lists, and of what stays."""

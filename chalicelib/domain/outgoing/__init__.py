"""Decisions about outgoing messages: whether, when, where to and by which way out."""

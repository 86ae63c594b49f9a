"""Why there is no release."""

from __future__ import annotations


class NotReleased(Exception):
    """Nothing was made or changed. Its text is one sentence for people, without the full stop."""

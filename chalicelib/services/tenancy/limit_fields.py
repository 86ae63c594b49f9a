"""The fields of send limits that organizations, servers and credentials share (api.md 2.16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chalicelib.domain.errors import wrong_field

FIELDS = ("send_limit", "send_limit_day", "send_limit_month")
ACTION = "send_limit_action"


class Limited(Protocol):
    """What has them."""

    @property
    def send_limit(self) -> int | None:
        """Messages in 60 minutes."""

    @property
    def send_limit_day(self) -> int | None:
        """Messages in 24 hours."""

    @property
    def send_limit_month(self) -> int | None:
        """Messages in a month."""


def changes_limits(changes: Mapping[str, Any]) -> bool:
    """Whether these changes touch limits, so that what they hold may go."""
    return not changes.keys().isdisjoint((*FIELDS, ACTION))


def check_limits(one: Limited) -> None:
    """InvalidRequest for a limit that is no number of messages."""
    for name in FIELDS:
        most = getattr(one, name)
        if most is not None and most < 0:
            raise wrong_field(name, "The send limit is a number of messages, 0 or more")

"""What operations on `/api/v2/reports` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import TypedDict

from posthorn_client.models.emails_wholes import Report

__all__ = ["ReportPage"]


class ReportPage(TypedDict):
    """Reports, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Report]

"""What operations on `/api/v2/jobs` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from posthorn_client.models.suppressions import Reason, SuppressionScope
from posthorn_client.models.webhook_deliveries import DeliveryStatus
from posthorn_client.models.webhooks import EventType

__all__ = [
    "Job",
    "JobFault",
    "JobPage",
    "JobPreview",
    "JobStatus",
    "JobToStart",
    "Skipped",
    "SuppressionsToExport",
]


class Job(TypedDict):
    """Work that takes long, and how far it is."""

    id: str
    type: str
    status: JobStatus
    parameters: dict[str, Any]
    """As they were given, but for the file."""
    matched: int
    done: int
    failed: int
    errors: list[JobFault]
    """The first 100."""
    result: dict[str, Any] | None
    """Of an import `added`, `updated` and the first 100 `invalid` rows, of an export `url`,
    `url_expires_at`, `rows` and `bytes`.
    """
    created_by: str
    created_at: str
    finished_at: str | None


class JobFault(TypedDict):
    """What was wrong with one of the things that a job is about; with all of it, where there is no id."""

    id: str | None
    detail: str


class JobPage(TypedDict):
    """Jobs, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Job]


class JobPreview(TypedDict):
    """What a job would be about; nothing was done."""

    type: str
    matched: int
    exact: bool
    """False: at least that many."""
    by_status: dict[str, int]
    skipped: list[Skipped]
    sample: list[str]
    """The first 20."""
    result: dict[str, Any] | None
    """Of an import: what it would be."""


JobStatus = Literal["queued", "running", "done", "failed", "stopped"]
"""Wire words, api.md 2.11."""


class JobToStart(TypedDict):
    """A job. Each type takes its own parameters and no others."""

    type: Literal["import_suppressions", "export", "replay_webhooks"]
    csv: NotRequired[str | None]
    """The file of an import, or `upload`."""
    upload: NotRequired[str | None]
    """A file of at most 100 MB."""
    scope: NotRequired[Literal["server", "stream"] | None]
    """Of rows that name none."""
    stream: NotRequired[str | None]
    """Of rows that name none."""
    reason: NotRequired[Reason | None]
    """Of rows that name none of ours."""
    what: NotRequired[Literal["suppressions"] | None]
    """What is exported."""
    filter: NotRequired[SuppressionsToExport | None]
    format: NotRequired[Literal["csv", "ndjson"] | None]
    webhook: NotRequired[str | None]
    """Of which deliveries are sent once more."""
    events: NotRequired[list[EventType] | None]
    status: NotRequired[DeliveryStatus | None]
    since: NotRequired[str | None]
    until: NotRequired[str | None]
    url: NotRequired[str | None]
    """Elsewhere, without user and password."""
    dry_run: NotRequired[bool | None]
    """Only look what it would be about."""


class Skipped(TypedDict):
    """How many it would leave alone, and why."""

    detail: str
    count: int


class SuppressionsToExport(TypedDict):
    """Which entries."""

    address: NotRequired[str | None]
    reason: NotRequired[Reason | None]
    scope: NotRequired[SuppressionScope | None]
    stream: NotRequired[str | None]
    since: NotRequired[str | None]
    until: NotRequired[str | None]

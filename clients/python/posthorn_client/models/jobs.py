"""What operations on `/api/v2/jobs` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

from posthorn_client.models.emails_parts import ReportKind, Scope
from posthorn_client.models.suppressions import Reason, SuppressionScope
from posthorn_client.models.webhook_deliveries import DeliveryStatus
from posthorn_client.models.webhooks import EventType

__all__ = [
    "Flag",
    "Job",
    "JobFault",
    "JobFilter",
    "JobPage",
    "JobPreview",
    "JobStatus",
    "JobToStart",
    "Skipped",
]

Flag = Literal["held", "queued", "scheduled", "failed", "bounced"]
"""Where a message stands, as lists can be filtered."""


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
    `url_expires_at`, `rows` and `bytes`, of an erasure what went, what is `kept`, and the `proof`.
    """
    created_by: str
    created_at: str
    finished_at: str | None


class JobFault(TypedDict):
    """What was wrong with one of the things that a job is about; with all of it, where there is no id."""

    id: int | str | None
    """A number where it is a message."""
    detail: str


class JobFilter(TypedDict):
    """Which things: what their list takes, and nothing else. `{}` is all of them."""

    q: NotRequired[str | None]
    """Of messages."""
    direction: NotRequired[Scope | None]
    """Of messages; both without it."""
    status: NotRequired[Flag | None]
    """Of messages."""
    to: NotRequired[str | None]
    """Of messages."""
    kind: NotRequired[ReportKind | None]
    """Of reports."""
    cause: NotRequired[str | None]
    """Of reports."""
    email: NotRequired[int | None]
    """Of reports."""
    actor: NotRequired[str | None]
    """Of the audit log."""
    action: NotRequired[str | None]
    """Of the audit log."""
    object: NotRequired[str | None]
    """Of the audit log."""
    address: NotRequired[str | None]
    reason: NotRequired[Reason | None]
    scope: NotRequired[SuppressionScope | None]
    stream: NotRequired[str | None]
    since: NotRequired[str | None]
    until: NotRequired[str | None]


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
    sample: list[int | str]
    """The first 20 that it would not leave alone."""
    result: dict[str, Any] | None
    """Of an import: what it would be."""


JobStatus = Literal["queued", "running", "done", "failed", "stopped"]
"""Wire words, api.md 2.11."""


class JobToStart(TypedDict):
    """A job. Each type takes its own parameters and no others."""

    type: Literal[
        "hold",
        "release",
        "cancel",
        "retry",
        "bounce",
        "replay",
        "resend",
        "import_suppressions",
        "export",
        "replay_webhooks",
        "erase",
    ]
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
    ids: NotRequired[list[int] | None]
    """Messages, or `filter`."""
    allow: NotRequired[bool | None]
    """Take recipients off suppression lists first: `suppressions:write`."""
    note: NotRequired[str | None]
    """Why."""
    endpoint: NotRequired[str | None]
    """Where replayed messages go."""
    what: NotRequired[Literal["suppressions", "emails", "reports", "audit"] | None]
    """What is exported; messages and reports of a server only."""
    filter: NotRequired[JobFilter | None]
    format: NotRequired[Literal["csv", "ndjson"] | None]
    webhook: NotRequired[str | None]
    """Of which deliveries are sent once more."""
    events: NotRequired[list[EventType] | None]
    status: NotRequired[DeliveryStatus | None]
    since: NotRequired[str | None]
    until: NotRequired[str | None]
    url: NotRequired[str | None]
    """Elsewhere, without user and password."""
    address: NotRequired[str | None]
    """Whose data are erased, for good."""
    dry_run: NotRequired[bool | None]
    """Only look what it would be about."""


class Skipped(TypedDict):
    """How many it would leave alone, and why."""

    detail: str
    count: int

"""Jobs as API v2 shows and takes them (api.md 2.11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool

from chalicelib.api.v2.fields import Instant, UploadId
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment
from chalicelib.api.v2.suppression_models import LONGEST_ADDRESS, StreamName
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.suppression import Reason, SuppressionScope
from chalicelib.domain.webhooks.delivery import DeliveryStatus

LARGEST_CSV = 4_194_304
JobType = Literal["import_suppressions", "export", "replay_webhooks"]


class JobFault(Answer):
    """What was wrong with one of the things that a job is about; with all of it, where there is no id."""

    id: str | None
    detail: str


class Job(Answer):
    """Work that takes long, and how far it is."""

    id: str
    type: str
    status: JobStatus
    parameters: Annotated[
        dict[str, Any], Field(description="As they were given, but for the file.")
    ]
    matched: int
    done: int
    failed: int
    errors: Annotated[list[JobFault], Field(description="The first 100.")]
    result: Annotated[
        dict[str, Any] | None,
        Field(
            description="Of an import `added`, `updated` and the first 100 `invalid` rows, of an export `url`, "
            "`url_expires_at`, `rows` and `bytes`."
        ),
    ]
    created_by: str
    created_at: Moment
    finished_at: Moment | None


class JobPage(ListAnswer):
    """Jobs, newest first."""

    data: list[Job]


class SuppressionsToExport(Body):
    """Which entries."""

    address: Annotated[str | None, Field(max_length=LONGEST_ADDRESS)] = None
    reason: Reason | None = None
    scope: SuppressionScope | None = None
    stream: Annotated[str | None, Field(max_length=500)] = None
    since: Instant | None = None
    until: Instant | None = None


class JobToStart(Body):
    """A job. Each type takes its own parameters and no others."""

    type: JobType
    csv: Annotated[
        str | None,
        Field(max_length=LARGEST_CSV, description="The file of an import, or `upload`."),
    ] = None
    upload: Annotated[UploadId | None, Field(description="A file of at most 100 MB.")] = None
    scope: Annotated[
        Literal["server", "stream"] | None, Field(description="Of rows that name none.")
    ] = None
    stream: Annotated[StreamName | None, Field(description="Of rows that name none.")] = None
    reason: Annotated[Reason | None, Field(description="Of rows that name none of ours.")] = None
    what: Annotated[Literal["suppressions"] | None, Field(description="What is exported.")] = None
    filter: SuppressionsToExport | None = None
    format: Literal["csv", "ndjson"] | None = None
    webhook: Annotated[
        str | None, Field(max_length=40, description="Of which deliveries are sent once more.")
    ] = None
    events: Annotated[list[EventType] | None, Field(max_length=100)] = None
    status: DeliveryStatus | None = None
    since: Instant | None = None
    until: Instant | None = None
    url: Annotated[
        str | None,
        Field(max_length=2_000, description="Elsewhere, without user and password."),
    ] = None
    dry_run: Annotated[StrictBool, Field(description="Only look what it would be about.")] = False


class Skipped(Answer):
    """How many it would leave alone, and why."""

    detail: str
    count: int


class JobPreview(Answer):
    """What a job would be about; nothing was done."""

    type: str
    matched: int
    exact: Annotated[bool, Field(description="False: at least that many.")]
    by_status: dict[str, int]
    skipped: list[Skipped]
    sample: Annotated[list[str], Field(description="The first 20.")]
    result: Annotated[dict[str, Any] | None, Field(description="Of an import: what it would be.")]

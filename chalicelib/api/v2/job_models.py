"""Jobs as API v2 shows and takes them (api.md 2.11)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt

from chalicelib.api.v2.audit import Word
from chalicelib.api.v2.email_operations import LONGEST_NOTE
from chalicelib.api.v2.fields import Address, Instant, Line, UploadId
from chalicelib.api.v2.models import Flag
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment
from chalicelib.api.v2.report_models import LARGEST_ID
from chalicelib.api.v2.suppression_models import LONGEST_ADDRESS, StreamName
from chalicelib.domain.jobs import JobStatus
from chalicelib.domain.model import Scope
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.report import ReportKind
from chalicelib.domain.suppression import Reason, SuppressionScope
from chalicelib.domain.webhooks.delivery import DeliveryStatus

LARGEST_CSV = 4_194_304
JobType = Literal[
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
MOST_IDS = 1_000
Thing = int | str


class JobFault(Answer):
    """What was wrong with one of the things that a job is about; with all of it, where there is no id."""

    id: Annotated[Thing | None, Field(description="A number where it is a message.")]
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
            "`url_expires_at`, `rows` and `bytes`, of an erasure what went, what is `kept`, and the `proof`."
        ),
    ]
    created_by: str
    created_at: Moment
    finished_at: Moment | None


class JobPage(ListAnswer):
    """Jobs, newest first."""

    data: list[Job]


class JobFilter(Body):
    """Which things: what their list takes, and nothing else. `{}` is all of them."""

    q: Annotated[str | None, Field(max_length=1_000, description="Of messages.")] = None
    direction: Annotated[Scope | None, Field(description="Of messages; both without it.")] = None
    status: Annotated[Flag | None, Field(description="Of messages.")] = None
    to: Annotated[Address | None, Field(description="Of messages.")] = None
    kind: Annotated[ReportKind | None, Field(description="Of reports.")] = None
    cause: Annotated[str | None, Field(max_length=50, description="Of reports.")] = None
    email: Annotated[int | None, Field(ge=1, le=LARGEST_ID, description="Of reports.")] = None
    actor: Annotated[Word, Field(description="Of the audit log.")] = None
    action: Annotated[Word, Field(description="Of the audit log.")] = None
    object: Annotated[Word, Field(description="Of the audit log.")] = None
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
    ids: Annotated[
        list[Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]] | None,
        Field(min_length=1, max_length=MOST_IDS, description="Messages, or `filter`."),
    ] = None
    allow: Annotated[
        StrictBool | None,
        Field(description="Take recipients off suppression lists first: `suppressions:write`."),
    ] = None
    note: Annotated[Line | None, Field(max_length=LONGEST_NOTE, description="Why.")] = None
    endpoint: Annotated[
        str | None, Field(max_length=32, description="Where replayed messages go.")
    ] = None
    what: Annotated[
        Literal["suppressions", "emails", "reports", "audit"] | None,
        Field(description="What is exported; messages and reports of a server only."),
    ] = None
    filter: JobFilter | None = None
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
    address: Annotated[
        str | None,
        Field(max_length=LONGEST_ADDRESS, description="Whose data are erased, for good."),
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
    sample: Annotated[list[Thing], Field(description="The first 20 that it would not leave alone.")]
    result: Annotated[dict[str, Any] | None, Field(description="Of an import: what it would be.")]

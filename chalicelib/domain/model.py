"""The nouns of mail as frozen values: what was accepted, where it stands, what was tried.

Times are epoch seconds (float where sub-seconds are shown to clients, int where they are compared in storage),
sizes are bytes, e-mail content is `bytes`, everything people read is `str`. Nothing here validates: borders parse,
then these are true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.limit_hold import LimitHold
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation

INCOMING_QUEUE = "@incoming"
"""The queue of incoming mail, as an origin names it; no pool can be called so."""
SYSTEM_CREDENTIAL = "system"
"""By what mail of the installation itself is let in, as an origin names it; no credential that is kept has this id."""

TRANSACTIONAL = "transactional"
"""The stream of a message that names none."""


class Scope(StrEnum):
    """Direction of a message, as contract section 1.11 names it."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class Status(StrEnum):
    """Message and delivery statuses of contract section 1.12; the texts are wire facts."""

    PENDING = "Pending"
    SENT = "Sent"
    SOFT_FAIL = "SoftFail"
    HARD_FAIL = "HardFail"
    HELD = "Held"
    BOUNCED = "Bounced"
    PROCESSED = "Processed"
    HOLD_CANCELLED = "HoldCancelled"
    ERROR = "Error"


class State(StrEnum):
    """Where a message stands for the workers (never shown to clients).

    WAITING: a wake-up for `attempt` is in a queue, or the sweeper sees to it. LEASED: a worker has it until
    `lease_until`. HELD: waits for a person. DONE: no worker will touch it again.
    """

    WAITING = "W"
    LEASED = "L"
    HELD = "H"
    DONE = "D"


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Where stored bytes lie: an object's key, first byte and length. Several messages may share or pack one
    object."""

    key: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The queue that a message waits in, which for an outgoing one is the pool that it leaves by, the domain that it
    is for or from, and the credential that let it in, empty for an incoming one."""

    pool: str
    domain: str
    credential_id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """How an incoming message came, and for what: `route_id` is empty where no route takes it, `endpoint_id` where the
    route has none. `additional`: for one of the route's additional endpoints, whose failures are not bounced.
    `to` is the recipient as the client named it, where that was another than the routed one."""

    route_id: str = ""
    endpoint_id: str = ""
    additional: bool = False
    helo: str = ""
    client: str = ""
    client_name: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One accepted message for one recipient: all that never changes. It travels whole in the job, so that
    whoever comes first can create the stored record (crash rule 1). `operation` is what made it, where that was no
    client that sent it; `arrival` is there for incoming ones alone, and `reports_on` for our own bounces: the message
    whose failure they tell of. `metadata` is what the client wants to be told again, as compact JSON, `scheduled_at`
    when it is to be sent, None for at once, and `unsubscribe` whether it gets one-click fields. `stream` is None for
    `TRANSACTIONAL`. `limits` is what was known of its send limits when it was accepted (`limits.limit.marks_of`),
    `acceptance` how an outgoing one came in (`domain.acceptance`), and `request` the first message of the request or
    transaction that it came with, None where that is itself."""

    server_id: ServerId
    id: MessageId
    token: str
    scope: Scope
    mail_from: str
    rcpt_to: str
    subject: str
    message_id: str
    received_at: float
    size: int
    blob: BlobRef
    origin: Origin
    tag: str | None = None
    bounce: bool = False
    hold: bool = False
    received_with_ssl: bool = False
    smtputf8: bool = False
    dsn: DsnParameters | None = None
    operation: Operation | None = None
    arrival: Arrival | None = None
    reports_on: MessageId | None = None
    stream: str | None = None
    metadata: str | None = None
    scheduled_at: float | None = None
    unsubscribe: bool = False
    limits: str | None = None
    acceptance: str | None = None
    request: MessageId | None = None

    @property
    def stream_name(self) -> str:
        """The stream that it is of."""
        return self.stream or TRANSACTIONAL

    @property
    def resend_of(self) -> MessageId | None:
        """The message whose content it sends once more."""
        return None if self.operation is None else self.operation.message


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt or change of state (contract section 1.12). `seconds` and `log_id` are None when nothing was
    sent. `about_us`: it failed, for now or for good, for a reason that says nothing of the recipient, so that it never
    counts towards suppressing them. `cause` is why it failed, in the words of api.md 2.12, and `report` the number of
    the report that says so. `conversation` is what was said, packed (`chalicelib.domain.conversations`), as long as
    content is kept."""

    id: int
    status: Status
    details: str
    at: float
    output: str | None = None
    sent_with_ssl: bool = False
    log_id: str | None = None
    seconds: float | None = None
    tls: str | None = None  # "TLSv1.3 TLS_AES_256_GCM_SHA384"
    source: str | None = None  # local address, or name of the egress source
    remote: str | None = None  # "198.51.100.7:25 (mx.example.com)"
    about_us: bool = False
    cause: str | None = None
    report: int | None = None
    conversation: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message and where it stands.

    `attempt` is the generation every wake-up and claim is keyed on: it rises with each finish, release or retry.
    `tries` counts conversations with the outside that failed, for the retry schedule; `lost_replies` those of them
    after which the remote may have the message (ADR 24). `wake_at` is when a WAITING
    record should be tried again; `by_sweeper` says whether the sweeper (True) or a wake-up in the queue (False)
    does it. `taken_over` is set by a claim that took over an expired lease: an earlier worker died between its
    claim and its finish, perhaps after the peer had the message.
    `links` is how many tracked links are kept for the message (None: none yet, or it has none). `opened_at` is when it
    was first opened, `clicked_at` when a link was last clicked; hits set them, attempts never do. `resent_as` are the
    messages that send its content once more, oldest first; they alone set it.
    `inspection` is what was found of an incoming message, once it was looked at, and `bounce_of` the message that it
    reports on. `replay` is the way that an incoming one takes since a person had it replayed: with an endpoint and no
    route it goes there whatever routes say. `bounced_as` is the message that told its sender that it failed.
    `released`: a person sent it on, past the checks that a person may overrule, until it is held again.
    `sends_at` is when it is to be sent by its schedule, until it was tried or is held, and `rescheduled_at` what a
    person put in place of the schedule that it came with, 0 for at once. `sent_at` is when it was first sent,
    `failed_at` when it first failed for good or was bounced; no later attempt changes them. `complained_at` and
    `unsubscribed_at` are when the recipient first did so, `person_opened_at` and `person_clicked_at` the first open and
    click that look like a person's; those four are set beside attempts. `provider` is who receives for the recipient's
    domain, as statistics name it, once it was tried.
    `counted`: its send limits have counted it, at its first attempt or when they let it go. `limit_hold` is the one
    that holds it. `jobs` are the ids of the last jobs that did something with it, apart by blanks, the newest last.
    `checked` is what the last attempt that was sent had passed before (`domain.acceptance`).
    """

    message: Message
    status: Status = Status.PENDING
    state: State = State.WAITING
    attempt: int = 0
    tries: int = 0
    lost_replies: int = 0
    lease_owner: str = ""
    lease_until: int = 0
    wake_at: int = 0
    by_sweeper: bool = False
    held: bool = False
    hold_expires_at: int | None = None
    last_attempt_at: float | None = None
    taken_over: bool = False
    links: int | None = None
    opened_at: float | None = None
    clicked_at: float | None = None
    resent_as: tuple[MessageId, ...] = ()
    inspection: Inspection | None = None
    bounce_of: MessageId | None = None
    replay: Arrival | None = None
    bounced_as: MessageId | None = None
    released: bool = False
    sends_at: int | None = None
    rescheduled_at: float | None = None
    sent_at: float | None = None
    failed_at: float | None = None
    complained_at: float | None = None
    unsubscribed_at: float | None = None
    person_opened_at: float | None = None
    person_clicked_at: float | None = None
    provider: str | None = None
    counted: bool = False
    limit_hold: LimitHold | None = None
    jobs: str = ""
    checked: str = ""
    deliveries: tuple[Delivery, ...] = ()

    @property
    def scheduled_at(self) -> float | None:
        """When it is, or was, to be sent; None for at once."""
        given, changed = self.message.scheduled_at, self.rescheduled_at
        return given if changed is None else changed or None

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for the time that its schedule says."""
        return self.state is State.WAITING and self.sends_at is not None

    @property
    def way(self) -> Arrival:
        """Which route and endpoint it takes."""
        return self.replay or self.message.arrival or Arrival()


@dataclass(frozen=True, slots=True)
class PendingOutcome:
    """How an attempt ended, when the store was away too long to be told: it travels in a wake-up (crash rule 7).

    `owner` is the lease under which it was made; the rest are the fields of the record after the attempt.
    """

    owner: str
    state: State
    tries: int
    wake_at: int
    by_sweeper: bool
    hold_expires_at: int | None
    delivery: Delivery
    lost_replies: int = 0
    bounce_of: MessageId | None = None
    bounced_as: MessageId | None = None
    inspection: Inspection | None = None
    counted: bool = False
    limit_hold: LimitHold | None = None
    provider: str | None = None
    checked: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """A wake-up: which message, for which attempt.

    `manual` marks a release or retry by a person (contract section 4). With an `outcome` there is nothing to send:
    the attempt was made, and only its end must be stored.
    """

    message: Message
    attempt: int
    manual: bool = False
    outcome: PendingOutcome | None = None

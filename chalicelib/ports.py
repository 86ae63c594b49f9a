"""The seams of Posthorn: what the services need from the world, one Protocol each, verbs only as needed.

No term of a particular store or queue appears here, so that another family of adapters can take the place of the
AWS one. Every port has a fake in `tests/fakes.py` and one contract test that the fake and the real adapter both
pass. All verbs that may touch the network are coroutines and raise `MailError` values: `TemporaryFailure` when the
other side is away, the named error otherwise. Nothing here retries unless its docstring says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.model import (
    BlobRef,
    Credential,
    Delivery,
    DkimKey,
    Domain,
    EgressSource,
    Envelope,
    Installation,
    Message,
    MessageId,
    MessageRecord,
    Organization,
    OrganizationId,
    Page,
    Scope,
    Server,
    ServerId,
    Suppression,
    Target,
    WorkItem,
)
from chalicelib.domain.reply import Reply


class Clock(Protocol):
    """The time, which tests and the local stack may move."""

    def now(self) -> float:
        """Epoch seconds."""

    def monotonic(self) -> float:
        """Seconds of a clock that nobody moves, for measuring how long something took."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Rand(Protocol):
    """Randomness: cryptographic bytes and a uniform float for jitter."""

    def bytes(self, count: int) -> bytes:
        """Unpredictable bytes."""

    def uniform(self) -> float:
        """A float in [0, 1)."""


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """Permission to put one object: where, with which method and headers, until when (epoch seconds)."""

    id: str
    url: str
    method: str
    headers: Mapping[str, str]
    expires_at: int


class BlobStore(Protocol):
    """Message bytes, durable once `put` returns."""

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Store bodies of one server in one object (packed); one reference a body, in order."""

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of one reference; NotFound when they were purged."""

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """Let a client upload `size` bytes by itself, within one hour."""

    async def uploaded(self, server: ServerId, upload_id: str) -> BlobRef:
        """The reference of a finished upload of this server; NotFound when there is none."""


class WorkQueue(Protocol):
    """Wake-ups for delivering functions. At least once, in no order, durable once `send` returns."""

    async def send(self, pool: str, items: Sequence[WorkItem], delay: int = 0) -> None:
        """Queue items (any number), hidden for `delay` seconds (0 to 900). Raises TemporaryFailure unless all are
        in."""

    async def hide(self, pool: str, receipt: str, seconds: int) -> None:
        """Keep a received wake-up hidden for `seconds` from now (0 to 43,200)."""


class ClaimFailure(StrEnum):
    """Why a claim was refused (crash rules 2 to 4)."""

    LEASED = "leased"
    STALE = "stale"
    COLLISION = "collision"


@dataclass(frozen=True, slots=True)
class ClaimRefused:
    """A refused claim with the record as it stands. COLLISION: the id belongs to a message with another token.
    LEASED: another worker has this very attempt until `record.lease_until`. STALE: the attempt is over, or not
    waiting."""

    reason: ClaimFailure
    record: MessageRecord


class MessageStore(Protocol):
    """Messages and where they stand. Every write is conditional; reads by id are consistent, lists may lag by
    seconds."""

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Store new messages as waiting for attempt 0. True: stored, or already there with the same token.
        False: the id is taken by a message with another token."""

    async def claim(
        self, item: WorkItem, owner: str, now: int, lease_until: int
    ) -> MessageRecord | ClaimRefused:
        """Lease the record for the attempt the item names, creating it when it does not exist (rule 1).
        Granted only if token and attempt match and the record is WAITING, or LEASED with the lease over at `now`."""

    async def replace(self, before: MessageRecord, after: MessageRecord) -> bool:
        """Write `after` if the stored record still has the attempt, state and lease owner of `before`; else False.
        Deliveries of `after` that `before` lacks (by id) are added to the log. Serves finish, release, cancel."""

    async def get(self, server: ServerId, message: MessageId) -> MessageRecord:
        """The record with at least its three newest deliveries; NotFound."""

    async def get_many(self, refs: Sequence[tuple[ServerId, MessageId]]) -> list[MessageRecord]:
        """The records that exist, in the order asked."""

    async def deliveries(self, server: ServerId, message: MessageId) -> tuple[Delivery, ...]:
        """The whole log, oldest first; empty when there is none."""

    async def page(
        self, server: ServerId, scope: Scope, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first. A cursor that this server did not get from here raises Rejected."""

    async def flagged(
        self, server: ServerId, scope: Scope, flag: str, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first, only records that are `held`, `queued` (failed softly, waiting), `failed` or `bounced`."""

    async def by_recipient(
        self, server: ServerId, address: str, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first, only records for this recipient (compared without case)."""

    async def due(self, now: int, limit: int) -> list[MessageRecord]:
        """Records in the due index with `wake_at` <= now, earliest first; held ones whose hold has expired too."""

    async def clear_due(self, record: MessageRecord) -> bool:
        """Take a record out of the due index if its attempt is still the same; False when it has moved on."""

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many messages for this recipient have the status HardFail and were accepted at `since` or later."""


class SuppressionList(Protocol):
    """Recipients not to send to (contract section 1.13). Addresses are compared without case."""

    async def listed(
        self, pairs: Sequence[tuple[ServerId, str]], now: float
    ) -> dict[tuple[ServerId, str], Suppression]:
        """Those of the pairs (as given) that are listed and not expired."""

    async def add(self, server: ServerId, entry: Suppression) -> None:
        """List a recipient, or renew its entry."""

    async def remove(self, server: ServerId, address: str) -> bool:
        """Unlist a recipient; False when it was not listed."""


class Numbers(Protocol):
    """Integers that rise per server (contract section 1: small, sequential, unique within a server)."""

    async def take(self, server: ServerId, kind: str, count: int) -> list[int]:
        """`count` fresh numbers of a kind ("message" or "delivery"), each at most 2**31 - 1."""


class SendVolume(Protocol):
    """How many messages a server sent in the last sixty minutes, counted only for servers with a limit."""

    async def last_hour(self, server: ServerId, now: float) -> int:
        """The sum over the last 60 minutes."""

    async def reserve(self, server: ServerId, now: float) -> int:
        """Count one first attempt; which one of the last 60 minutes it is, from 1. Of those counted in one minute no
        two get the same answer, however many workers ask."""

    async def give_back(self, server: ServerId, now: float) -> None:
        """Uncount one that `reserve` counted at `now`, because nothing was sent."""


class Claimed(StrEnum):
    """What `IdempotencyKeys.begin` found."""

    STARTED = "started"
    IN_FLIGHT = "in_flight"
    OTHER_BODY = "other_body"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """`status` and `body` are the first answer when `found` is REPLAY."""

    found: Claimed
    status: int = 0
    body: str = ""


class IdempotencyKeys(Protocol):
    """First answers by `Idempotency-Key`, kept 24 hours per server."""

    async def begin(
        self, server: ServerId, key: str, fingerprint: str, now: float
    ) -> IdempotencyClaim:
        """Claim a key for a request with this fingerprint. A claim left open for 60 s may be taken over."""

    async def complete(self, server: ServerId, key: str, status: int, body: str) -> None:
        """Keep the first answer."""

    async def abandon(self, server: ServerId, key: str) -> None:
        """Give an open claim back, because nothing was done."""


class Directory(Protocol):
    """Who may do what, as the mail path reads it. Answers may be 30 s old, except where a verb says fresh."""

    async def installation(self) -> Installation:
        """The installation; NotFound when it was never set up."""

    async def server(self, server: ServerId) -> Server:
        """A server; NotFound."""

    async def fresh_servers(self, servers: Sequence[ServerId]) -> dict[ServerId, Server]:
        """Servers as they are at this moment, for decisions that must bite at once (suspension)."""

    async def server_named(self, organization: str, server: str) -> Server:
        """By permalinks; NotFound."""

    async def credential(self, digest: str) -> Credential:
        """By the SHA-256 hex digest of the key; NotFound."""

    async def cram_credentials(self, server: ServerId) -> tuple[Credential, ...]:
        """SMTP credentials of a server that keep a sealed key."""

    async def ip_credential(self, address: str) -> Credential | None:
        """The SMTP-IP credential with the longest network containing this address (contract section 3.3)."""

    async def credential_by_id(self, server: ServerId, credential: str) -> Credential | None:
        """A credential of a server by its public id."""

    async def verified_domain(self, server: Server, name: str) -> Domain | None:
        """The verified domain of exactly this (lower-case) name, owned by the server or else by its organization."""

    async def any_from_domain(self, server: Server) -> Domain | None:
        """The first, by name, verified domain of the server that is flagged `use_for_any` (contract 2.6)."""

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        """The ways out of a pool."""


class Accounts(Protocol):
    """Configuration as people change it: always fresh, unique names enforced with Conflict, unknown things
    NotFound."""

    async def install(self, installation: Installation) -> bool:
        """Set the installation up; False when it was already."""

    async def next_number(self, kind: str) -> int:
        """A fresh installation-wide number for an organization or server."""

    async def add_organization(self, organization: Organization) -> None: ...

    async def organizations(self) -> list[Organization]: ...

    async def organization(self, permalink: str) -> Organization: ...

    async def update_organization(self, organization: Organization) -> None: ...

    async def add_server(self, server: Server) -> None: ...

    async def servers(self, organization: OrganizationId) -> list[Server]: ...

    async def server(self, organization: str, permalink: str) -> Server: ...

    async def update_server(self, server: Server) -> None: ...

    async def add_domain(self, domain: Domain) -> None: ...

    async def domains(
        self, organization: OrganizationId, server: ServerId | None
    ) -> list[Domain]: ...

    async def update_domain(self, domain: Domain) -> None: ...

    async def remove_domain(self, domain: Domain) -> None: ...

    async def add_credential(self, credential: Credential) -> None: ...

    async def credentials(self, server: ServerId) -> list[Credential]: ...

    async def update_credential(self, credential: Credential) -> None: ...

    async def remove_credential(self, credential: Credential) -> None: ...

    async def note_use(self, credential: Credential, at: int) -> None:
        """Remember when a credential was used; one that is gone stays gone."""

    async def add_egress_source(self, source: EgressSource) -> None: ...

    async def egress_sources(self, pool: str) -> list[EgressSource]: ...

    async def remove_egress_source(self, source: EgressSource) -> None: ...


class KeyVault(Protocol):
    """Seals secrets under a context (associated data): opening with another context fails with PermanentFailure."""

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes: ...

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes: ...


class Signer(Protocol):
    """The private-key step of a DKIM signature; key objects are kept, so that the vault is asked once a key."""

    async def sign(self, key: DkimKey, digest: bytes) -> bytes:
        """Sign a SHA-256 digest: PKCS#1 v1.5 for rsa-sha256, PureEdDSA over the digest for ed25519-sha256 (RFC
        8463)."""


class KeyMaker(Protocol):
    """New DKIM keys."""

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        """A new private key as PKCS#8 DER and its public half as the base64 text of `p=`: RSA with 2048 bits for
        "rsa-sha256", "ed25519-sha256" as in RFC 8463."""


class Resolver(Protocol):
    """DNS as mail needs it. Names are given as ASCII (A-labels) or Unicode; answers are lower-case without final dot.

    Raises TemporaryFailure (451 4.4.3) for SERVFAIL, refusals and time-outs.
    """

    async def mx(self, domain: str) -> tuple[tuple[int, str], ...]:
        """(preference, host) pairs; empty when the domain exists without MX. A null MX is ((0, ""),) (RFC 7505).
        NotFound when the domain does not exist (NXDOMAIN)."""

    async def addresses(self, host: str) -> tuple[str, ...]:
        """IPv6 then IPv4 addresses as text; empty when there are none (or no such host)."""

    async def txt(self, name: str) -> tuple[str, ...]:
        """TXT records, their strings joined; empty when there are none."""

    async def cname(self, name: str) -> str | None:
        """What a name is a CNAME for, or None when it has no CNAME record."""

    async def ptr(self, address: str) -> str | None:
        """The first PTR name of an address, or None; never raises."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """How one mail transaction ended: the deciding reply, and at which command (`MAIL`, `RCPT`, `DATA`, `.`)."""

    reply: Reply
    stage: str


class Conversation(Protocol):
    """An open SMTP session with one host, past greeting, EHLO and TLS."""

    target: Target
    tls: str | None  # "TLSv1.3 TLS_AES_256_GCM_SHA384", None in clear text
    source: str  # the local address as the socket tells it

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> Transaction:
        """Send one message (its parts concatenated are the exact bytes, CRLF lines, not dot-stuffed).
        Any reply is a result. TemporaryFailure: the connection failed before the final dot was sent.
        OutcomeUnknown: it failed after that, with no reply read."""

    async def release(self) -> None:
        """Give the session back for reuse by a later message to the same target from the same source."""

    async def close(self) -> None:
        """Say QUIT if possible and close."""


class Egress(Protocol):
    """Connections to the world by egress source."""

    async def connect(self, target: Target, source: EgressSource) -> Conversation:
        """A kept or new session. TemporaryFailure with a public text when greeting, EHLO or TLS cannot be completed:
        a 4xx or 5xx greeting too, since another host may still take the message."""

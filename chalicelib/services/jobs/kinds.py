"""What a type of jobs says of itself. A new type is a class of its own, named in `chalicelib.services.jobs.types`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self

from chalicelib.domain.jobs import Job, Piece
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.suppression import list_of
from chalicelib.domain.tenancy.servers import Server

Parameters = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobOwner:
    """Whose job it is: an organization's, or a server's; `name` as in `acme/mail`."""

    organization: OrganizationId
    name: str
    server: Server | None = None

    @property
    def number(self) -> ServerId:
        """Under which it is kept."""
        return list_of(self.organization) if self.server is None else self.server.id


@dataclass(frozen=True, slots=True)
class Skipped:
    """How many it would leave alone, and why."""

    detail: str
    count: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What a job would be about, counted to LOOKED_AT; `is_exact` is false where there is more."""

    matched: int
    is_exact: bool
    sample: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    by_status: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()


LOOKED_AT = 10_000
LOOKING_SECONDS = 8.0  # a look is an answer to a request
MOST_SAMPLES = 20


class Worked(Protocol):
    """What is worked on piece by piece."""

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """The next piece of one, which takes a second or two at most, and does nothing twice when it is done again.
        What is Rejected ends the job; TemporaryFailure lets it wait."""


class JobKind(Worked, Protocol):
    """One type. `fields` are its parameters, `is_of_organizations` says whether an organization may have it, `sends`
    that a suspended server may not."""

    type: str
    fields: frozenset[str]
    is_of_organizations: bool
    sends: bool

    def has_numbers(self, parameters: Parameters) -> bool:
        """Whether what it is about has numbers, and no names."""

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """What its `filter` may have."""

    def scope(self, parameters: Parameters) -> str:
        """The scopes that whoever starts or sees one needs, apart by blanks."""

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """The parameters as they are kept, with what they name made sure of. Rejected."""

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """What one would be about; nothing is done. Rejected."""

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """The result as it is shown at this moment."""


class Finding(Protocol):
    """What finds what a job is about."""

    async def find(
        self, owner: ServerId, job: Job, position: str | None
    ) -> tuple[Sequence[str], str | None]:
        """Some ids behind a position, and the position of what follows, None behind the last."""


class Listing(Finding, Protocol):
    """What a job over a list does: it finds what it is about, and acts on a part of that."""

    async def act(self, owner: ServerId, job: Job, number: int, ids: Sequence[str]) -> Piece:
        """Do what is asked for with the ids of a part."""

    async def finish(self, owner: ServerId, job: Job, parts: int) -> str:
        """What comes of it, once all parts are done: the result as JSON, or empty."""


@dataclass(frozen=True, slots=True)
class ListState:
    """Where a job over a list is: how many parts are written down, at which position to go on finding, and which part
    is next."""

    parts: int = 0
    position: str | None = None
    is_found: bool = False
    next: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """From a job's state."""
        return cls(**json.loads(text)) if text else cls()

    def text(self, **changes: Any) -> str:
        """As a job's state, changed."""
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        return json.dumps(kept | changes)

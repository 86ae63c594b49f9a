"""What is sent and answered about sources, the ways out of pools (api.md 2.20)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery, Request
from chalicelib.api.v2.patch import Patch
from chalicelib.domain.tenancy.listings import Listing, listings_of
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource

Text = Annotated[str, Field(max_length=255)]
Tls = Literal["opportunistic", "required", "implicit", "none"]
Port = Annotated[int, Field(ge=0, le=65_535, strict=True, description="0: the usual one.")]
Priority = Annotated[int, Field(ge=0, le=1_000, strict=True)]
Password = Annotated[str, Field(max_length=200, description="Never shown.")]


class SourceListing(Answer):
    """An address of a source that a list has."""

    list: Annotated[str, Field(examples=["bl.example.org"])]
    address: str
    text: Annotated[str | None, Field(description="In the words of the list.")]
    since: Annotated[Moment, Field(description="When it was found first.")]
    resumed: Annotated[
        bool, Field(description="Somebody resumed the source: this listing suspends it no more.")
    ]


class Source(Answer):
    """One way out of a pool."""

    name: str
    pool: str
    kind: EgressKind
    address: str | None
    address6: str | None
    host: str | None
    port: int | None
    username: str | None
    has_password: bool
    tls: Tls
    ehlo: str | None
    priority: int
    suspended_until: Moment | None
    suspension_reason: Annotated[
        str | None,
        Field(description="Why it is suspended by itself, until that ends or it is resumed."),
    ]
    unused4: Annotated[
        str | None, Field(description="Why no mail leaves by IPv4, as it was found; null: it may.")
    ]
    unused6: Annotated[str | None, Field(description="The same of IPv6.")]
    listings: Annotated[list[SourceListing], Field(description="As the last hour found them.")]


class SourcePage(ListAnswer):
    """Sources, by pool and name."""

    data: list[Source]


class SourceToMake(Body):
    """A new way out."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    pool: Text = "default"
    kind: EgressKind
    address: Text = ""
    address6: Text = ""
    host: Text = ""
    port: Port = 0
    username: Text = ""
    password: Password = ""
    tls: Annotated[
        Tls, Field(description="`posthorn source add` gives a smarthost `required`.")
    ] = "opportunistic"
    ehlo: Text = ""
    priority: Priority = 100


class SourceToChange(Patch):
    """What may be changed of it."""

    address: Text = ""
    address6: Text = ""
    host: Text = ""
    port: Port = 0
    username: Text = ""
    password: Password = ""
    tls: Tls = "opportunistic"
    ehlo: Text = ""
    priority: Priority = 100


class SourceSuspension(Body):
    """For how long."""

    seconds: Annotated[
        int | None, Field(ge=1, le=2_147_483_647, description="Null: until it is resumed.")
    ] = None


class SourceQuery(Request):
    """Which of several sources of one name."""

    pool: str | None = Field(None, max_length=500)


class SourcesQuery(PageQuery):
    """Which sources."""

    pool: str | None = Field(None, max_length=500, description="Only this pool's.")


def source_told(source: EgressSource, now: float) -> Source:
    """What is empty is null, and so is a suspension that is over."""
    empty = ("address", "address6", "host", "port", "username", "ehlo", "unused4", "unused6")
    told = {name: getattr(source, name) for name in ("name", "pool", "kind", "tls", "priority")}
    told |= {name: getattr(source, name) or None for name in empty}
    is_over = source.suspended_until <= now
    told |= {
        "suspended_until": None if is_over else source.suspended_until,
        "has_password": source.sealed_password is not None,
        "suspension_reason": source.suspended_for or None,
        "listings": [_listing_told(one) for one in listings_of(source)],
    }
    return Source.model_validate(told)


def _listing_told(one: Listing) -> SourceListing:
    told = {name: getattr(one, name) for name in ("list", "address", "since", "resumed")}
    return SourceListing.model_validate(told | {"text": one.text or None})

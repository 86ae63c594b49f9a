"""What API v2 shows of how a message came and what was found in it (api.md 2.10)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.objects import Answer
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.tenancy.endpoints import EndpointType


class NamedRoute(Answer):
    """The route that took a message."""

    id: str
    name: str


class NamedEndpoint(Answer):
    """The endpoint that a message is for."""

    id: str
    name: str
    type: EndpointType


class SpamCheck(Answer):
    """One rule of a scanner that said something."""

    code: str
    score: float
    description: str


class Spam(Answer):
    """What a scanner made of it; `scanner` is null where none is configured."""

    status: SpamStatus
    score: float
    threshold: float | None
    scanner: str | None
    checks: list[SpamCheck]


class Threat(Answer):
    """What a virus scanner said; `details` is null before it was asked."""

    found: bool
    details: str | None


class Spf(Answer):
    """RFC 7208."""

    result: str
    domain: str | None
    client: str | None


class DkimSignature(Answer):
    """RFC 6376."""

    result: str
    domain: str
    selector: str


class Dmarc(Answer):
    """RFC 9989."""

    result: str
    domain: Annotated[str | None, Field(description="That of From.")]
    policy: Annotated[str | None, Field(description="The one that applies.")]
    aligned: Annotated[list[str], Field(description="Which of spf and dkim vouch for it.")]


class Arc(Answer):
    """RFC 8617."""

    result: str


class Authentication(Answer):
    """Who vouches for the sender, in the results of RFC 8601."""

    spf: Spf
    dkim: list[DkimSignature]
    dmarc: Dmarc
    arc: Arc


class EnvelopeShown(Answer):
    """Who brought it, and the tag in its recipient."""

    helo: str
    client: str
    client_name: str
    tag: str | None

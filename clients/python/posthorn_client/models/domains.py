"""What operations on `/api/v2/domains` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "Domain",
    "DomainPage",
    "DomainToChange",
    "DomainToMake",
    "Key",
    "Purpose",
    "Record",
    "RecordStatus",
    "Verification",
    "VerificationMethod",
]


class Domain(TypedDict):
    """A sending domain, the records to publish, and what the last check found."""

    name: str
    owner: Literal["server", "organization"]
    uuid: str
    verification_method: VerificationMethod
    verified_at: str | None
    lapses_at: str | None
    """When it is verified no more if nothing changes."""
    use_for_any: bool
    """Any From address may be used with it."""
    incoming: bool
    """Mail for it is to come in here."""
    dns_ok: bool
    """It is verified, and its records are right."""
    dkim_ok: bool
    """Mail is signed with its own keys."""
    return_path_ok: bool
    """Bounces come back to its own name."""
    checked_at: str | None
    next_check_at: str | None
    created_at: str
    keys: list[Key]
    records: list[Record]
    """In the order to publish them."""


class DomainPage(TypedDict):
    """Domains, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Domain]


class DomainToChange(TypedDict):
    """What may be changed of it."""

    use_for_any: NotRequired[bool | None]
    """Set by operators."""
    incoming: NotRequired[bool | None]


class DomainToMake(TypedDict):
    """A new domain."""

    name: str
    verification_method: NotRequired[VerificationMethod | None]
    use_for_any: NotRequired[bool | None]
    """Set by operators."""
    incoming: NotRequired[bool | None]


class Key(TypedDict):
    """A key that signs, will sign, or has signed."""

    selector: str
    algorithm: str
    state: Literal["active", "next", "retired"]
    ok: bool
    """The last check found its record."""
    created_at: str


Purpose = Literal[
    "ownership",
    "dkim-rsa",
    "dkim-ed25519",
    "spf",
    "return-path",
    "mx",
    "dmarc",
    "mta-sts",
    "tls-rpt",
    "bimi",
    "track",
    "host",
    "reverse",
    "web",
]
"""What a record is for."""


class Record(TypedDict):
    """One record to publish, and what the last check found."""

    purpose: Purpose
    """More may come."""
    type: str
    name: str
    value: str
    required: bool
    """Without it Posthorn does not send so, or not with the domain's own key."""
    status: RecordStatus | None
    """Unknown: the name servers do not answer; null: nobody looked."""
    found: list[str]
    """What is there, at most 8 kB of it."""
    text: str
    """What to do; empty when it is right."""
    suggestion: str | None
    """What to publish in place of the first that was found."""


RecordStatus = Literal["OK", "Missing", "Invalid", "Unknown"]
"""Contract section 1.5, and Unknown when the name servers could not be asked."""


class Verification(TypedDict):
    """The code that was mailed, or where to mail one."""

    code: NotRequired[str | None]
    send_to: NotRequired[str | None]


VerificationMethod = Literal["DNS", "Email"]
"""How a domain proves its owner: by a record, or by a code that is mailed."""

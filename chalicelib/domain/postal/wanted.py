"""A row as it is to be here, and what becomes of one that was brought before: field by field, what changed in Postal
is taken over, and what was changed here stays.

What was brought is remembered as a digest for each field, so that nothing of it is kept twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from chalicelib.domain.tenancy.entity import Entity

Digests = Mapping[str, str]
NOTHING = ""
NO_SECRETS: Mapping[str, bytes] = {}
# What checks and use change beside people: no word about it, and Postal's is taken where that changed.
UNTOLD = frozenset(
    "last_used_at last_used_address verified_at verified_by dkim_ok return_path_ok dns_status dns_error dns_checked_at"
    " dns_found dns_unanswered https_fault https_checked_at https_ends_at disabled_reason"
    " organization_suspended organization_limits organization_rates rate_holds".split()
)
# What a value has of its place and its making, what the noun has of its owner, and what people have here alone.
_FIXED = frozenset(
    "id number server_id organization_id organization_permalink permalink token uuid created_at"
    " verification_token dkim_identifier user_id totp_step recovery passkeys theme shortcuts newest_first"
    " first_steps last_seen_at".split()
)
# What is kept in another form once it was used: no word about it while Postal's stays as it was.
_KEPT_ANEW = frozenset({"password"})


class Fit(StrEnum):
    """What a note says of what Postal has: it could not be brought, or it was and differs."""

    REFUSED = "refused"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Note:
    """Something of Postal that does not fit: what it is (`route support@acme.example`), and why."""

    fit: Fit
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row of a table as one of our nouns. `secrets` are what is sealed, by field, in clear; the value has none of it.
    `what` is what people call it."""

    table: str
    row: str
    what: str
    entity: Entity[Any]
    value: Any
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def refused(what: str, text: str) -> Note:
    """It is not brought."""
    return Note(Fit.REFUSED, what, text)


def told(what: str, text: str) -> Note:
    """It is brought, and people should know this."""
    return Note(Fit.TOLD, what, text)


def digests(
    entity: Entity[Any], value: Any, secrets: Mapping[str, bytes] = NO_SECRETS
) -> dict[str, str]:
    """A digest for each field that people change; of one that is sealed only where it is given in clear."""
    found: dict[str, str] = {}
    for one in fields(value):
        if one.name in _FIXED:
            continue
        if one.name not in entity.sealed:
            found[one.name] = _digest(getattr(value, one.name))
        elif one.name == "keys":
            found[one.name] = _digest([(key.selector, key.public) for key in value.keys])
    return found | {
        name: _digest(secret.hex()) for name, secret in secrets.items() if name != "keys"
    }


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of a value that was brought before. `taken` are the fields that Postal changed, `left` those that
    were changed here; `known` is what is to be remembered of it."""

    value: Any
    taken: tuple[str, ...]
    left: tuple[str, ...]
    known: Digests


def merged(wanted: Wanted, current: Any, base: Digests) -> Merged:
    """The current value with what changed in Postal since `base` was remembered."""
    new = digests(wanted.entity, wanted.value, wanted.secrets)
    now = digests(wanted.entity, current)
    gone = {name: NOTHING for name in base if name not in new and name in wanted.entity.sealed}
    taken, left, known = [], [], dict(base)
    for name, digest in (new | gone).items():
        here = now.get(name, base.get(name))  # what is sealed shows no change
        if digest == base.get(name):
            if here != digest and name not in UNTOLD | _KEPT_ANEW:
                left.append(name)
        elif here == base.get(name) or name in UNTOLD:
            taken.append(name)
            known[name] = digest
        elif here == digest:
            known[name] = digest
        else:
            left.append(name)
    changed = {name: getattr(wanted.value, name) for name in taken if name not in wanted.secrets}
    return Merged(replace(current, **changed), tuple(taken), tuple(left), known)


def _digest(value: Any) -> str:
    rendered = json.dumps(value, default=repr, sort_keys=True)
    return hashlib.sha256(rendered.encode()).hexdigest()[:12]

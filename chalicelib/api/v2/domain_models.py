"""What requests for sending domains hold, and how a domain is shown (api.md 2.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from chalicelib.api.v2.dns_records import Record, record_shown
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment
from chalicelib.api.v2.patch import Patch
from chalicelib.domain.dns.checked import lapses_at, next_check_at
from chalicelib.domain.dns.compare import is_of
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy import domains as tenancy
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.domains import VerificationMethod, VerifiedBy
from chalicelib.services.tenancy.domains import checked_domain_name


class Key(Answer):
    """A key that signs, will sign, or has signed."""

    selector: str
    algorithm: str
    state: Literal["active", "next", "retired"]
    ok: Annotated[bool, Field(description="The last check found its record.")]
    created_at: Moment


class Domain(Answer):
    """A sending domain, the records to publish, and what the last check found."""

    name: str
    owner: Literal["server", "organization"]
    uuid: str
    verification_method: VerificationMethod
    verified_at: Moment | None
    lapses_at: Annotated[
        Moment | None, Field(description="When it is verified no more if nothing changes.")
    ]
    use_for_any: Annotated[bool, Field(description="Any From address may be used with it.")]
    incoming: Annotated[bool, Field(description="Mail for it is to come in here.")]
    dns_ok: Annotated[bool, Field(description="It is verified, and its records are right.")]
    dkim_ok: Annotated[bool, Field(description="Mail is signed with its own keys.")]
    return_path_ok: Annotated[bool, Field(description="Bounces come back to its own name.")]
    checked_at: Moment | None
    next_check_at: Moment | None
    created_at: Moment
    keys: list[Key]
    records: Annotated[list[Record], Field(description="In the order to publish them.")]


class DomainToMake(Body):
    """A new domain."""

    name: Annotated[
        str, Field(max_length=255, examples=["acme.example"]), checked(checked_domain_name)
    ]
    verification_method: VerificationMethod = VerificationMethod.DNS
    use_for_any: Annotated[StrictBool, Field(description="Set by operators.")] = False
    incoming: StrictBool = False


class DomainToChange(Patch):
    """What may be changed of it."""

    use_for_any: Annotated[StrictBool, Field(description="Set by operators.")] = False
    incoming: StrictBool = False


class Verification(Body):
    """The code that was mailed, or where to mail one."""

    code: str | None = Field(None, max_length=100)
    send_to: str | None = Field(None, max_length=320, examples=["postmaster@acme.example"])


class DomainPage(ListAnswer):
    """Domains, newest first."""

    data: list[Domain]


def domain_shown(
    domain: tenancy.Domain, state: DomainState, records: Sequence[DnsRecord]
) -> Domain:
    """A domain with what its checks found of these records."""
    proven_by_record = domain.verified_by is VerifiedBy.RECORD
    same = (
        "name uuid verification_method verified_at use_for_any incoming dkim_ok return_path_ok"
        " created_at"
    )
    return Domain.model_validate(
        {
            **{name: getattr(domain, name) for name in same.split()},
            "owner": "organization" if domain.server_id is None else "server",
            "lapses_at": lapses_at(state) if proven_by_record else None,
            "dns_ok": state.records_ok and domain.verified_at is not None,
            "checked_at": state.checked_at,
            "next_check_at": next_check_at(state),
            "keys": _keys(domain),
            "records": [_record(each, state) for each in records],
        }
    )


def _record(record: DnsRecord, state: DomainState) -> Record:
    return record_shown(record, next((one for one in state.findings if is_of(one, record)), None))


def _keys(domain: tenancy.Domain) -> list[Key]:
    def shown(key: DkimKey, state: str) -> Key:
        return Key.model_validate(
            {
                "selector": key.selector,
                "algorithm": key.algorithm,
                "state": state,
                "ok": domain.dkim_ok if key.ok is None and state == "active" else bool(key.ok),
                "created_at": key.created_at or domain.created_at,
            }
        )

    return [
        *(shown(key, "active") for key in domain.keys),
        *(shown(key, "next") for key in domain.next_keys),
        *(shown(key, "retired") for key in domain.retired_keys),
    ]

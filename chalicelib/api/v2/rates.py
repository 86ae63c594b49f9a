"""The rates of routes (api.md 1.6), and the header fields that tell of them."""

from __future__ import annotations

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.quota_fields import fields_of
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.rates import POLICIES, Policy
from chalicelib.services.rates import RateExceeded, Rates


async def count_route(call: Call) -> None:
    """Count a request against the policy of its route, if that has one: by tenant, and by what the path names unless
    the policy is of the tenant alone."""
    if call.route.rate:
        policy = POLICIES[call.route.rate]
        names = () if policy.of_tenant else sorted(call.request.path_values)
        named = "/".join(_as_one(call.value(name)) for name in names)
        tenant = "" if call.tenant is None else call.tenant.name
        await count(call, policy, f"{tenant}/{named}")


def _as_one(name: str) -> str:
    """A domain's name however it was spelled; anything else as it is."""
    return typed_name(name) or name


async def count(call: Call, policy: Policy, key: str) -> None:
    """Count a request against a policy, and have its answer say what is left. RateExceeded."""
    try:
        call.fields.update(fields_of(await call.program[Rates].count(policy, key)))
    except RateExceeded as exceeded:
        call.fields.update(fields_of(exceeded.quota))
        raise

"""The header fields that tell what is left of a rate (api.md 1.6)."""

from __future__ import annotations

from chalicelib.services.rates import Quota


def fields_of(quota: Quota) -> dict[str, str]:
    """The fields of a quota."""
    policy = quota.policy
    return {
        "RateLimit-Policy": f'"{policy.name}";q={policy.quota};w={policy.seconds}',
        "RateLimit": f'"{policy.name}";r={quota.left};t={quota.seconds}',
    }

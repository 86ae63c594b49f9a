"""How often something may be asked for: the policies of api.md 1.6, each for a key of its own kind.

A window begins with the first request of its key and ends `seconds` later; the next request begins another. Requests
above the quota are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in so many seconds; `of_tenant`: whatever of the tenant they are about."""

    name: str
    quota: int
    seconds: int
    of_tenant: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """How many requests a key has made since its window began (epoch seconds), this one among them unless it is one too
    many."""

    count: int
    began: float
    is_over_quota: bool = False


# Of a domain in a tenant; of an e-mail address, whether somebody has it or not; of a server, twice.
DNS = Policy("dns", 10, 60)
RESET = Policy("reset", 5, 3_600)
TEST = Policy("test", 30, 60, of_tenant=True)
SEARCH = Policy("search", 600, 60, of_tenant=True)
# Of failures: of a client address, and of an account from one network.
SIGN_IN = Policy("sign-in", 10, 60)
SIGN_IN_DAY = Policy("sign-in", 100, 86_400)
POLICIES = {policy.name: policy for policy in (DNS, RESET, TEST, SEARCH)}

"""Failures of whoever shows a password or code, bounded so that guessing leads nowhere and locks nobody out.

They are counted by the client's address, and for an account by the network that they come from (api.md 1.6): whoever
guesses elsewhere keeps its owner out nowhere else. A try takes its place before it is looked at and gives it back when
it was right, so that however many come at once, no more are looked at.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.rates import SIGN_IN, SIGN_IN_DAY, Policy
from chalicelib.services.rates import Quota, RateExceeded, Rates

Taken = tuple[tuple[Policy, str], ...]


@dataclass(frozen=True, slots=True)
class Try:
    """A try that is being looked at. `quota` is what is left where least is."""

    taken: Taken
    quota: Quota


class Failures:
    """Counts tries that fail."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    async def begin(self, account: str, address: str) -> Try:
        """A place for a try at an account, known or not, from a client address. RateExceeded, TemporaryFailure."""
        taken: list[tuple[Policy, str]] = []
        quotas: list[Quota] = []
        for policy, key in _counted(account, address):
            try:
                quotas.append(await self._rates.count(policy, key))
            except RateExceeded:
                await self._give_back(taken)
                raise
            taken.append((policy, key))
        return Try(tuple(taken), min(quotas, key=lambda one: one.left))

    async def forgive(self, made: Try) -> None:
        """The try was right."""
        await self._give_back(made.taken)

    async def _give_back(self, taken: Sequence[tuple[Policy, str]]) -> None:
        for policy, key in taken:
            await self._rates.give_back(policy, key)


def _counted(account: str, address: str) -> Taken:
    near, wide = _network(address, 32), _network(address, 24)
    keys = (f"address {near}", f"account {account} from {wide}")
    return tuple(
        (policy, f"{key} {policy.seconds}") for policy in (SIGN_IN, SIGN_IN_DAY) for key in keys
    )


def _network(address: str, prefix: int) -> str:
    """The network of an IPv4 address of so many bits, the /64 of an IPv6 one, or the text itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(ipaddress.IPv6Network((int(parsed), 64), strict=False))
        parsed = parsed.ipv4_mapped
    return str(ipaddress.IPv4Network((int(parsed), prefix), strict=False))

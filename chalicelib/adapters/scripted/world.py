"""The world outside of a program that keeps nothing: DNS and receivers by script, clock and chance under control."""

from __future__ import annotations

from typing import Any

from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.name_servers import ScriptedNameServers
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.scripted.time import ControlledClock, SeededRand
from chalicelib.adapters.storage.leased_numbers import NumberBlock
from chalicelib.ports.clock import Clock
from chalicelib.ports.egress import Egress
from chalicelib.ports.name_servers import NameServers
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver


def scripted_parts(*, live: bool) -> dict[type[Any], Any]:
    """A new world by the ports that it stands for; `live` leaves clock and chance to the system. Under control, numbers
    have no gaps."""
    resolver = ScriptedResolver()
    world: dict[type[Any], Any] = {
        Resolver: resolver,
        NameServers: ScriptedNameServers(resolver),
        Egress: ScriptedEgress(),
    }
    if live:
        return world | {NumberBlock: NumberBlock(100)}
    return world | {Clock: ControlledClock(), Rand: SeededRand(), NumberBlock: NumberBlock(1)}

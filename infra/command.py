"""The command line of `make deploy`, read over what the installation was told before, as one `Order` with its package.

What is not said again stays: parameters of templates, settings, pools, and images. An empty value goes back to the
default. Ways out do not stay silently: infra/ways_out.py refuses an order that does not name them.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Callable, Collection, Mapping, Sequence

from infra import package as packaging
from infra.order import (
    EgressHost,
    Order,
    check_needed,
    collect_settings,
    over,
    read_addresses,
    read_hosts,
    read_pairs,
    read_unused,
)
from infra.standing import Standing, look_at
from infra.standing_ways import ways_of
from infra.targets import Target, WrongOrder
from infra.templates import DEFAULT_POOL, read_pools
from infra.track_front import NAMES
from infra.ways_out import FAMILIES, SIZES

Say = Callable[[str], None]


def read_order(parsed: Namespace, target: Target, prefix: str, say: Say) -> Order:
    """The order of this command line; WrongOrder, ValueError or NotPackaged says what is wrong with it."""
    settings = collect_settings(target, os.environ, parsed.set)
    parameters = read_pairs(parsed.parameter, "--parameter")
    named = parsed.pools or os.environ.get("POSTHORN_POOLS", "")
    pools = read_pools(named) if named else ()
    _read_ways(parsed, pools or _mentioned(parsed))
    target.identify()
    before = look_at(target, prefix)
    told = dict(before.parameters)
    if machine := _chosen_machine(target, prefix):
        told["EgressInstanceType"] = machine
    said = {"parameters": parameters, "settings": settings, "pools": pools, "image": parsed.gateway}
    _tell_kept(told, before, said, say)
    pools = pools or before.pools or (DEFAULT_POOL,)
    own_addresses, hosts = _read_ways(parsed, pools)
    settings = over(before.settings, settings)
    check_needed(target, settings)
    say("packaging")
    return Order(
        target,
        prefix,
        packaging.build(pools, parsed.architecture),
        pools,
        settings,
        over(told, parameters),
        parsed.gateway or before.image,
        own_addresses,
        hosts,
        parsed.egress_image or before.egress_image,
        read_unused(parsed.own_address, parsed.egress_host),
        open_tracking=parameters.get(NAMES) == "",
        kept=frozenset(told.keys() - parameters.keys()),
    )


def _mentioned(parsed: Namespace) -> tuple[str, ...]:
    """The pools that ways out are said for."""
    return tuple(text.partition("=")[0] for text in (*parsed.own_address, *parsed.egress_host))


def _read_ways(
    parsed: Namespace, pools: Sequence[str]
) -> tuple[dict[str, int], dict[str, EgressHost]]:
    own_addresses = read_addresses(parsed.own_address, pools)
    hosts = read_hosts(parsed.egress_host, pools, own_addresses)
    if parsed.egress_image and not hosts:
        raise WrongOrder("--egress-image is what an egress host runs; say --egress-host too")
    return own_addresses, hosts


def _chosen_machine(target: Target, prefix: str) -> str:
    """The size of a standing egress host's machine that no deployment takes by itself; empty without one."""
    for way in ways_of(target, prefix):
        if way.has_worked and way.machine and way.addresses:
            size = next(size for most, size in SIZES.items() if len(way.addresses) <= most)
            if way.machine not in {f"{family}.{size}" for family in FAMILIES.values()}:
                return way.machine
    return ""


def _tell_kept(
    told: Mapping[str, str], before: Standing, said: Mapping[str, Collection[str]], say: Say
) -> None:
    """Say what stays as it is because nobody says otherwise."""
    lines = [
        f"--parameter {name}={told[name]}" for name in sorted(told.keys() - said["parameters"])
    ]
    lines += [
        f"--set {name}={value}"
        for name, value in sorted(before.settings.items())
        if name not in said["settings"]
    ]
    if len(before.pools) > 1 and not said["pools"]:
        lines.append(f'--pools "{" ".join(before.pools)}"')
    if before.image and not said["image"]:
        lines.append(f"--gateway {before.image}")
    for line in lines:
        say(f"as before: {line}")

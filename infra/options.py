"""The command line of `make deploy`, read over what the installation was asked for before, as one `Order`.

What is not requested again stays: parameters of templates, settings, pools, and images. An empty value goes back to the
default. How mail leaves does not stay silently: infra/egress.py refuses an order that does not name it. Everything that
can be seen to be wrong without asking the endpoint becomes `WrongOrder` before the endpoint is asked.
"""

from __future__ import annotations

import argparse
import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from chalicelib.config import Settings
from infra import package as packaging
from infra.archive import MACHINES
from infra.current_state import CERTIFICATES, HOST, NAT, CurrentState
from infra.egress import EGRESS_HOST, OWN_ADDRESS, chosen_machine
from infra.order import TRACK_DOMAINS, Egress, Order, check_needed, settings_of
from infra.stack import SETTINGS, Say
from infra.targets import AWS, KINDS, PREFIXES, Target, WrongOrder, check_prefix, find_target
from infra.templates import DEFAULT_POOL, read_pools

RESOURCE_NAMES = frozenset(SETTINGS.values())
# They exist so that a test can stand up its own world, and so that a developer's machine can play one.
EMULATED_ONLY = frozenset(
    {
        "dns_server",
        "delivery_port",
        "allow_private_delivery",
        "allow_private_destinations",
        "clock_file",
        "kill_at",
        "track_address",
    }
)
BLOCKS = range(2, 16)
MOST_ADDRESSES = 8
UNUSED = "none"


class CommandLine(argparse.ArgumentParser):
    """Options that name an installation. What is wrong with them becomes WrongOrder, in one sentence."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        add = self.add_argument
        add("--target", default="local", help=f"where: {', '.join(KINDS)}")
        add("--endpoint", default="", help="an emulator's address (AWS_ENDPOINT_URL)")
        add("--region", default="", help="AWS region (AWS_REGION)")
        add("--prefix", default="", help="first part of every name (posthorn; lambda for local)")

    def error(self, message: str) -> NoReturn:
        raise WrongOrder(f"{message}; {self.prog} --help lists all")


def arguments() -> CommandLine:
    """The command line of `make deploy`."""
    parser = CommandLine(
        prog="python -m infra.deploy",
        description="Creates an installation, or brings it to where it should be.",
    )
    add = parser.add_argument
    several: dict[str, Any] = {"action": "append", "default": []}
    add("--pools", default="", help="pools of sending addresses (as before, or default)")
    add("--set", **several, metavar="NAME=VALUE", help="a setting, any number")
    add("--parameter", **several, metavar="NAME=VALUE", help="of a template")
    add("--gateway", default="", metavar="IMAGE", help="deploy the SMTP gateway from this image")
    add(OWN_ADDRESS, **several, metavar="POOL=NUMBER", help="NAT for a pool")
    add(
        EGRESS_HOST,
        **several,
        metavar="POOL=NUMBER:ADDRESSES",
        help="a host with several addresses for a pool",
    )
    add("--egress-image", default="", metavar="IMAGE", help="what it runs (the gateway's image)")
    add("--architecture", choices=sorted(MACHINES), default="x86_64", help="of the functions")
    add("--json", action="store_true", help="print the outputs as JSON")
    add("--env", action="store_true", help="change nothing; print what stands for a shell")
    return parser


def installation_of(options: Namespace) -> tuple[Target, str]:
    """The target and the prefix that the options and the environment name; WrongOrder for what cannot be."""
    target = find_target(options.target, os.environ, options.endpoint, options.region)
    prefix = options.prefix or PREFIXES[target.kind]
    check_prefix(prefix)
    return target, prefix


@dataclass(frozen=True, slots=True)
class Requested:
    """What the options and the environment say; `pools` are empty when they name none."""

    options: Namespace
    settings: Mapping[str, str]
    parameters: Mapping[str, str]
    pools: tuple[str, ...]


def read_request(options: Namespace, target: Target) -> Requested:
    """The request of this command line; WrongOrder or ValueError says what is wrong with it."""
    settings = collect_settings(target, os.environ, options.set)
    parameters = read_pairs(options.parameter, "--parameter")
    named = options.pools or os.environ.get("POSTHORN_POOLS", "")
    pools = read_pools(named) if named else ()
    mentioned = [text.partition("=")[0] for text in (*options.own_address, *options.egress_host)]
    egress, _ = read_egress(options.own_address, options.egress_host, pools or mentioned)
    if options.egress_image and not any(part.startswith(HOST) for part in egress):
        raise WrongOrder("--egress-image is what an egress host runs; say --egress-host too")
    return Requested(options, settings, parameters, pools)


def complete(
    requested: Requested, state: CurrentState, target: Target, prefix: str, say: Say
) -> Order:
    """The order of this request where the installation is in this state; WrongOrder or NotPackaged says why not."""
    options, before = requested.options, {**state.parameters, **chosen_machine(state.stacks)}
    for line in _kept(requested, state, before):
        say(f"as before: {line}")
    pools = requested.pools or state.pools or (DEFAULT_POOL,)
    egress, unused = read_egress(options.own_address, options.egress_host, pools)
    settings = over(state.settings, requested.settings)
    check_needed(target, settings)
    say("packaging")
    return Order(
        target,
        prefix,
        packaging.build(pools, options.architecture),
        pools,
        settings,
        over(before, requested.parameters),
        options.gateway or state.image,
        egress,
        options.egress_image or state.egress_image,
        unused,
        open_tracking=requested.parameters.get(TRACK_DOMAINS) == "",
        kept=frozenset(before.keys() - requested.parameters.keys()),
    )


def _kept(requested: Requested, state: CurrentState, before: Mapping[str, str]) -> Iterator[str]:
    """What stays as it is because nobody requests otherwise, as the options that would say so."""
    for name in sorted(before.keys() - requested.parameters.keys()):
        yield f"--parameter {name}={before[name]}"
    for name in sorted(state.settings.keys() - requested.settings.keys()):
        yield f"--set {name}={state.settings[name]}"
    if len(state.pools) > 1 and not requested.pools:
        yield f'--pools "{" ".join(state.pools)}"'
    if state.image and not requested.options.gateway:
        yield f"--gateway {state.image}"


def collect_settings(
    target: Target, environment: Mapping[str, str], given: Sequence[str]
) -> dict[str, str]:
    """The settings that are requested: the target's own, then POSTHORN_* variables, then `--set name=value`.

    An empty value asks for the default. WrongOrder for a setting that does not exist, cannot be read, or must not leave
    the emulator.
    """
    known = {one.name for one in fields(Settings)}
    values = dict(target.settings)
    for name in sorted(known - RESOURCE_NAMES):
        if text := environment.get(f"POSTHORN_{name.upper()}"):
            values[name] = text
    for name, value in read_pairs(given, "--set").items():
        values[name.lower().removeprefix("posthorn_")] = value
    if unknown := sorted(values.keys() - known):
        raise WrongOrder(f"there is no setting {unknown[0]!r}; docs/reference/settings.md has all")
    if named := sorted(RESOURCE_NAMES & values.keys()):
        raise WrongOrder(f"{named[0]} follows from the prefix and cannot be set")
    settings_of(values)
    if target.kind == AWS and (wrong := sorted(EMULATED_ONLY & values.keys())):
        raise WrongOrder(f"{wrong[0]} is for emulators only and cannot be set on AWS")
    return values


def over(before: Mapping[str, str], requested: Mapping[str, str]) -> dict[str, str]:
    """What was requested before, unless it is requested anew; an empty value takes it back."""
    values = {**before, **requested}
    # A certificate goes with its name.
    gone = {held for name, held in CERTIFICATES.items() if requested.get(name) == ""}
    return {
        name: value
        for name, value in values.items()
        if value and name not in gone - requested.keys()
    }


def read_pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """`name=value` texts as a mapping; WrongOrder for one that is none."""
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise WrongOrder(f"{option} takes NAME=VALUE, not {text!r}")
        pairs[name] = value
    return pairs


def read_egress(
    own: Sequence[str], hosts: Sequence[str], pools: Sequence[str]
) -> tuple[dict[str, Egress], frozenset[str]]:
    """`pool=number` of NAT gateways and `pool=number:addresses` of hosts, by stack; and the stacks of `pool=none`.

    WrongOrder for a pool that is none or has both, a bad number, or one taken twice.
    """
    found: dict[str, Egress] = {}
    unused = set()
    for kind, option, given in ((NAT, OWN_ADDRESS, own), (HOST, EGRESS_HOST, hosts)):
        for pool, text in read_pairs(given, option).items():
            number, _, count = text.partition(":") if kind == HOST else (text, "", "")
            if text == UNUSED:  # which may be said of a pool that goes
                unused.add(kind + pool)
                continue
            if pool not in pools:
                what = "an egress host" if kind == HOST else "an address of its own"
                raise WrongOrder(f"there is no pool {pool!r} to have {what}")
            if NAT + pool in found:
                raise WrongOrder(
                    f"the pool {pool!r} has an address of its own or an egress host, not both"
                )
            if number not in map(str, BLOCKS) or int(number) in {
                one.block for one in found.values()
            }:
                raise WrongOrder(f"{option} {pool} needs a number of its own from 2 to 15")
            if kind == HOST and count not in map(str, range(1, MOST_ADDRESSES + 1)):
                raise WrongOrder(
                    f"{option} {pool}={number} needs :1 to :{MOST_ADDRESSES} addresses"
                )
            found[kind + pool] = Egress(int(number), int(count or 0))
    return found, frozenset(unused)

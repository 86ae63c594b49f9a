"""What `make deploy` was asked for: the command line and the environment, read into one `Order`.

Everything that can be seen to be wrong without asking the endpoint becomes `WrongOrder`, one sentence for people. It
makes nothing and packages nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import NoReturn

from chalicelib.config import Settings, read_settings
from infra.archive import MACHINES
from infra.package import Package
from infra.stack import SETTINGS
from infra.standing import CERTIFICATES
from infra.targets import AWS, KINDS, Target, WrongOrder, one_line
from infra.templates import DEFAULT_POOL

RESOURCE_NAMES = frozenset(SETTINGS.values())
# They exist so that a test can stand up its own world, and so that a developer's machine can play one.
EMULATED_ONLY = frozenset(
    {
        "dns_server",
        "delivery_port",
        "allow_private_delivery",
        "clock_file",
        "kill_at",
        "track_address",
    }
)
# Their defaults are examples; mail that names them would be nobody's.
NEEDED_ON_AWS = (
    "web_hostname",
    "smtp_hostname",
    "return_path_domain",
    "route_domain",
    "spf_include",
)
BLOCKS = range(2, 16)
MOST_ADDRESSES = 8
UNUSED = "none"
DIGEST = re.compile(r"[^@\s]+@sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class EgressHost:
    """A pool's egress host: the number of its block in the network (2 to 15), and how many Elastic IPs it has."""

    block: int
    addresses: int


@dataclass(frozen=True, slots=True)
class Order:
    """What to deploy where. `settings` are fields of `chalicelib.config.Settings`; `parameters` those of templates.

    `image` is the gateway's; without one there is no gateway. `own_addresses` are pools that send through a NAT gateway
    with an address of its own, each with the number of its block in the network (2 to 15). `egress_hosts` are pools
    that send through a host with several, which runs `egress_image`. `unused` names stacks of ways out, such as
    `egress-bulk`, that may stand although no pool uses them any more; `open_tracking` says the like of CloudFront's.
    `kept` names the parameters that nobody said again; the stacks that they were for may be gone.
    """

    target: Target
    prefix: str
    package: Package
    pools: Sequence[str] = (DEFAULT_POOL,)
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    own_addresses: Mapping[str, int] = field(default_factory=dict)
    egress_hosts: Mapping[str, EgressHost] = field(default_factory=dict)
    egress_image: str = ""
    unused: frozenset[str] = frozenset()
    open_tracking: bool = False
    kept: frozenset[str] = frozenset()


def collect_settings(
    target: Target, environment: Mapping[str, str], given: Sequence[str]
) -> dict[str, str]:
    """The settings that are said: the target's own, then POSTHORN_* variables, then `--set name=value`.

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
    if unknown := sorted(set(values) - known):
        raise WrongOrder(f"there is no setting {unknown[0]!r}; docs/reference/settings.md has all")
    if named := sorted(RESOURCE_NAMES & set(values)):
        raise WrongOrder(f"{named[0]} follows from the prefix and cannot be set")
    settings_of(values)
    if target.kind == AWS and (wrong := sorted(EMULATED_ONLY & set(values))):
        raise WrongOrder(f"{wrong[0]} is for emulators only and cannot be set on AWS")
    return values


def settings_of(values: Mapping[str, str]) -> Settings:
    """What functions read that are given these values; WrongOrder for one that they would refuse."""
    try:
        return read_settings({f"POSTHORN_{name.upper()}": value for name, value in values.items()})
    except ValueError as error:
        raise WrongOrder(one_line(error)) from None


def check_needed(target: Target, settings: Mapping[str, str]) -> None:
    """WrongOrder for a setting that AWS needs and that is neither said nor known from before."""
    if target.kind != AWS:
        return
    missing = [name for name in NEEDED_ON_AWS if not settings.get(name)]
    if missing:
        raise WrongOrder(
            f"{', '.join(missing)} must be set; say --set {missing[0]}=… or set"
            f" POSTHORN_{missing[0].upper()}"
        )


def over(before: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """What was said before, unless it is said anew; an empty value takes it back."""
    values = {**before, **said}
    # A certificate goes with its name.
    gone = {held for name, held in CERTIFICATES.items() if said.get(name) == ""} - said.keys()
    return {name: value for name, value in values.items() if value and name not in gone}


def check_pairs(parameters: Mapping[str, str]) -> None:
    """WrongOrder for a domain without its certificate, or a certificate without its domain."""
    for pair in CERTIFICATES.items():
        missing = [name for name in pair if not parameters.get(name)]
        if len(missing) == 1:
            raise WrongOrder(
                f"{' and '.join(pair)} need each other; say --parameter {missing[0]}=… too"
            )


def check_gateway(order: Order) -> None:
    """WrongOrder for a gateway without a certificate that mail clients accept, or an image that may become another.

    Emulators run no container, and so ask for neither.
    """
    if order.target.kind != AWS:
        return
    for option, image in (("--gateway", order.image), ("--egress-image", order.egress_image)):
        if image and not DIGEST.fullmatch(image):
            raise WrongOrder(
                f"{option} takes an image by its digest, NAME@sha256:…, which docker push prints;"
                f" {image!r} may be another image tomorrow"
            )
    if order.image and not order.parameters.get("TlsSecretArn"):
        raise WrongOrder(
            "the gateway needs a certificate: say --parameter TlsSecretArn=arn:…, or"
            " TlsSecretArn=self-signed for one that mail servers take and mail clients refuse"
        )


def read_pairs(given: Sequence[str], option: str) -> dict[str, str]:
    """`name=value` texts as a mapping; WrongOrder for one that is none."""
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise WrongOrder(f"{option} takes NAME=VALUE, not {text!r}")
        pairs[name] = value
    return pairs


def read_addresses(given: Sequence[str], pools: Sequence[str]) -> dict[str, int]:
    """`pool=number` texts as a mapping; WrongOrder for a pool that is none, a bad number, or one taken twice."""
    option = "--own-address"
    found: dict[str, int] = {}
    for pool, text in read_pairs(given, option).items():
        if text == UNUSED:  # which may be said of a pool that goes
            continue
        _check_pool(pool, pools, "an address of its own")
        found[pool] = _block(text, f"{option} {pool}", found.values())
    return found


def read_hosts(
    given: Sequence[str], pools: Sequence[str], own_addresses: Mapping[str, int]
) -> dict[str, EgressHost]:
    """`pool=number:addresses` texts as a mapping; WrongOrder as for `read_addresses`, and for a pool that has both."""
    option = "--egress-host"
    found: dict[str, EgressHost] = {}
    for pool, text in read_pairs(given, option).items():
        if text == UNUSED:
            continue
        _check_pool(pool, pools, "an egress host")
        if pool in own_addresses:
            raise WrongOrder(
                f"the pool {pool!r} has an address of its own or an egress host, not both"
            )
        number, _, count = text.partition(":")
        taken = [*own_addresses.values(), *(host.block for host in found.values())]
        block = _block(number, f"{option} {pool}", taken)
        if count not in map(str, range(1, MOST_ADDRESSES + 1)):
            raise WrongOrder(f"{option} {pool}={number} needs :1 to :{MOST_ADDRESSES} addresses")
        found[pool] = EgressHost(block, int(count))
    return found


def read_unused(own: Sequence[str], hosts: Sequence[str]) -> frozenset[str]:
    """The stacks of the ways out that were ordered as `pool=none`."""
    kinds = (("nat", own, "--own-address"), ("egress", hosts, "--egress-host"))
    return frozenset(
        f"{kind}-{pool}"
        for kind, given, option in kinds
        for pool, text in read_pairs(given, option).items()
        if text == UNUSED
    )


def _check_pool(pool: str, pools: Sequence[str], what: str) -> None:
    if pool not in pools:
        raise WrongOrder(f"there is no pool {pool!r} to have {what}")


def _block(text: str, whose: str, taken: Collection[int]) -> int:
    if text not in map(str, BLOCKS) or int(text) in taken:
        raise WrongOrder(f"{whose} needs a number of its own from 2 to 15")
    return int(text)


class CommandLine(argparse.ArgumentParser):
    """A parser that says what is wrong as a deployment says everything: WrongOrder, in one sentence."""

    def error(self, message: str) -> NoReturn:
        raise WrongOrder(f"{message}; {self.prog} --help lists all")


def arguments() -> CommandLine:
    """The command line."""
    parser = CommandLine(
        prog="python -m infra.deploy",
        description="Creates an installation, or brings it to where it should be.",
    )
    add = parser.add_argument
    add("--target", default="local", help=f"where to: {', '.join(KINDS)}")
    add("--endpoint", default="", help="an emulator's address (AWS_ENDPOINT_URL)")
    add("--region", default="", help="AWS region (AWS_REGION)")
    add("--prefix", default="", help="first part of every name (posthorn; lambda for local)")
    add("--pools", default="", help="pools of sending addresses (as before, or default)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, any number")
    add("--parameter", action="append", default=[], metavar="NAME=VALUE", help="of a template")
    add("--gateway", default="", metavar="IMAGE", help="deploy the SMTP gateway from this image")
    add("--own-address", action="append", default=[], metavar="POOL=NUMBER", help="NAT for a pool")
    add(
        "--egress-host",
        action="append",
        default=[],
        metavar="POOL=NUMBER:ADDRESSES",
        help="a host with several addresses for a pool",
    )
    add("--egress-image", default="", metavar="IMAGE", help="what it runs (the gateway's image)")
    add("--architecture", choices=sorted(MACHINES), default="x86_64", help="of the functions")
    add("--json", action="store_true", help="print the outputs as JSON")
    add("--env", action="store_true", help="change nothing; print what stands for a shell")
    return parser

"""How the mail of a pool leaves: the stacks of its NAT gateway or egress host, and the sources that a host stands for.

Names the parameters of those stacks, hands their outputs on to the delivering function of the pool, and after a
deployment brings the egress sources of each host into the control table, one an address. It decides nothing about
which source a message takes, and leaves alone what a person has set about a source.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.tenancy import EgressKind, EgressSource
from chalicelib.services.sources import Sources
from infra.order import Order
from infra.standing_ways import HOST, NAT, Way, forgotten_addresses, ways_of
from infra.targets import WrongOrder, environment_of
from infra.templates import Template, for_addresses, load

Say = Callable[[str], None]

# How many addresses the one interface of a machine can have, by the machine's size.
SIZES = {2: "micro", 4: "small", 6: "medium", 12: "large"}
FAMILIES = {"X86_64": "t3", "ARM64": "t4g"}
_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")


def templates_of(order: Order) -> dict[str, Template]:
    """The templates of the order's ways out, by the part of the stack's name that tells them apart."""
    found = {NAT + pool: load("nat.yaml") for pool in order.own_addresses}
    for pool, host in order.egress_hosts.items():
        found[HOST + pool] = for_addresses(load("egress.yaml"), host.addresses)
    return found


def parameters_of(order: Order, part: str) -> dict[str, str]:
    """What the stack of this part of the installation is told besides what all are told."""
    if part == "network":
        # Services stay inside while anything may still be there that asks for them.
        inside = order.egress_hosts or any(part.startswith(HOST) for part in order.unused)
        return {"PrivateServices": "true"} if inside else {}
    if part.startswith(NAT):
        pool = part.removeprefix(NAT)
        return {"Pool": pool, "PoolNumber": str(order.own_addresses[pool])}
    if part.startswith(HOST):
        return _for_host(order, part.removeprefix(HOST))
    return {}


def _for_host(order: Order, pool: str) -> dict[str, str]:
    host, image = order.egress_hosts[pool], order.egress_image or order.image
    machine = order.parameters.get("EgressInstanceType") or _machine_for(order, host.addresses)
    return {
        "Pool": pool,
        "PoolNumber": str(host.block),
        "EgressImage": image,
        "EgressImageArn": repository_of(image),
        "EgressInstanceType": machine,
    }


def _machine_for(order: Order, addresses: int) -> str:
    """The smallest machine that has room for so many addresses."""
    family = FAMILIES.get(order.parameters.get("GatewayArchitecture", "X86_64"), "t3")
    return f"{family}.{next(size for most, size in SIZES.items() if addresses <= most)}"


def steps_of(
    order: Order, part: str, template: Template
) -> Iterator[tuple[Template, dict[str, str]]]:
    """The changes that bring a stack about, one after another: a template, and what it is told besides what all are.

    It is one, or two for a host that gets both other addresses and another machine. CloudFormation changes the
    interface while the old machine has it, and the old interface comes back under the new machine when that fails; so
    whichever of the two machines is there must have room for the addresses before and after.
    """
    told = parameters_of(order, part)
    if between := _between(order, part, template, told):
        yield between
    yield template, told


def _between(
    order: Order, part: str, template: Template, told: dict[str, str]
) -> tuple[Template, dict[str, str]] | None:
    if not part.startswith(HOST):
        return None
    now = next((way for way in ways_of(order.target, order.prefix) if way.part == part), None)
    if now is None or not now.addresses or now.machine == told["EgressInstanceType"]:
        return None
    had, wanted = len(now.addresses), order.egress_hosts[now.pool].addresses
    if had < wanted:
        return for_addresses(load("egress.yaml"), had), told
    if had > wanted:
        return template, told | {"EgressInstanceType": _machine_for(order, had)}
    return None


def repository_of(image: str) -> str:
    """The ARN of the ECR repository that an image is in; empty for an image of another registry."""
    found = _ECR.match(image)
    if found is None:
        return ""
    account, region, name = found.groups()
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        region.rpartition("-")[0].rpartition("-")[0], "aws"
    )
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


def outputs_for_others(part: str, made: Mapping[str, str]) -> dict[str, str]:
    """A stack's outputs under the names of the parameters that they are for."""
    kind = next((kind for kind in (NAT, HOST) if part.startswith(kind)), "")
    if not kind:
        return dict(made)
    deliver = f"Deliver{part.removeprefix(kind).capitalize()}"
    named = {
        f"{deliver}Subnets": made["Subnet"],
        f"{deliver}SecurityGroups": made["SecurityGroup"],
    }
    rest = made.keys() - {"Subnet", "SecurityGroup"}
    return named | {f"{deliver}{name}": made[name] for name in sorted(rest)}


def check(order: Order) -> None:
    """WrongOrder for a way out that cannot be made, or that would cut off a pool's function.

    That is a host without an image, or with a machine that is too small for it; a way out that stands and is not spoken
    of, because its pool's function would leave the network in which alone it can be reached; and a block that is taken,
    or that would move, because the function is in the old one.
    """
    if order.egress_hosts and not (order.egress_image or order.image):
        raise WrongOrder("an egress host runs the gateway's image; say --egress-image IMAGE")
    ways = ways_of(order.target, order.prefix)
    _check_spoken_of(order, ways)
    _check_blocks(order, ways)
    _check_machine(order)


def _check_spoken_of(order: Order, ways: list[Way]) -> None:
    spoken_of = templates_of(order).keys() | order.unused
    for way in ways:
        if not way.has_worked or way.part in spoken_of:
            continue
        unused = f"{_option(way)} {way.pool}=none to leave it unused"
        if way.pool in order.pools:
            raise WrongOrder(
                f"mail of the pool {way.pool!r} leaves through the stack {way.name}; say"
                f" {_as_before(way)} as before, or {unused}"
            )
        raise WrongOrder(
            f"the pool {way.pool!r} is not among the pools any more, but its way out {way.name}"
            f" stands; keep the pool and say {_as_before(way)}, or say {unused}"
        )
    standing = {way.part for way in ways}
    for part in sorted(order.unused - standing):
        if (pool := part.partition("-")[2]) not in order.pools:
            raise WrongOrder(f"there is no pool {pool!r} and no stack {order.prefix}-{part}")


def _check_blocks(order: Order, ways: list[Way]) -> None:
    wanted = {NAT + pool: str(block) for pool, block in order.own_addresses.items()}
    wanted |= {HOST + pool: str(host.block) for pool, host in order.egress_hosts.items()}
    for way in ways:
        block = wanted.get(way.part)
        if block and way.has_worked and block != way.block:
            raise WrongOrder(
                f"the block of {way.name} is {way.block} and must stay so, because the pool's function is in"
                f" it; say {_as_before(way)}"
            )
        taken = [part for part, other in wanted.items() if other == way.block and part != way.part]
        if taken and not way.is_empty:
            raise WrongOrder(
                f"{order.prefix}-{taken[0]} cannot have the block {way.block}, which the stack {way.name} has;"
                " take another number from 2 to 15, or remove that stack first"
            )


def _check_machine(order: Order) -> None:
    """Hold a machine that was chosen against the addresses; what an emulator knows of machines is made up."""
    chosen = order.parameters.get("EgressInstanceType", "")
    if not chosen or not order.egress_hosts or order.target.is_emulated:
        return
    try:
        known = order.target.client("ec2").describe_instance_types(InstanceTypes=[chosen])
    except ClientError as error:
        if error.response["Error"].get("Code") != "InvalidInstanceType":
            raise
        raise WrongOrder(f"EC2 has no machine {chosen!r} in {order.target.region}") from None
    room = known["InstanceTypes"][0]["NetworkInfo"]["Ipv4AddressesPerInterface"]
    for pool, host in order.egress_hosts.items():
        if host.addresses > room:
            raise WrongOrder(
                f"a {chosen} has room for {room} addresses, and the egress host of the pool {pool!r} is to"
                f" have {host.addresses}; say another EgressInstanceType, such as"
                f" {_machine_for(order, host.addresses)}"
            )


def _option(way: Way) -> str:
    return "--own-address" if way.part.startswith(NAT) else "--egress-host"


def _as_before(way: Way) -> str:
    count = "" if way.part.startswith(NAT) else f":{len(way.addresses) or 'ADDRESSES'}"
    return f"{_option(way)} {way.pool}={way.block}{count}"


def tell_forgotten(order: Order, say: Say) -> None:
    """Name the Elastic IPs that the installation has no use for any more; nothing else would."""
    for address in forgotten_addresses(order.target, order.prefix):
        say(
            f"the Elastic IP {address} is kept though nothing uses it, and costs, until you release it in EC2"
        )


def sources_of(order: Order, made: Mapping[str, str]) -> Iterator[EgressSource]:
    """The egress sources that the deployed hosts stand for: one an address, named `pool-1`, `pool-2` and so on."""
    for pool, host in order.egress_hosts.items():
        deliver = f"Deliver{pool.capitalize()}"
        for nth in range(1, host.addresses + 1):
            address = made[f"{deliver}PrivateAddress{nth}"]
            yield EgressSource(
                f"{pool}-{nth}",
                pool,
                EgressKind.SOCKS5,
                address=address,
                host=made[f"{deliver}ProxyHost"],
                port=int(made[f"{deliver}ProxyPort"]),
                username=address,
            )


def bring_sources(
    order: Order, made: Mapping[str, str], environment: Mapping[str, str], say: Say
) -> None:
    """Bring the sources of all hosts into the control table, with the password that the host has."""
    if not order.egress_hosts:
        return
    os.environ.update(
        environment_of(order.target)
    )  # as the adapters of this process reach the target
    program = bootstrap.on_aws(read_settings(environment))
    secrets = order.target.client("secretsmanager")
    passwords = {
        pool: _password(secrets, made[f"Deliver{pool.capitalize()}PasswordSecret"])
        for pool in order.egress_hosts
    }
    bootstrap.run(write_sources(program, order, made, passwords, say))


def _password(secrets: Any, secret: str) -> str:
    return str(secrets.get_secret_value(SecretId=secret)["SecretString"])


async def write_sources(
    program: Posthorn,
    order: Order,
    made: Mapping[str, str],
    passwords: Mapping[str, str],
    say: Say,
) -> None:
    """Add or change the sources of the hosts, and remove those of addresses that a host no longer has."""
    wanted = list(sources_of(order, made))
    for source in wanted:
        if await program[Sources].bring(source, passwords[source.pool]):
            say(
                f"source {source.name}: mail of the pool {source.pool} leaves from {source.address}"
            )
    names = {source.name for source in wanted}
    for pool in order.egress_hosts:
        host = made[f"Deliver{pool.capitalize()}ProxyHost"]
        for source in await program[Sources].of(pool):
            if source.kind is not EgressKind.SOCKS5:
                say(
                    f"source {source.name}: cannot be used from behind the egress host; see docs/deploy.md"
                )
            elif source.host == host and source.name not in names:
                await program[Sources].remove(source)
                say(f"source {source.name}: removed with its address")

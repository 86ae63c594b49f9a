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

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.tenancy import EgressKind, EgressSource
from infra.order import Order
from infra.targets import Target, WrongOrder, environment_of, outputs_of, stacks_of
from infra.templates import Template, for_addresses, load

Say = Callable[[str], None]

NAT, HOST = "nat-", "egress-"
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
    family = FAMILIES.get(order.parameters.get("GatewayArchitecture", "X86_64"), "t3")
    size = next(size for most, size in SIZES.items() if host.addresses <= most)
    return {
        "Pool": pool,
        "PoolNumber": str(host.block),
        "EgressImage": image,
        "EgressImageArn": repository_of(image),
        "EgressInstanceType": order.parameters.get("EgressInstanceType", f"{family}.{size}"),
    }


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
    """WrongOrder for a host without an image, and for a way out that stands and is not spoken of.

    Its pool's function would leave the network in which alone the way out can be reached.
    """
    if order.egress_hosts and not (order.egress_image or order.image):
        raise WrongOrder("an egress host runs the gateway's image; say --egress-image IMAGE")
    spoken_of = templates_of(order).keys() | order.unused
    for name in stacks_of(order.target, order.prefix):
        part = name.removeprefix(f"{order.prefix}-")
        pool = part.partition("-")[2]
        if part.startswith((NAT, HOST)) and part not in spoken_of and pool in order.pools:
            raise WrongOrder(
                f"mail of the pool {pool!r} leaves through the stack {name}; say"
                f" {_as_before(order.target, name, part)} as before, or {pool}={'none'} to leave it unused"
            )


def _as_before(target: Target, name: str, part: str) -> str:
    stack = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}
    pool, block = part.partition("-")[2], given.get("PoolNumber", "…")
    if part.startswith(NAT):
        return f"--own-address {pool}={block}"
    addresses = addresses_of({one["OutputKey"]: "" for one in stack.get("Outputs", [])})
    return f"--egress-host {pool}={block}:{len(addresses)}"


def addresses_of(outputs: Mapping[str, str]) -> list[str]:
    """The Elastic IPs among the outputs of a way out's stack."""
    return [value for name, value in sorted(outputs.items()) if _is_address(name)]


def _is_address(output: str) -> bool:
    return output == "Address" or output.startswith("PublicAddress")


def kept_addresses(target: Target, prefix: str) -> list[str]:
    """The Elastic IPs that removing the installation's stacks leaves."""
    return [
        address
        for name in stacks_of(target, prefix)
        if name.startswith((f"{prefix}-{NAT}", f"{prefix}-{HOST}"))
        for address in addresses_of(outputs_of(target, name))
    ]


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
        if await program.sources.bring(source, passwords[source.pool]):
            say(
                f"source {source.name}: mail of the pool {source.pool} leaves from {source.address}"
            )
    names = {source.name for source in wanted}
    for pool in order.egress_hosts:
        host = made[f"Deliver{pool.capitalize()}ProxyHost"]
        for source in await program.sources.of(pool):
            if source.kind is not EgressKind.SOCKS5:
                say(
                    f"source {source.name}: cannot be used from behind the egress host; see docs/deploy.md"
                )
            elif source.host == host and source.name not in names:
                await program.sources.remove(source)
                say(f"source {source.name}: removed with its address")

"""How the mail of a pool leaves: the stacks of its NAT gateway or egress host, and what an order may make of them.

Names the parameters of those stacks, the changes that bring one about, and what their outputs are to the delivering
function of the pool. Pure, but for `check_machine`. The sources that a host stands for are infra/egress_sources.py's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from infra.current_state import HOST, NAT, Stacks, StandingStack
from infra.order import Order
from infra.targets import WrongOrder
from infra.templates import Template, for_addresses, load

OWN_ADDRESS, EGRESS_HOST = "--own-address", "--egress-host"
MACHINE = "EgressInstanceType"
# How many addresses the one interface of a machine can have, by the machine's size.
SIZES = {2: "micro", 4: "small", 6: "medium", 12: "large"}
FAMILIES = {"X86_64": "t3", "ARM64": "t4g"}
_ECR = re.compile(r"([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/([^:@]+)")


def templates_of(order: Order) -> dict[str, Template]:
    """The templates of the order's NAT gateways and hosts, by the part of the stack's name that tells them apart."""
    return {
        part: for_addresses(load("egress.yaml" if one.addresses else "nat.yaml"), one.addresses)
        for part, one in order.egress.items()
    }


def parameters_of(order: Order, part: str) -> dict[str, str]:
    """What the stack of this part of the installation is given besides what all are given."""
    if part == "network":
        # Services stay inside while anything may still be there that asks for them.
        inside = any(part.startswith(HOST) for part in order.egress.keys() | order.unused)
        return {"PrivateServices": "true"} if inside else {}
    if part not in order.egress:
        return {}
    one, image = order.egress[part], order.egress_image or order.image
    found = {"Pool": part.partition("-")[2], "PoolNumber": str(one.block)}
    if one.addresses:
        machine = order.parameters.get(MACHINE) or _machine_for(order, one.addresses)
        found |= {"EgressImage": image, "EgressImageArn": repository_of(image), MACHINE: machine}
    return found


def _machine_for(order: Order, addresses: int) -> str:
    """The smallest machine that has room for so many addresses."""
    family = FAMILIES.get(order.parameters.get("GatewayArchitecture", "X86_64"), "t3")
    return f"{family}.{_size_for(addresses)}"


def _size_for(addresses: int) -> str:
    return next(size for most, size in SIZES.items() if addresses <= most)


def chosen_machine(stacks: Stacks) -> dict[str, str]:
    """The parameter for the size of a standing host's machine that no deployment takes by itself; none without one."""
    for stack in stacks.values():
        machine, count = stack.parameters.get(MACHINE), len(stack.addresses)
        if stack.has_worked and machine and count:
            usual = {f"{family}.{_size_for(count)}" for family in FAMILIES.values()}
            if machine not in usual:
                return {MACHINE: machine}
    return {}


def steps_of(
    order: Order, part: str, template: Template, standing: StandingStack | None
) -> Iterator[tuple[Template, dict[str, str]]]:
    """The changes that bring a stack about, one after another: a template, and its parameters besides those of all.

    It is one, or two for a host that gets both other addresses and another machine. CloudFormation changes the
    interface while the old machine has it, and the old interface comes back under the new machine when that fails; so
    whichever of the two machines is there must have room for the addresses before and after.
    """
    parameters = parameters_of(order, part)
    if standing and standing.addresses and part.startswith(HOST):
        had, wanted = len(standing.addresses), order.egress[part].addresses
        if standing.parameters.get(MACHINE) != parameters[MACHINE]:
            if had < wanted:
                yield for_addresses(load("egress.yaml"), had), parameters
            elif had > wanted:
                yield template, parameters | {MACHINE: _machine_for(order, had)}
    yield template, parameters


def repository_of(image: str) -> str:
    """The ARN of the ECR repository that an image is in; empty for an image of another registry."""
    found = _ECR.match(image)
    if found is None:
        return ""
    account, region, name = found.groups()
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
    return f"arn:{partition}:ecr:{region}:{account}:repository/{name}"


def outputs_for_others(part: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """A stack's outputs under the names of the parameters that they are for."""
    if not part.startswith((NAT, HOST)):
        return dict(outputs)
    deliver = f"Deliver{part.partition('-')[2].capitalize()}"
    several = {"Subnet": "Subnets", "SecurityGroup": "SecurityGroups"}
    return {f"{deliver}{several.get(name, name)}": value for name, value in outputs.items()}


def check(order: Order, stacks: Stacks) -> None:
    """WrongOrder for a host without an image, or for what would cut off a pool's function.

    That is a NAT gateway or host that stands and is not spoken of, because its pool's function would leave the network
    in which alone it can be reached; and a block that is taken, or that would move, because the function is in the old
    one.
    """
    if order.hosts and not (order.egress_image or order.image):
        raise WrongOrder("an egress host runs the gateway's image; say --egress-image IMAGE")
    standing = [stack for stack in stacks.values() if stack.is_egress]
    wanted = {part: str(one.block) for part, one in order.egress.items()}
    for stack in standing:
        if stack.has_worked and stack.part not in wanted.keys() | order.unused:
            raise WrongOrder(_not_spoken_of(order, stack))
    for part in sorted(order.unused - {stack.part for stack in standing}):
        if (pool := part.partition("-")[2]) not in order.pools:
            raise WrongOrder(f"there is no pool {pool!r} and no stack {order.prefix}-{part}")
    for stack in standing:
        _check_block(order, stack, wanted)


def _not_spoken_of(order: Order, stack: StandingStack) -> str:
    unused = f"{_option(stack)} {stack.pool}=none to leave it unused"
    if stack.pool in order.pools:
        return (
            f"mail of the pool {stack.pool!r} leaves through the stack {stack.name}; say"
            f" {_as_before(stack)} as before, or {unused}"
        )
    return (
        f"the pool {stack.pool!r} is not among the pools any more, but its way out {stack.name}"
        f" stands; keep the pool and say {_as_before(stack)}, or say {unused}"
    )


def _check_block(order: Order, stack: StandingStack, wanted: Mapping[str, str]) -> None:
    held, block = stack.parameters.get("PoolNumber", ""), wanted.get(stack.part)
    if block and stack.has_worked and block != held:
        raise WrongOrder(
            f"the block of {stack.name} is {held} and must stay so, because the pool's function is in"
            f" it; say {_as_before(stack)}"
        )
    taken = [part for part, other in wanted.items() if other == held and part != stack.part]
    if taken and not stack.is_empty:
        raise WrongOrder(
            f"{order.prefix}-{taken[0]} cannot have the block {held}, which the stack {stack.name} has;"
            " take another number from 2 to 15, or remove that stack first"
        )


def _option(stack: StandingStack) -> str:
    return OWN_ADDRESS if stack.part.startswith(NAT) else EGRESS_HOST


def _as_before(stack: StandingStack) -> str:
    count = "" if stack.part.startswith(NAT) else f":{len(stack.addresses) or 'ADDRESSES'}"
    return f"{_option(stack)} {stack.pool}={stack.parameters.get('PoolNumber', '')}{count}"


def check_machine(order: Order) -> None:
    """WrongOrder for a machine that was chosen and that EC2 has not, or that is too small for a host's addresses.

    What an emulator knows of machines is made up, so none is asked.
    """
    chosen = order.parameters.get(MACHINE, "")
    if not chosen or not order.hosts or order.target.is_emulated:
        return
    try:
        known = order.target.client("ec2").describe_instance_types(InstanceTypes=[chosen])
    except ClientError as error:
        if error.response["Error"].get("Code") != "InvalidInstanceType":
            raise
        raise WrongOrder(f"EC2 has no machine {chosen!r} in {order.target.region}") from None
    room = known["InstanceTypes"][0]["NetworkInfo"]["Ipv4AddressesPerInterface"]
    for pool, count in order.hosts.items():
        if count > room:
            raise WrongOrder(
                f"a {chosen} has room for {room} addresses, and the egress host of the pool {pool!r} is to"
                f" have {count}; say another {MACHINE}, such as {_machine_for(order, count)}"
            )

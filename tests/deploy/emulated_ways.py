"""Network and ways out as `deploy` makes them, in moto, which is held to a rule of EC2's that moto does not know.

Moto knows no serverless functions, so the stacks of data, functions and gateway are left out.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from moto import mock_aws

import tests.deploy.moto_additions  # noqa: F401  # moto knows more when it is imported
from infra import egress
from infra.current_state import stacks_of
from infra.deploy import stack_of
from infra.order import Egress, Order
from infra.package import Package
from infra.plan import templates_of
from infra.stack import Stack
from infra.stack import deploy as deploy_stack
from infra.targets import Target
from infra.templates import Template, load

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mail/posthorn-gateway:1"
POOLS = ("default", "bulk")


@contextmanager
def an_order() -> Iterator[Order]:
    """An order of a host with two addresses for the default pool, in a world of its own."""
    package = Package(None, None, load("functions.merge.yaml"))  # type: ignore[arg-type]  # nobody looks
    with mock_aws(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # moto's words about alarms, which it has none of
        target = Target("aws", "", "us-east-1", ("test", "test"))
        hosts = {"egress-default": Egress(3, 2)}
        yield Order(target, "posthorn", package, POOLS, egress=hosts, egress_image=IMAGE)


def make(order: Order, network: str = "posthorn") -> dict[str, str]:
    """Make the network and the ways out of the order; what the functions would be told."""
    known = {"Prefix": order.prefix, "AlarmTopic": "arn:aws:sns:us-east-1:123456789012:alarms"}
    known |= dict(order.parameters)
    client = order.target.client("cloudformation")
    for part, template in templates_of(order).items():
        if part in ("data", "functions", "gateway"):
            continue
        whose = replace(order, prefix=network) if part == "network" else order
        outputs: dict[str, str] = {}
        for step, parameters in steps_of(order, part, template):
            stack = stack_of(whose, part, step, known | parameters)
            hold_against_ec2(order, stack)
            outputs = deploy_stack(client, stack)
        known |= egress.outputs_for_others(part, outputs)
    return known


def steps_of(order: Order, part: str, template: Template) -> list[tuple[Template, dict[str, str]]]:
    """The changes that bring a stack about from how it stands."""
    standing = stacks_of(order.target, order.prefix).get(f"{order.prefix}-{part}")
    return list(egress.steps_of(order, part, template, standing))


def check(order: Order) -> None:
    """Hold the order against what stands."""
    egress.check(order, stacks_of(order.target, order.prefix))


def hold_against_ec2(order: Order, stack: Stack) -> None:
    """AssertionError for a change during which the interface would have more addresses than a machine has room for.

    EC2 answers PrivateIpAddressLimitExceeded while a machine has the interface. CloudFormation changes the interface
    before the machine, in this direction and, when the change fails, in the other.
    """
    interface = json.loads(stack.template)["Resources"].get("Interface")
    before = stacks_of(order.target, order.prefix).get(stack.name)
    if interface is None or before is None:
        return
    wanted = len(interface["Properties"]["PrivateIpAddresses"])
    had = before.parameters["EgressInstanceType"]
    assert wanted <= room(order, had), f"{wanted} addresses on a {had}"
    machine = stack.parameters["EgressInstanceType"]
    assert len(before.addresses) <= room(order, machine), f"no way back from a {machine}"


def room(order: Order, machine: str) -> int:
    """How many addresses the machine's interface can have."""
    types = order.target.client("ec2").describe_instance_types(InstanceTypes=[machine])
    return int(types["InstanceTypes"][0]["NetworkInfo"]["Ipv4AddressesPerInterface"])


def addresses(made: Mapping[str, str]) -> dict[str, str]:
    """Private to public, of the default pool's host."""
    private, public = "DeliverDefaultPrivateAddress", "DeliverDefaultPublicAddress"
    return {
        value: made[name.replace(private, public)]
        for name, value in made.items()
        if name.startswith(private)
    }

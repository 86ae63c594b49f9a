"""What stands of an installation, read once: its stacks, and what its deployments were asked for.

`read` gives the one value that a deployment is planned from, so that the next one need not be told again: parameters
that differ from the defaults of the template that stands, settings of the functions, pools, and images. What follows
from the installation itself, such as the names of tables, is not among them, and neither is how mail leaves. Nothing
here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.config import Settings
from infra.stack import SETTINGS, data_parameters
from infra.targets import Target
from infra.templates import DEFAULT_POOL, POOL, Template, read_template

NAT, HOST = "nat-", "egress-"
# The parts of an installation, one stack each, in the order of their making; the name of a pool follows nat and egress.
PARTS = ("data", "network", "nat", "egress", "functions", "tracking", "gateway")
# The templates put it on what outlives its stack, with the prefix as its value.
TAG = "posthorn:installation"
# What a deployment finds out by itself; everything else that has a default is somebody's choice.
COMPUTED = frozenset(
    {
        "LeaseSeconds",
        "VisibilitySeconds",
        "AnswersApart",
        "PrivateServices",
        "EgressImageArn",
        "EgressInstanceType",
    }
)
# A name, and the certificate that is of no use without it.
CERTIFICATES = {"TrackDomainNames": "TrackCertificateArn", "ApiDomain": "ApiCertificateArn"}
_NOTHING_LEFT = {"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}
_NEVER_MADE = _NOTHING_LEFT | {"ROLLBACK_FAILED", "CREATE_FAILED"}


@dataclass(frozen=True, slots=True)
class StandingStack:
    """One stack. `part` is what its name has after the prefix, such as `data` or `egress-bulk`."""

    name: str
    part: str
    status: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_egress(self) -> bool:
        """Whether it is a NAT gateway or an egress host."""
        return self.part.startswith((NAT, HOST))

    @property
    def pool(self) -> str:
        return self.part.partition("-")[2]

    @property
    def addresses(self) -> list[str]:
        """Its Elastic IPs; none for a stack that is not made."""
        return [
            value
            for name, value in sorted(self.outputs.items())
            if self.is_egress and (name == "Address" or name.startswith("PublicAddress"))
        ]

    @property
    def has_worked(self) -> bool:
        """False for what a failed creation left: nothing has ever used it."""
        return self.status not in _NEVER_MADE

    @property
    def is_empty(self) -> bool:
        """Whether a failed creation has left nothing in the network."""
        return self.status in _NOTHING_LEFT


Stacks = Mapping[str, StandingStack]


@dataclass(frozen=True, slots=True)
class CurrentState:
    """What an installation was asked for, and its stacks by name. All is empty when nothing stands.

    `image` is the gateway's, `egress_image` one that hosts run in place of it.
    """

    stacks: Stacks = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    egress_image: str = ""

    @property
    def outputs(self) -> dict[str, str]:
        """Those of all stacks but the ones through which mail leaves."""
        made = [one for one in self.stacks.values() if one.has_worked and not one.is_egress]
        return {name: value for stack in made for name, value in stack.outputs.items()}

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools that have a queue, the default one first."""
        found = {
            name.removeprefix("Deliver").removesuffix("Arn").lower()
            for name in self.outputs
            if name.startswith("Deliver") and name.endswith("Arn")
        }
        return tuple(sorted(found, key=lambda pool: (pool != DEFAULT_POOL, pool)))


def read(target: Target, prefix: str) -> CurrentState:
    """What stands there under this prefix; what a failed creation left was never asked for."""
    client = target.client("cloudformation")
    stacks = stacks_of(target, prefix)
    given: dict[str, str] = {}
    requested: dict[str, str] = {}
    settings: dict[str, str] = {}
    for stack in filter(lambda one: one.has_worked, stacks.values()):
        template = _template(client, stack.name)
        given |= stack.parameters
        requested = dict(_requested(template, stack.parameters)) | requested
        if stack.part == "functions":
            settings = _settings(template)
    for name, value in data_parameters(target.endpoint, prefix).items():
        if requested.get(name) == value:
            del requested[name]
    image, egress_image = given.get("GatewayImage", ""), given.get("EgressImage", "")
    return CurrentState(
        stacks,
        _still_true(requested, stacks),
        settings,
        image,
        egress_image if egress_image != image else "",
    )


def stacks_of(target: Target, prefix: str) -> dict[str, StandingStack]:
    """An installation's stacks by name, working or not, in the order of their making."""
    pages = target.client("cloudformation").get_paginator("describe_stacks").paginate()
    found = [
        StandingStack(
            one["StackName"],
            part,
            one["StackStatus"],
            {each["ParameterKey"]: each["ParameterValue"] for each in one.get("Parameters", [])},
            {each["OutputKey"]: each["OutputValue"] for each in one.get("Outputs", [])},
        )
        for page in pages
        for one in page["Stacks"]
        if (part := part_of(one["StackName"], prefix)) and one["StackStatus"] != "DELETE_COMPLETE"
    ]
    found.sort(key=lambda one: PARTS.index(one.part.partition("-")[0]))
    return {one.name: one for one in found}


def what_stands(target: Target, prefix: str) -> str:
    """The stacks of the installation and their states, as one sentence."""
    found = [f"{name} ({stack.status})" for name, stack in stacks_of(target, prefix).items()]
    return f"what stands: {', '.join(found)}" if found else "nothing was made"


def part_of(stack: str, prefix: str) -> str:
    """Which part of the installation the stack of this name is, such as `data` or `nat-bulk`; empty for none."""
    start, part = f"{prefix}-", stack.removeprefix(f"{prefix}-")
    kind, hyphen, pool = part.partition("-")
    if (
        not stack.startswith(start)
        or kind not in PARTS
        or bool(hyphen) != (kind in {"nat", "egress"})
    ):
        return ""
    return part if not hyphen or POOL.fullmatch(pool) else ""


def elastic_ips(target: Target, prefix: str) -> tuple[list[str], list[str]]:
    """The Elastic IPs that stacks of the installation have, and those that an earlier change left to none of them."""
    held = [address for one in stacks_of(target, prefix).values() for address in one.addresses]
    mark = {"Key": TAG, "Value": prefix}
    try:
        answer = target.client("ec2").describe_addresses(
            Filters=[{"Name": f"tag:{TAG}", "Values": [prefix]}]
        )
    except ClientError:
        # Whoever deploys without one may have no rights in EC2, and an emulator no EC2: then there are none.
        return held, []
    # An emulator may not know the filter.
    tagged = sorted(one["PublicIp"] for one in answer["Addresses"] if mark in one.get("Tags", []))
    return held, [address for address in tagged if address not in held]


def _template(client: Any, stack: str) -> Template:
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return read_template(body) if isinstance(body, str) else body  # botocore reads JSON by itself


def _requested(template: Template, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The parameters that were given something else than their template's default."""
    for name, one in template.get("Parameters", {}).items():
        default = one.get("Default")
        asked = default is not None or name in CERTIFICATES.values()
        if asked and name not in COMPUTED and given.get(name, str(default)) != str(default):
            yield name, given[name]


def _still_true(requested: Mapping[str, str], stacks: Stacks) -> dict[str, str]:
    """Without the networks of functions that stand behind a NAT gateway or host, and certificates of unused names."""
    behind = {one.pool.capitalize() for one in stacks.values() if one.is_egress and one.has_worked}
    networks = {f"Deliver{pool}{end}" for pool in behind for end in ("Subnets", "SecurityGroups")}
    alone = {held for name, held in CERTIFICATES.items() if name not in requested}
    return {name: requested[name] for name in sorted(requested.keys() - networks - alone)}


def _settings(template: Template) -> dict[str, str]:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    known = {one.name for one in fields(Settings)} - set(SETTINGS.values())
    named = {name: variables.get(f"POSTHORN_{name.upper()}") for name in sorted(known)}
    return {name: value for name, value in named.items() if isinstance(value, str)}

"""The ways out that stand: stacks of NAT gateways and egress hosts, and Elastic IPs that no stack has any more.

It only reads, and tells what CloudFormation and EC2 say. What an order may make of it is the matter of
infra/ways_out.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from infra.targets import Target, stacks_of

NAT, HOST = "nat-", "egress-"
# The templates put it on every Elastic IP, with the prefix as its value; it stays when the stack has gone.
TAG = "posthorn:installation"
_NOTHING_LEFT = {"ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"}
_NEVER_MADE = _NOTHING_LEFT | {"ROLLBACK_FAILED", "CREATE_FAILED"}


@dataclass(frozen=True, slots=True)
class Way:
    """One stack of a way out. `part` is what its name has after the prefix, such as `egress-bulk`."""

    name: str
    part: str
    state: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def pool(self) -> str:
        return self.part.partition("-")[2]

    @property
    def block(self) -> str:
        """The number of the pool's block in the network, as text."""
        return self.parameters.get("PoolNumber", "")

    @property
    def machine(self) -> str:
        """The size of a host's machine; empty for a NAT gateway."""
        return self.parameters.get("EgressInstanceType", "")

    @property
    def addresses(self) -> list[str]:
        """Its Elastic IPs; none for a stack that is not made."""
        return [value for name, value in sorted(self.outputs.items()) if _is_address(name)]

    @property
    def has_worked(self) -> bool:
        """False for what a failed creation left: no function has ever been behind it."""
        return self.state not in _NEVER_MADE

    @property
    def is_empty(self) -> bool:
        """Whether a failed creation has left nothing in the network."""
        return self.state in _NOTHING_LEFT


def ways_of(target: Target, prefix: str) -> list[Way]:
    """The installation's ways out, working or not, in the order of their making."""
    client = target.client("cloudformation")
    found = []
    for name, state in stacks_of(target, prefix).items():
        part = name.removeprefix(f"{prefix}-")
        if part.startswith((NAT, HOST)):
            stack = client.describe_stacks(StackName=name)["Stacks"][0]
            given = {
                one["ParameterKey"]: one["ParameterValue"] for one in _listed(stack, "Parameters")
            }
            made = {one["OutputKey"]: one["OutputValue"] for one in _listed(stack, "Outputs")}
            found.append(Way(name, part, state, given, made))
    return found


def _listed(stack: Mapping[str, list[dict[str, str]]], key: str) -> list[dict[str, str]]:
    return stack.get(key, [])


def _is_address(output: str) -> bool:
    return output == "Address" or output.startswith("PublicAddress")


def kept_addresses(target: Target, prefix: str) -> list[str]:
    """The Elastic IPs that stay when the installation's stacks go, with those that an earlier change left."""
    held = [address for way in ways_of(target, prefix) for address in way.addresses]
    return list(dict.fromkeys([*held, *_tagged(target, prefix)]))


def forgotten_addresses(target: Target, prefix: str) -> list[str]:
    """The installation's Elastic IPs that none of its stacks has any more."""
    held = {address for way in ways_of(target, prefix) for address in way.addresses}
    return [address for address in _tagged(target, prefix) if address not in held]


def _tagged(target: Target, prefix: str) -> list[str]:
    mark = {"Key": TAG, "Value": prefix}
    try:
        answer = target.client("ec2").describe_addresses(
            Filters=[{"Name": f"tag:{TAG}", "Values": [prefix]}]
        )
    except ClientError:
        # Whoever deploys without a way out may have no rights in EC2, and an emulator no EC2: then there are none.
        return []
    # An emulator may not know the filter.
    return sorted(one["PublicIp"] for one in answer["Addresses"] if mark in one.get("Tags", []))

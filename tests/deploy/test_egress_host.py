"""A pool's egress host: made, given another address, and removed, with the sources that its addresses stand for."""

from __future__ import annotations

import base64
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.ports.vault import KeyVault
from chalicelib.services.pools.sources import Sources
from infra import egress
from infra.current_state import stacks_of
from infra.deploy import stack_of
from infra.destroy import destroy
from infra.egress_sources import bring_sources, write_sources
from infra.options import read_egress
from infra.order import Egress, Order
from infra.plan import templates_of
from infra.stack import SETTINGS, Stack
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder
from infra.templates import for_addresses, load, render
from tests.deploy.emulated_ways import IMAGE, POOLS, addresses, an_order, check, make
from tests.deploy.installation import random_prefix


@pytest.fixture
def order() -> Iterator[Order]:
    with an_order() as order:
        yield order


def user_data(order: Order) -> str:
    (template,) = order.target.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=order.target.client("ec2").describe_launch_templates()["LaunchTemplates"][
            0
        ]["LaunchTemplateId"],
        Versions=["$Latest"],
    )["LaunchTemplateVersions"]
    return base64.b64decode(template["LaunchTemplateData"]["UserData"]).decode()


def test_the_host_has_its_addresses_and_nobody_but_the_function_reaches_it(order: Order) -> None:
    parts = ["data", "network", "egress-default", "functions"]
    assert list(templates_of(order)) == parts
    made, ec2 = make(order), order.target.client("ec2")
    held = {
        one["PublicIp"]: one["NetworkInterfaceId"] for one in ec2.describe_addresses()["Addresses"]
    }
    assert addresses(made).keys() == {"10.57.3.141", "10.57.3.142"}
    assert set(addresses(made).values()) == set(held)
    joined = order.target.client("cloudformation").list_stack_resources(
        StackName="posthorn-egress-default"
    )["StackResourceSummaries"]
    allocations = {
        one["PublicIp"]: one["AllocationId"] for one in ec2.describe_addresses()["Addresses"]
    }
    assert {
        one["PhysicalResourceId"] for one in joined if one["LogicalResourceId"].startswith("Holds")
    } == {f"{allocations[public]}/{private}" for private, public in addresses(made).items()}
    (interface,) = set(held.values())
    described = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])
    (subnet,) = ec2.describe_subnets(SubnetIds=[described["NetworkInterfaces"][0]["SubnetId"]])[
        "Subnets"
    ]
    assert subnet["CidrBlock"] == "10.57.3.128/25"
    (function,) = ec2.describe_subnets(SubnetIds=[made["DeliverDefaultSubnets"]])["Subnets"]
    assert function["CidrBlock"] == "10.57.3.0/25"
    assert function["AvailabilityZone"] == subnet["AvailabilityZone"]
    groups = ec2.describe_security_groups()["SecurityGroups"]
    (host,) = [one for one in groups if "The egress host of one pool" in one["Description"]]
    (allowed,) = host["IpPermissions"]
    assert (allowed["FromPort"], allowed["ToPort"], allowed["IpRanges"]) == (1080, 1080, [])
    (friend,) = allowed["UserIdGroupPairs"]
    assert friend["GroupId"] == made["DeliverDefaultSecurityGroups"]


def test_the_function_reaches_aws_without_a_way_to_the_world(order: Order) -> None:
    make(order)
    ec2 = order.target.client("ec2")
    (table,) = ec2.describe_route_tables(
        Filters=[{"Name": "tag:aws:cloudformation:logical-id", "Values": ["Routes"]}]
    )["RouteTables"]
    assert all(one.get("DestinationCidrBlock") != "0.0.0.0/0" for one in table["Routes"])
    assert sum("DestinationPrefixListId" in one for one in table["Routes"]) == 2
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    inside = {
        one["ServiceName"].rpartition(".")[2]: one["PrivateDnsEnabled"]
        for one in endpoints
        if one["VpcEndpointType"] == "Interface"
    }
    assert inside == {"sqs": True, "kms": True}


def test_one_machine_comes_back_by_itself_and_takes_the_interface(order: Order) -> None:
    make(order)
    (group,) = order.target.client("autoscaling").describe_auto_scaling_groups()[
        "AutoScalingGroups"
    ]
    assert (group["MinSize"], group["MaxSize"], group["DesiredCapacity"]) == (1, 1, 1)
    (machine,) = group["Instances"]
    assert machine["InstanceType"] == "t3.micro"
    text = user_data(order)
    assert IMAGE in text
    assert "POSTHORN_EGRESS_ADDRESSES='10.57.3.141 10.57.3.142'" in text
    assert "\"$image\" egress --bind '10.57.3.141' --port 1080" in text
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    script = re.search(r"<<'END'\n(#!/bin/bash.*?)\nEND\n", text, re.DOTALL)
    assert script is not None
    done = subprocess.run(
        ["bash", "-n"], input=script[1], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_password_is_in_no_script(order: Order) -> None:
    made = make(order)
    secrets = order.target.client("secretsmanager")
    password = secrets.get_secret_value(SecretId=made["DeliverDefaultPasswordSecret"])
    assert len(password["SecretString"]) >= 16
    assert password["SecretString"] not in user_data(order)
    assert made["DeliverDefaultPasswordSecret"] in user_data(order)


def test_an_address_more_leaves_the_others_as_they_are(order: Order) -> None:
    before = addresses(make(order))
    again = addresses(make(order))
    assert again == before
    more = replace(order, egress={"egress-default": Egress(3, 3)})
    after = addresses(make(more))
    assert after.keys() == {"10.57.3.141", "10.57.3.142", "10.57.3.143"}
    assert {private: after[private] for private in before} == before
    assert "10.57.3.143'" in user_data(order)
    assert parameters(more)["EgressInstanceType"] == "t3.small"


def test_removing_leaves_the_elastic_ips_and_says_so(order: Order) -> None:
    # The network is somebody else's here, because moto's never goes: it does not remove route tables.
    made = make(order, network="another")
    said: list[str] = []
    destroy(order.target, order.prefix, said.append)
    assert stacks_of(order.target, order.prefix) == {}
    for address in addresses(made).values():
        assert f"the Elastic IP {address} stays, and costs, until you release it in EC2" in said
    left = order.target.client("ec2").describe_addresses()["Addresses"]
    assert {one["PublicIp"] for one in left} == set(addresses(made).values())


def test_a_way_out_that_stands_must_be_spoken_of(order: Order) -> None:
    make(order)
    check(order)
    silent = replace(order, egress={}, image="gateway")
    with pytest.raises(WrongOrder, match=r"posthorn-egress-default; say --egress-host default=3:2"):
        check(silent)
    check(replace(silent, unused=frozenset({"egress-default"})))
    parting = replace(silent, unused=frozenset({"egress-default"}))
    assert egress.parameters_of(parting, "network") == {"PrivateServices": "true"}


def parameters(order: Order, pool: str = "default") -> dict[str, str]:
    return egress.parameters_of(order, f"egress-{pool}")


@pytest.mark.parametrize(
    ("count", "architecture", "machine"),
    [
        (1, "X86_64", "t3.micro"),
        (2, "ARM64", "t4g.micro"),
        (4, "ARM64", "t4g.small"),
        (6, "X86_64", "t3.medium"),
        (8, "ARM64", "t4g.large"),
    ],
)
def test_the_machine_has_room_for_its_addresses(
    order: Order, count: int, architecture: str, machine: str
) -> None:
    wanted = replace(
        order,
        egress={"egress-bulk": Egress(4, count)},
        parameters={"GatewayArchitecture": architecture},
    )
    assert parameters(wanted, "bulk")["EgressInstanceType"] == machine
    chosen = replace(wanted, parameters={"EgressInstanceType": "c7g.large"})
    assert parameters(chosen, "bulk")["EgressInstanceType"] == "c7g.large"


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        (IMAGE, "arn:aws:ecr:us-east-1:123456789012:repository/mail/posthorn-gateway"),
        (
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/gateway@sha256:ab",
            "arn:aws-cn:ecr:cn-north-1:123456789012:repository/gateway",
        ),
        (
            "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/gateway",
            "arn:aws-us-gov:ecr:us-gov-west-1:123456789012:repository/gateway",
        ),
        ("ghcr.io/acme/posthorn-gateway:1", ""),
        ("posthorn-gateway", ""),
    ],
)
def test_the_host_may_fetch_its_own_image_alone(image: str, repository: str) -> None:
    assert egress.repository_of(image) == repository


def test_the_hosts_role_has_one_wildcard_which_iam_forces_on_it() -> None:
    role = load("egress.yaml")["Resources"]["HostRole"]["Properties"]
    always, image = role["Policies"]
    statements = always["PolicyDocument"]["Statement"]
    statements += image["Fn::If"][1]["PolicyDocument"]["Statement"]
    wide = [one["Action"] for one in statements if one["Resource"] == "*"]
    assert wide == ["ecr:GetAuthorizationToken"]
    actions = [action for one in statements for action in _listed(one["Action"])]
    assert sorted(actions) == [
        "ecr:BatchGetImage",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    ]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.fixture
def program() -> Posthorn:
    return bootstrap.in_memory()


async def written(
    program: Posthorn, order: Order, made: Mapping[str, str], password: str = "0123456789abcdef"
) -> list[str]:
    said: list[str] = []
    await write_sources(program, order, made, {"default": password}, said.append)
    return said


async def test_each_address_becomes_a_source(order: Order, program: Posthorn) -> None:
    made = make(order)
    assert len(await written(program, order, made)) == 2
    first, second = await program[Sources].of("default")
    assert (first.name, first.kind) == ("default-1", EgressKind.SOCKS5)
    assert (first.host, first.port) == (second.host, second.port) == ("10.57.3.141", 1080)
    assert (second.address, second.username) == ("10.57.3.142", "10.57.3.142")
    assert second.sealed_password is not None
    opened = await program[KeyVault].open(second.sealed_password, second.context)
    assert opened == b"0123456789abcdef"
    assert await written(program, order, made) == []


def test_a_deployment_ends_with_the_sources_in_the_table(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, "us-east-1" if "REGION" in name else "")
    data = {"Prefix": order.prefix}
    stack = stack_of(order, "data", templates_of(order)["data"], data)
    outputs = deploy_stack(order.target.client("cloudformation"), stack)
    environment = {f"POSTHORN_{name.upper()}": outputs[key] for key, name in SETTINGS.items()}
    made = make(order)
    said: list[str] = []
    bring_sources(order, outputs | made, said.append)
    assert len(said) == 2
    found = bootstrap.on_aws(read_settings(environment))
    sources = bootstrap.run(found[Sources].of("default"))
    assert [one.address for one in sources] == ["10.57.3.141", "10.57.3.142"]
    password = order.target.client("secretsmanager").get_secret_value(
        SecretId=made["DeliverDefaultPasswordSecret"]
    )["SecretString"]
    assert sources[0].sealed_password is not None
    opened = bootstrap.run(found[KeyVault].open(sources[0].sealed_password, sources[0].context))
    assert opened == password.encode()


async def test_what_a_person_has_set_stays_and_a_new_password_arrives(
    order: Order, program: Posthorn
) -> None:
    made = make(order)
    await written(program, order, made)
    (first, _) = await program[Sources].of("default")
    await program[Sources].change(replace(first, priority=5, ehlo="out1.acme.test"))
    assert await written(program, order, made) == []
    assert len(await written(program, order, made, "fedcba9876543210")) == 2
    (first, _) = await program[Sources].of("default")
    assert (first.priority, first.ehlo) == (5, "out1.acme.test")
    assert first.sealed_password is not None
    assert await program[KeyVault].open(first.sealed_password, first.context) == b"fedcba9876543210"


async def test_an_address_that_goes_takes_its_source_with_it(
    order: Order, program: Posthorn
) -> None:
    await written(program, order, make(order))
    foreign = EgressSource("far", "default", EgressKind.SOCKS5, host="192.0.2.9", port=1080)
    await program[Sources].add(foreign)
    await program[Sources].add(EgressSource("own", "default"))
    fewer = replace(order, egress={"egress-default": Egress(3, 1)})
    said = await written(program, fewer, make(fewer))
    assert [one.name for one in await program[Sources].of("default")] == ["default-1", "far", "own"]
    assert "source default-2: removed with its address" in said
    assert any(line.startswith("source own: cannot be used from behind") for line in said)


def test_hosts_are_read_and_wrong_ones_refused() -> None:
    own = ["default=2"]
    found, unused = read_egress(own, ["bulk=3:4"], POOLS)
    assert (found, unused) == ({"nat-default": Egress(2), "egress-bulk": Egress(3, 4)}, frozenset())
    assert read_egress([], ["bulk=none"], POOLS)[0] == {}
    assert read_egress(["bulk=none"], [], POOLS)[0] == {}
    assert read_egress(["bulk=none"], ["default=none", "bulk=3:1"], POOLS)[1] == {
        "nat-bulk",
        "egress-default",
    }
    for given in ("other=3:1", "bulk=3", "bulk=3:0", "bulk=3:9", "bulk=1:1", "bulk=2:1", "bulk"):
        with pytest.raises(WrongOrder):
            read_egress(own, [given], POOLS)
    with pytest.raises(WrongOrder, match="not both"):
        read_egress(own, ["default=3:1"], POOLS)
    with pytest.raises(WrongOrder):
        read_egress([], ["bulk=3:1", "default=3:1"], POOLS)


def test_a_host_without_an_image_is_refused(order: Order) -> None:
    with pytest.raises(WrongOrder, match="--egress-image"):
        check(replace(order, egress_image=""))


def test_what_is_marked_is_repeated_for_each_address() -> None:
    pattern: dict[str, Any] = {
        "Resources": {
            "A{nth}": {"Tags": [{"Value": "{nth}"}]},
            "B": {"List": [{"First": "1"}, {"Next": "{further}"}], "Deep": [{"In": ["x{nth}"]}]},
        }
    }
    assert for_addresses(pattern, 2) == {
        "Resources": {
            "A1": {"Tags": [{"Value": "1"}]},
            "A2": {"Tags": [{"Value": "2"}]},
            "B": {"List": [{"First": "1"}, {"Next": "2"}], "Deep": [{"In": ["x1", "x2"]}]},
        }
    }


def endpoints(target: Target, network: str) -> dict[str, tuple[str, str]]:
    """Type and service of each endpoint in the network; the emulator takes no filters, and others stand in it."""
    return {
        one["VpcEndpointId"]: (one["VpcEndpointType"], one["ServiceName"].rpartition(".")[2])
        for one in target.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
        if one["VpcId"] == network
    }


@pytest.mark.aws
@pytest.mark.slow
def test_services_come_into_a_network_that_stands(target: Target) -> None:
    """The half of it that the emulator has: the network takes the interface endpoints in and loses nothing."""
    client, prefix = target.client("cloudformation"), random_prefix()
    template = render(load("network.yaml"))
    before = deploy_stack(client, Stack(f"{prefix}-network", template, {"Prefix": prefix}))
    had = endpoints(target, before["VpcId"])
    assert sorted(had.values()) == [("Gateway", "dynamodb"), ("Gateway", "s3")]
    another = random_prefix()
    deploy_stack(client, Stack(f"{another}-network", template, {"Prefix": another}))
    inside = {"Prefix": prefix, "PrivateServices": "true"}
    after = deploy_stack(client, Stack(f"{prefix}-network", template, inside))
    assert after == before
    has = endpoints(target, after["VpcId"])
    assert had.items() <= has.items()
    added = [has[one] for one in has.keys() - had.keys()]
    assert sorted(added) == [("Interface", "kms"), ("Interface", "sqs")]

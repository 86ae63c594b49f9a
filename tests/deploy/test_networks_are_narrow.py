"""Who may speak to whom: every security group of every template opens the ports that its own part needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.templates import for_addresses, load

ROOT = Path(__file__).resolve().parents[2]
FILES = ("network.yaml", "nat.yaml", "egress.yaml", "gateway.yaml")
EVERYBODY = "0.0.0.0/0"
Rule = Mapping[str, Any]


def rules(direction: str) -> Iterator[tuple[str, str, Rule]]:
    """File, group and rule of each rule in this direction."""
    for file in FILES:
        for name, one in for_addresses(load(file), 2)["Resources"].items():
            if one["Type"] == "AWS::EC2::SecurityGroup":
                for rule in one["Properties"].get(f"SecurityGroup{direction}", []):
                    yield file, name, rule


def ports(file: str, group: str, direction: str) -> set[tuple[str, int]]:
    found = [rule for place, name, rule in rules(direction) if (place, name) == (file, group)]
    assert all(rule["FromPort"] == rule["ToPort"] for rule in found)
    return {(rule["IpProtocol"], rule["FromPort"]) for rule in found}


def test_no_rule_is_for_all_ports() -> None:
    for direction in ("Ingress", "Egress"):
        for file, name, rule in rules(direction):
            assert rule["IpProtocol"] in {"tcp", "udp"}, (file, name)
            assert rule["FromPort"] == rule["ToPort"], (file, name)


def test_the_world_reaches_the_mail_ports_of_the_balancer_and_nothing_else() -> None:
    open_to_all = {
        (name, rule["FromPort"])
        for _, name, rule in rules("Ingress")
        if rule.get("CidrIp") == EVERYBODY
    }
    assert open_to_all == {("BalancerGroup", 25), ("BalancerGroup", 465), ("BalancerGroup", 587)}


def test_the_gateways_tasks_hear_the_balancer_alone_and_call_aws_alone() -> None:
    resources = load("gateway.yaml")["Resources"]
    heard = resources["TaskGroup"]["Properties"]["SecurityGroupIngress"]
    balancer = {"Fn::GetAtt": ["BalancerGroup", "GroupId"]}
    assert [rule["SourceSecurityGroupId"] for rule in heard] == [balancer] * 3
    assert not [rule for rule in heard if "CidrIp" in rule]
    tasks = {("tcp", 2525), ("tcp", 2587), ("tcp", 2465)}
    assert ports("gateway.yaml", "TaskGroup", "Ingress") == tasks
    assert ports("gateway.yaml", "BalancerGroup", "Egress") == tasks
    assert resources["Balancer"]["Properties"]["SecurityGroups"] == [balancer]
    called = ports("gateway.yaml", "TaskGroup", "Egress")
    assert called == {("tcp", 443), ("udp", 53), ("tcp", 53)}


def test_a_proxy_header_is_believed_from_the_balancers_subnets_alone() -> None:
    (container,) = load("gateway.yaml")["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    (said,) = (
        one["Value"] for one in container["Environment"] if one["Name"] == "POSTHORN_PROXY_NETWORKS"
    )
    assert said == {"Ref": "BalancerNetworks"}
    network = load("network.yaml")
    subnets = [
        network["Resources"][name]["Properties"]["CidrBlock"]["Fn::Sub"]
        for name in ("PublicA", "PublicB")
    ]
    assert network["Outputs"]["BalancerNetworks"]["Value"]["Fn::Sub"] == ",".join(subnets)


def test_mail_goes_out_where_mail_goes_out() -> None:
    mail = {("tcp", port) for port in (25, 465, 587, 2465, 2525, 2587)}
    others = {("tcp", 1080), ("tcp", 443), ("udp", 53), ("tcp", 53)}
    assert ports("nat.yaml", "FunctionGroup", "Egress") == mail | others
    assert ports("egress.yaml", "HostGroup", "Egress") == {("tcp", 25), ("tcp", 443)}
    assert ports("egress.yaml", "FunctionGroup", "Egress") == {("tcp", 443), ("tcp", 1080)}


@pytest.mark.parametrize("page", ["smtp-gateway/Dockerfile", "docs/deploy.md"])
def test_the_image_is_built_on_a_base_that_is_named_by_its_digest(page: str) -> None:
    text = (ROOT / page).read_text()
    assert "--build-arg PYTHON_IMAGE=" in text
    assert re.findall(r"^FROM (.+)$", text, re.MULTILINE) in ([], ["${PYTHON_IMAGE}"])
    assert re.findall(r"^ARG PYTHON_IMAGE=", text, re.MULTILINE) == []

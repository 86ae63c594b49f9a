"""An installation is made, changed in place and removed; nothing that holds mail goes without being asked for."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from moto import mock_aws

from infra import destroy as destroying
from infra.current_state import what_stands
from infra.deploy import deploy, stack_of
from infra.destroy import destroy, look, may_destroy
from infra.options import read_egress
from infra.order import Egress, Order
from infra.package import Package
from infra.plan import templates_of
from infra.stack import StackFailed
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder
from infra.templates import load
from tests.deploy.installation import PackageOf, random_prefix

pytestmark = [pytest.mark.aws, pytest.mark.slow]

GATEWAY = {"GatewayScaling": "false"}  # the emulator has no such resource; see the test with moto


@pytest.fixture
def order(target: Target, package: Package) -> Order:
    return Order(target, random_prefix(), package)


def variables(order: Order, function: str = "deliver-default") -> dict[str, str]:
    client = order.target.client("lambda")
    made = client.get_function_configuration(FunctionName=f"{order.prefix}-{function}")
    found: dict[str, str] = made["Environment"]["Variables"]
    return found


def test_again_changes_nothing_and_a_changed_setting_updates_in_place(order: Order) -> None:
    said: list[str] = []
    first = deploy(order, said.append)
    assert f"{order.prefix}-functions: creating" in said
    said.clear()
    assert deploy(order, said.append) == first
    assert said == [f"the zip is in {first.outputs['CodeBucket']} already"] * 2
    said.clear()
    changed = replace(order, settings={"max_attempts": "5"}, parameters={"LogRetentionDays": "7"})
    second = deploy(changed, said.append)
    assert f"{order.prefix}-functions: updating" in said
    assert f"{order.prefix}-data: updating" not in said
    assert variables(order)["POSTHORN_MAX_ATTEMPTS"] == "5"
    assert second.api == first.api
    assert second.functions == first.functions
    destroy(order.target, order.prefix, said.append)


def test_every_function_knows_its_installation_and_nothing_of_another(order: Order) -> None:
    made = deploy(order, lambda _: None)
    for function in (
        *("api", "deliver-default", "incoming", "webhooks", "webhooks-slow"),
        *("jobs", "jobs-woken", "sweep", "upkeep", "deadletters"),
    ):
        found = variables(order, function)
        assert found["POSTHORN_MAIL_TABLE"] == made.outputs["MailTable"] == f"{order.prefix}-mail"
        assert found["POSTHORN_QUEUE_PREFIX"] == f"{order.prefix}-"
        assert found["AWS_ENDPOINT_URL"] == order.target.endpoint
    assert made.environment["POSTHORN_BUCKET"] == found["POSTHORN_BUCKET"]
    sources = order.target.client("lambda").list_event_source_mappings(
        FunctionName=f"{order.prefix}-deliver-default"
    )["EventSourceMappings"]
    assert [one["FunctionResponseTypes"] for one in sources] == [["ReportBatchItemFailures"]]
    assert sources[0]["EventSourceArn"].endswith(f":{order.prefix}-deliver-default")


def test_a_pool_comes_with_queue_and_function_and_goes_only_when_it_is_empty(
    target: Target, order: Order, package_of: PackageOf
) -> None:
    both = package_of("default", "bulk")
    made = deploy(replace(order, package=both, pools=("default", "bulk")), lambda _: None)
    assert made.functions["DeliverBulk"] == f"{order.prefix}-deliver-bulk"
    sqs = target.client("sqs")
    client = target.client("lambda")
    (source,) = client.list_event_source_mappings(FunctionName=f"{order.prefix}-deliver-bulk")[
        "EventSourceMappings"
    ]
    client.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
    url = sqs.get_queue_url(QueueName=f"{order.prefix}-deliver-bulk")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="waits", DelaySeconds=900)
    with pytest.raises(WrongOrder, match="'bulk' is not among the pools any more"):
        deploy(order, lambda _: None)
    sqs.purge_queue(QueueUrl=url)
    assert "DeliverBulk" not in deploy(order, lambda _: None).functions


def test_the_switches_of_the_functions(order: Order) -> None:
    """A domain for the API, reserved concurrency, and a pool in private subnets."""
    switches = {
        "ApiDomain": "posthorn.acme.test",
        "ApiCertificateArn": "arn:aws:acm:us-east-1:000000000000:certificate/x",
        "ReservedConcurrency": "true",
        "DeliverDefaultReserved": "7",
        "DeliverConcurrency": "7",
        "DeliverDefaultSubnets": "subnet-1",
        "DeliverDefaultSecurityGroups": "sg-1",
        "AlarmEmail": "you@acme.test",
    }
    made = deploy(replace(order, parameters=switches), lambda _: None)
    assert made.outputs["ApiDomainTarget"]
    client = order.target.client("lambda")
    name = made.functions["DeliverDefault"]
    # The emulator takes a function's reserved concurrency and subnets and forgets them.
    (source,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 7}
    role = order.target.client("lambda").get_function(FunctionName=name)["Configuration"]["Role"]
    attached = order.target.client("iam").list_attached_role_policies(
        RoleName=role.rpartition("/")[2]
    )["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AWSLambdaVPCAccessExecutionRole"]
    topic = made.outputs["AlarmTopic"]
    told = order.target.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert [one["Endpoint"] for one in told] == ["you@acme.test"]


def test_network_and_gateway_are_made_and_removed(order: Order) -> None:
    whole = replace(order, image="registry.example/posthorn-gateway:1", parameters=GATEWAY)
    whole = replace(whole, settings={"smtp_hostname": "mail.acme.test"})
    made = deploy(whole, lambda _: None)
    assert made.outputs["GatewayAddress"]
    task = order.target.client("ecs").describe_task_definition(
        taskDefinition=f"{order.prefix}-gateway"
    )["taskDefinition"]
    (container,) = task["containerDefinitions"]
    environment = {one["name"]: one["value"] for one in container["environment"]}
    assert environment["POSTHORN_SMTP_HOSTNAME"] == "mail.acme.test"
    assert environment["POSTHORN_PROXY_NETWORKS"] == "10.57.0.0/24,10.57.1.0/24"
    elb = order.target.client("elbv2")
    (balancer,) = elb.describe_load_balancers(Names=[f"{order.prefix}-gateway"])["LoadBalancers"]
    listeners = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert sorted((one["Port"], one["Protocol"]) for one in listeners) == [
        (25, "TCP"),
        (465, "TCP"),
        (587, "TCP"),
    ]
    said: list[str] = []
    destroy(order.target, order.prefix, said.append)
    removed = [line for line in said if line.endswith(": removing")]
    parts = ("gateway", "functions", "network", "data")
    assert removed == [f"{order.prefix}-{part}: removing" for part in parts]
    assert what_stands(order.target, order.prefix) == "nothing was made"


def test_a_pool_with_an_address_of_its_own(package: Package, tmp_path: Any) -> None:
    """NAT gateways and Elastic IPs are what the emulator lacks; moto's CloudFormation makes them."""
    with mock_aws():
        target = Target("aws", "", "us-east-1", ("test", "test"))
        order = Order(target, "posthorn", package, egress={"nat-default": Egress(2)})
        templates = templates_of(order)
        assert list(templates) == ["data", "network", "nat-default", "functions"]
        known = {"Prefix": "posthorn", "Pool": "default", "PoolNumber": "2"}
        for part in ("network", "nat-default"):
            stack = stack_of(order, part, templates[part], known)
            known |= deploy_stack(target.client("cloudformation"), stack)
        ec2 = target.client("ec2")
        (nat,) = ec2.describe_nat_gateways()["NatGateways"]
        assert nat["NatGatewayAddresses"][0]["PublicIp"] == known["Address"]
        (subnet,) = ec2.describe_subnets(SubnetIds=[known["Subnet"]])["Subnets"]
        assert subnet["CidrBlock"] == "10.57.2.0/24"
        (through_nat,) = ec2.describe_route_tables(
            Filters=[{"Name": "route.nat-gateway-id", "Values": [nat["NatGatewayId"]]}]
        )["RouteTables"]
        routes = [one for one in through_nat["Routes"] if "NatGatewayId" in one]
        assert [one["DestinationCidrBlock"] for one in routes] == ["0.0.0.0/0"]
        endpoints = [one for one in through_nat["Routes"] if "DestinationPrefixListId" in one]
        assert len(endpoints) == 2, "S3 and DynamoDB, which need no NAT gateway"


def test_own_addresses_are_read_and_wrong_ones_refused() -> None:
    found, _ = read_egress(["bulk=3"], [], ("default", "bulk"))
    assert found == {"nat-bulk": Egress(3)}
    for given in (["other=2"], ["bulk=1"], ["bulk=x"], ["bulk=2", "default=2"], ["bulk"]):
        with pytest.raises(WrongOrder):
            read_egress(given, [], ("default", "bulk"))


def test_mail_is_not_removed_unasked(
    order: Order, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = deploy(order, lambda _: None)
    bucket = made.outputs["Bucket"]
    order.target.client("s3").put_object(Bucket=bucket, Key="r/1/20260101/x", Body=b"mail")
    monkeypatch.delenv("CONFIRM", raising=False)
    command = ["--endpoint", order.target.endpoint, "--prefix", order.prefix]
    assert destroying.main(command) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"posthorn: {bucket} hold")
    assert f"CONFIRM={order.prefix}" in said
    assert variables(order)
    monkeypatch.setenv("CONFIRM", order.prefix)
    assert destroying.main(command) == 0
    assert what_stands(order.target, order.prefix) == "nothing was made"
    assert look(order.target, order.prefix).filled == ()
    names = [one["Name"] for one in order.target.client("s3").list_buckets()["Buckets"]]
    assert not {bucket, made.outputs["CodeBucket"]} & set(names)
    assert destroying.main(command) == 0, "there is nothing to remove, and that is no mistake"


@pytest.mark.parametrize(("typed", "agreed"), [("posthorn", True), ("y", False), ("", False)])
def test_a_person_types_the_prefix(
    typed: str, agreed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda _: typed)
    assert may_destroy(["posthorn-mail"], "posthorn", {}) is agreed
    assert may_destroy([], "posthorn", {})


def test_a_name_that_is_taken_ends_in_one_sentence_and_is_mended_by_deploying_again(
    order: Order, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from infra import deploy as deployment
    from infra import package as packaging

    bucket, s3 = f"{order.prefix}-mail-raw", order.target.client("s3")
    s3.create_bucket(Bucket=bucket)
    monkeypatch.setattr(packaging, "build", lambda *_: order.package)
    command = ["--endpoint", order.target.endpoint, "--prefix", order.prefix]
    assert deployment.main(command) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("posthorn: ")
    assert bucket in said
    assert f"what stands: {order.prefix}-data (ROLLBACK_COMPLETE)" in said
    assert "choose another --prefix" in said
    s3.delete_bucket(Bucket=bucket)
    assert deployment.main([*command, "--json"]) == 0


def test_a_failed_stack_says_what_stands(target: Target, order: Order) -> None:
    client = target.client("cloudformation")
    deploy_stack(client, stack_of(order, "network", load("network.yaml"), {"Prefix": "x"}))
    assert what_stands(target, order.prefix) == (
        f"what stands: {order.prefix}-network (CREATE_COMPLETE)"
    )
    broken = load("network.yaml")
    broken["Resources"]["Vpc"]["Properties"]["CidrBlock"] = {"Fn::ImportValue": "no-such-export"}
    with pytest.raises(StackFailed, match=r"Vpc CREATE_FAILED .*no-such-export"):
        deploy_stack(client, stack_of(order, "gateway", broken, {"Prefix": "x"}))

"""A new order against the ways out that stand: their machines, their blocks, their pools, and their Elastic IPs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from infra import egress
from infra.current_state import StandingStack, elastic_ips, stacks_of
from infra.deploy import tell_forgotten
from infra.destroy import destroy
from infra.options import read_egress
from infra.order import Egress, Order
from infra.stack import Stack, StackFailed
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder
from infra.templates import for_pools, load, render, with_numbers
from tests.deploy.emulated_ways import POOLS, addresses, an_order, check, make, steps_of
from tests.deploy.installation import random_prefix


@pytest.fixture
def order() -> Iterator[Order]:
    with an_order() as order:
        yield order


def host(order: Order, block: int, count: int, **parameters: str) -> Order:
    return replace(order, egress={"egress-default": Egress(block, count)}, parameters=parameters)


def machine(order: Order) -> str:
    (stack,) = (one for one in stacks_of(order.target, order.prefix).values() if one.is_egress)
    return stack.parameters["EgressInstanceType"]


@pytest.mark.parametrize(("before", "after", "steps"), [(2, 3, 2), (4, 7, 2), (8, 1, 2), (3, 4, 1)])
def test_no_machine_ever_has_more_addresses_than_it_has_room_for(
    order: Order, before: int, after: int, steps: int
) -> None:
    made = make(host(order, 3, before))
    changed = host(order, 3, after)
    template = egress.templates_of(changed)["egress-default"]
    assert len(steps_of(changed, "egress-default", template)) == steps
    kept = addresses(make(changed)).items() & addresses(made).items()
    assert len(kept) == min(before, after)
    assert machine(order) == egress.parameters_of(changed, "egress-default")["EgressInstanceType"]
    assert len(steps_of(changed, "egress-default", template)) == 1


@pytest.mark.parametrize(
    ("before", "after", "parameters"),
    [(2, 3, {"EgressInstanceType": "m5.large"}), (3, 2, {"GatewayArchitecture": "ARM64"})],
)
def test_machines_change_with_choice_and_architecture_too(
    order: Order, before: int, after: int, parameters: dict[str, str]
) -> None:
    make(host(order, 3, before))
    changed = host(order, 3, after, **parameters)
    make(changed)
    assert machine(order) == egress.parameters_of(changed, "egress-default")["EgressInstanceType"]


def test_a_chosen_machine_must_have_room(order: Order) -> None:
    with pytest.raises(WrongOrder, match=r"t3\.micro has room for 2 addresses.*t3\.medium"):
        egress.check_machine(host(order, 3, 5, EgressInstanceType="t3.micro"))
    with pytest.raises(WrongOrder, match=r"EC2 has no machine 't3\.tiny' in us-east-1"):
        egress.check_machine(host(order, 3, 2, EgressInstanceType="t3.tiny"))
    egress.check_machine(host(order, 3, 2, EgressInstanceType="t3.micro"))


def test_the_block_of_a_way_out_stays(order: Order) -> None:
    make(order)
    with pytest.raises(
        WrongOrder, match=r"posthorn-egress-default is 3.*--egress-host default=3:2"
    ):
        check(host(order, 5, 2))
    nat = replace(order, egress={"nat-bulk": Egress(2)})
    make(nat)
    both = replace(order, egress={**order.egress, "nat-bulk": Egress(4)})
    with pytest.raises(WrongOrder, match=r"posthorn-nat-bulk is 2 .*--own-address bulk=2"):
        check(both)
    check(replace(order, egress={**order.egress, "nat-bulk": Egress(2)}))


def test_a_block_is_taken_as_long_as_a_stack_has_it(order: Order) -> None:
    make(replace(order, egress={"nat-default": Egress(2)}))
    parting = replace(order, unused=frozenset({"nat-default"}))
    same = host(parting, 2, 2)
    with pytest.raises(WrongOrder, match="posthorn-egress-default cannot have the block 2"):
        check(same)
    other = replace(parting, egress={"nat-bulk": Egress(2)})
    with pytest.raises(WrongOrder, match="which the stack posthorn-nat-default has"):
        check(other)
    check(parting)


def failed(status: str) -> dict[str, StandingStack]:
    """The host's stack in a state that moto brings none to, with the outputs that such a stack has: none."""
    name, parameters = (
        "posthorn-egress-default",
        {"PoolNumber": "3", "EgressInstanceType": "t3.micro"},
    )
    return {name: StandingStack(name, "egress-default", status, parameters)}


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"])
def test_what_a_failed_creation_left_stops_nobody(order: Order, status: str) -> None:
    left = failed(status)
    egress.check(replace(order, egress={}, image="gateway"), left)
    egress.check(host(order, 5, 3), left)
    template = egress.templates_of(order)["egress-default"]
    (stack,) = left.values()
    assert len(list(egress.steps_of(host(order, 3, 3), stack.part, template, stack))) == 1


def test_a_block_is_free_when_nothing_is_left_in_it(order: Order) -> None:
    nat = replace(order, egress={"nat-bulk": Egress(3)})
    egress.check(nat, failed("ROLLBACK_COMPLETE"))
    with pytest.raises(WrongOrder, match="block 3"):
        egress.check(nat, failed("ROLLBACK_FAILED"))


def test_a_host_that_is_being_made_is_not_said_to_have_no_addresses(order: Order) -> None:
    with pytest.raises(WrongOrder, match="--egress-host default=3:ADDRESSES as before"):
        egress.check(replace(order, egress={}), failed("CREATE_IN_PROGRESS"))


def test_a_pool_does_not_go_while_its_way_out_stands(order: Order) -> None:
    make(replace(order, egress={"egress-bulk": Egress(3, 2)}))
    fewer = replace(order, pools=("default",), egress={})
    with pytest.raises(WrongOrder, match=r"the pool 'bulk' is not among the pools any more.*=none"):
        check(fewer)
    given = ["bulk=none"]
    nothing, unused = read_egress([], given, fewer.pools)
    assert nothing == {}
    assert read_egress(given, [], fewer.pools)[0] == {}
    check(replace(fewer, unused=unused))
    with pytest.raises(WrongOrder, match="no pool 'blk' and no stack posthorn-egress-blk"):
        check(replace(fewer, unused=read_egress([], [*given, "blk=none"], fewer.pools)[1]))


def test_an_elastic_ip_that_no_stack_has_is_named_until_it_is_released(order: Order) -> None:
    # The network is somebody else's here, because moto's never goes: it does not remove route tables.
    made = addresses(make(order, network="another"))
    foreign = replace(order, prefix="posthorn-bulk", egress={"egress-default": Egress(4, 1)})
    make(foreign, network="third")
    said: list[str] = []
    tell_forgotten(order, said.append)
    assert said == []
    make(host(order, 3, 1), network="another")
    tell_forgotten(order, said.append)
    gone = made["10.57.3.142"]
    assert said == [
        f"the Elastic IP {gone} is kept though nothing uses it, and costs, until you release it in EC2"
    ]
    said = []
    destroy(order.target, order.prefix, said.append)
    for address in made.values():
        assert f"the Elastic IP {address} stays, and costs, until you release it in EC2" in said
    assert sum("Elastic IP" in line for line in said) == 2
    ec2 = order.target.client("ec2")
    (held,) = ec2.describe_addresses(PublicIps=[gone])["Addresses"]
    ec2.release_address(AllocationId=held["AllocationId"])
    assert elastic_ips(order.target, order.prefix) == ([], [made["10.57.3.141"]])


def test_who_may_not_look_at_ec2_is_told_of_those_that_stacks_have(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = addresses(make(order))
    client = Target.client

    def without_ec2(target: Target, service: str) -> object:
        if service == "ec2":
            raise ClientError({"Error": {"Code": "UnauthorizedOperation"}}, "DescribeAddresses")
        return client(target, service)

    monkeypatch.setattr(Target, "client", without_ec2)
    held, forgotten = elastic_ips(order.target, order.prefix)
    assert (set(held), forgotten) == (set(made.values()), [])


@pytest.mark.aws
@pytest.mark.slow
def test_a_creation_that_fails_leaves_no_name_taken(target: Target) -> None:
    client, prefix = target.client("cloudformation"), random_prefix()
    parameters = {"Prefix": prefix, "BucketName": f"{prefix}-mail-raw", "RequireTls": "false"}
    template = with_numbers(for_pools(load("data.yaml"), POOLS), parameters)
    retained = [
        name for name, one in template["Resources"].items() if one.get("DeletionPolicy") == "Retain"
    ]
    assert len(retained) == 5
    late = {  # CloudFormation makes no secret parameters
        "Type": "AWS::SSM::Parameter",
        "DependsOn": [*retained, "KeyAlias"],
        "Properties": {"Type": "SecureString", "Value": "late"},
    }
    broken = template | {"Resources": template["Resources"] | {"Late": late}}
    with pytest.raises(StackFailed, match="Late"):
        deploy_stack(client, Stack(f"{prefix}-data", render(broken), parameters))
    tables = target.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in tables if name.startswith(prefix)]
    outputs = deploy_stack(client, Stack(f"{prefix}-data", render(template), parameters))
    assert outputs["MailTable"] == f"{prefix}-mail"

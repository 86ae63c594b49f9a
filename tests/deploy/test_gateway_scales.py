"""The number of the gateway's tasks belongs to the load once it may follow it. No emulator has such a resource."""

from __future__ import annotations

from infra.templates import load, with_numbers


def test_an_update_does_not_set_a_grown_gateway_back() -> None:
    gateway = with_numbers(load("gateway.yaml"), {"GatewayTasks": "3"})["Resources"]
    count = gateway["Service"]["Properties"]["DesiredCount"]
    assert count == {"Fn::If": ["Scales", {"Ref": "AWS::NoValue"}, 3]}
    scale = gateway["Scale"]
    assert (scale["Condition"], scale["Properties"]["MinCapacity"]) == ("Scales", 3)

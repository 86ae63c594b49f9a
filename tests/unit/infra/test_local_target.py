"""A deployment beside `make run AWS=1` goes into its emulator under its key, and under no other of the developer's."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.facts import facts_of
from infra.local.folder import StateFolder
from infra.local.plan import Plan, make_plan
from infra.targets import WrongOrder, environment_of, find_target

REAL = {"AWS_ACCESS_KEY_ID": "AKIAREALREALREALREAL", "AWS_SECRET_ACCESS_KEY": "real"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A stack whose stack.json is in `tmp_path`."""
    caller = {"POSTHORN_ENGINE": "aws", "POSTHORN_AWS_PORT": "4599"}
    plan = make_plan({"POSTHORN_STATE": str(tmp_path), **caller})
    StateFolder(tmp_path).write_facts(facts_of(plan, {}, {}))
    return plan


@pytest.mark.parametrize("environment", [{}, REAL], ids=["nothing", "a real key"])
@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [("local", ""), ("local", "http://127.0.0.1:4599/"), ("localstack", "http://127.0.0.1:4599")],
)
def test_the_emulator_of_a_running_stack_is_called_under_the_stacks_key(
    plan: Plan, environment: dict[str, str], kind: str, endpoint: str
) -> None:
    target = find_target(kind, {"POSTHORN_STATE": str(plan.state), **environment}, endpoint)
    keys = (plan.keys.access_key_id, plan.keys.secret_access_key)
    assert (target.kind, target.endpoint) == (kind, "http://127.0.0.1:4599")
    assert target.credentials == keys
    assert target.settings["clock_file"] == str(plan.state / "clock")
    assert environment_of(target)["AWS_ACCESS_KEY_ID"] == keys[0]
    assert keys[1] not in repr(target)


def test_a_stack_without_aws_has_no_emulator_to_deploy_to(tmp_path: Path) -> None:
    plan = make_plan({"POSTHORN_STATE": str(tmp_path)})
    StateFolder(tmp_path).write_facts(facts_of(plan, {}, {}))
    target = find_target("local", {"POSTHORN_STATE": str(tmp_path)})
    assert (target.endpoint, target.settings) == ("http://127.0.0.1:4566", {})


def test_another_endpoint_never_gets_the_stacks_key(plan: Plan) -> None:
    state = {"POSTHORN_STATE": str(plan.state)}
    for target in (
        find_target("local", state, "http://127.0.0.1:4600"),
        find_target("localstack", state),
        find_target("local", {**state, "AWS_ENDPOINT_URL": "http://emulator.example:4566"}),
    ):
        assert target.credentials == ("test", "test")
        assert target.settings == {}


def test_a_stack_file_that_others_may_write_is_refused(plan: Plan) -> None:
    (plan.state / "stack.json").chmod(0o666)
    with pytest.raises(WrongOrder, match="is not believed: others may write to it"):
        find_target("local", {"POSTHORN_STATE": str(plan.state)})


def test_without_a_stack_any_key_will_do(tmp_path: Path) -> None:
    target = find_target("local", {"POSTHORN_STATE": str(tmp_path)})
    assert (target.endpoint, target.credentials) == ("http://127.0.0.1:4566", ("test", "test"))

"""The plan of a local run refuses what it cannot use, with one sentence that names the variable."""

from __future__ import annotations

import pytest

from chalicelib.cli.stack import stack_of
from infra.local.aws import emulator_environment
from infra.local.facts import facts_of, for_people
from infra.local.plan import PlanError, make_plan


@pytest.mark.parametrize(
    "text",
    ["nonsense", ":53", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:99999"],
)
def test_a_dns_server_is_a_host_and_a_port(text: str) -> None:
    with pytest.raises(PlanError, match="POSTHORN_DNS must be host:port"):
        make_plan({"POSTHORN_DNS": text})


@pytest.mark.parametrize("text", ["127.0.0.1:5300", "[::1]:5300", "localhost:5300"])
def test_a_dns_server_replaces_the_local_zone(text: str) -> None:
    assert make_plan({"POSTHORN_DNS": text}).dns_server == text


AWS = {"POSTHORN_ENGINE": "aws"}


def test_the_emulator_knows_the_key_that_signs_uploads() -> None:
    plan = make_plan(AWS)
    own = plan.environment()
    emulator = emulator_environment(plan)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert emulator[name] == own[name]
    assert "AWS_ENDPOINT_URL" not in emulator


def test_no_two_stacks_have_the_same_key_and_nothing_of_the_callers_aws_comes_near_ours() -> None:
    caller = {
        "AWS_PROFILE": "work",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "AWS_SECRET_ACCESS_KEY": "real",
        "AWS_SESSION_TOKEN": "t",
        "AWS_ENDPOINT_URL_S3": "http://elsewhere.example",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://elsewhere.example",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_REGION": "eu-west-1",
    }
    first, second = (make_plan(AWS | caller).environment() for _ in range(2))
    assert first["AWS_ACCESS_KEY_ID"] != second["AWS_ACCESS_KEY_ID"]
    assert first["AWS_REGION"] == "eu-west-1"
    known = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_EC2_METADATA_DISABLED"}
    known |= {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"}
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert {name for name in first if name.startswith("AWS_")} == known
    assert not {"AKIAREAL", "real", "work"} & set(first.values())


def test_an_endpoint_of_the_callers_own_gets_the_callers_key_and_stack_json_does_not() -> None:
    plan = make_plan(
        {
            "AWS_ENDPOINT_URL": "http://127.0.0.1:4571",
            "AWS_ACCESS_KEY_ID": "OWN-KEY-ID",
            "AWS_SECRET_ACCESS_KEY": "my own",
        }
    )
    assert plan.environment()["AWS_ACCESS_KEY_ID"] == "OWN-KEY-ID"
    assert "OWN-KEY-ID" not in str(facts_of(plan, {}, {}))
    assert "my own" not in str(facts_of(plan, {}, {}))


@pytest.mark.parametrize(
    ("dns", "asked"), [("127.0.0.1:5300", "127.0.0.1:5300"), ("9.9.9.9:53", None)]
)
@pytest.mark.parametrize("engine", ["sqlite", "aws"])
def test_the_command_believes_what_the_stack_writes(
    dns: str, asked: str | None, engine: str
) -> None:
    plan = make_plan({"POSTHORN_DNS": dns, "POSTHORN_ENGINE": engine, "POSTHORN_STATE": "state"})
    secrets = {"api_key": "ph_api", "smtp_key": "ph_smtp", "admin_password": "ph_admin"}
    facts = facts_of(plan, secrets, {})
    environment = stack_of(facts, plan.state / "stack.json").environment
    if engine == "aws":
        assert environment["AWS_ACCESS_KEY_ID"] == plan.keys.access_key_id
    else:
        assert environment["POSTHORN_STATE_FOLDER"] == str(plan.state / "sqlite")
        assert "AWS_ENDPOINT_URL" not in environment
    assert environment.get("POSTHORN_DNS_SERVER") == asked
    shown = "\n".join(for_people(facts, plan))
    assert "stack.json" in shown
    assert not [key for key in (*secrets.values(), *plan.keys.variables.values()) if key in shown]


@pytest.mark.parametrize(
    ("caller", "engine"),
    [
        ({}, "sqlite"),
        ({"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL"}, "sqlite"),
        ({"POSTHORN_ENGINE": "aws"}, "aws"),
        ({"POSTHORN_FUNCTIONS": "deployed"}, "aws"),
        ({"POSTHORN_EMULATOR": "localstack"}, "aws"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4571"}, "aws"),
    ],
)
def test_it_runs_on_one_host_unless_aws_is_spoken_of(caller: dict[str, str], engine: str) -> None:
    assert make_plan(caller).engine == engine


def test_nothing_of_aws_reaches_the_one_host_program() -> None:
    caller = {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_REGION": "eu-west-1"}
    environment = make_plan(caller).environment()
    assert [name for name in environment if name.startswith("AWS_")] == []

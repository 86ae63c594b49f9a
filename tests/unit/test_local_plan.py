"""The plan of a local run refuses what it cannot use, with one sentence that names the variable."""

from __future__ import annotations

import pytest

from infra.local.aws import emulator_environment
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


def test_the_emulator_knows_the_key_that_signs_uploads() -> None:
    plan = make_plan({})
    own = plan.environment()
    emulator = emulator_environment(plan)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert emulator[name] == own[name]
    assert "AWS_ENDPOINT_URL" not in emulator

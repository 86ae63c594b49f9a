"""Management keys are made, limited, changed and revoked from the command line, and the API obeys them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.cli.keys import SCOPES as KNOWN
from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES
from tests.http_api import ApiWorld
from tests.integration.cli.conftest import Run


def test_the_command_knows_all_scopes() -> None:
    assert (EVERYTHING, *SCOPES) == KNOWN


def test_a_key_of_the_installation_is_shown_once(posthorn: Run) -> None:
    made = posthorn("key", "create", "root", "--scope", "*", "--json").json
    assert made["key"].startswith("phm_")
    assert (made["organization"], made["scopes"]) == (None, ["*"])
    assert made["hint"] == made["key"][-4:]
    (listed,) = posthorn("key", "list", "--json").json
    assert listed == {name: one for name, one in made.items() if name != "key"}
    for command in (("list",), ("show", made["id"])):
        shown = posthorn("key", *command).out
        assert f"…{made['hint']}" in shown
        assert made["key"] not in shown


def test_a_key_is_limited_changed_and_revoked(demo: Run) -> None:
    made = demo(
        "key", "create", "ci", "--organization", "demo", "--only", "demo", "--scope", "emails:send",
        "--network", "192.0.2.0/24", "--expires", "2099-01-31", "--json",
    ).json  # fmt: skip
    assert (made["servers"], made["networks"]) == (["demo"], ["192.0.2.0/24"])
    assert made["expires_at"] == "2099-01-31T00:00:00.000Z"
    shown = demo("key", "list", "--organization", "demo").out.split()
    assert {"SERVERS", "NETWORKS", "ENDS", "demo", "192.0.2.0/24", "2099-01-31"} <= set(shown)
    named = ("--organization", "demo", "--json")
    changed = demo("key", "set", made["id"], "--name", "new", "--clear", "networks", *named).json
    assert (changed["name"], changed["networks"]) == ("new", [])
    assert changed["expires_at"] == made["expires_at"]
    assert demo("key", "revoke", made["id"], *named).json == {"revoked": made["id"]}
    gone = demo("key", "show", made["id"], *named)
    assert (gone.code, gone.err) == (1, "posthorn: There is no such key.\n")


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (("--scope", "nothing"), 2, "'nothing' is not one of"),
        (("--scope", "*", "--only", "demo"), 2, "--only goes with --organization"),
        (
            ("--scope", "installation:write", "--organization", "demo"),
            1,
            "/scopes/0 a key of an organization cannot have it",
        ),
        (("--scope", "*", "--expires", "2000-01-01"), 1, "/expires_at must be in the future"),
        (("--scope", "*", "--network", "x"), 1, "/networks/0 is no network in CIDR notation"),
        (("--scope", "*", "--organization", "none"), 1, "There is no such organization or server"),
    ],
)
def test_wrong_lines_are_one_sentence(
    demo: Run, line: tuple[str, ...], code: int, said: str
) -> None:
    outcome = demo("key", "create", "x", *line)
    assert (outcome.code, said in outcome.err) == (code, True), outcome
    assert demo("key", "list", "--json").json == []


def test_the_api_takes_the_key(demo: Run, app: Posthorn) -> None:
    key = demo("key", "create", "k", "--organization", "demo", "--scope", "servers:read", "--json")
    bootstrap.use(app)
    try:
        api = ApiWorld(cast("Any", SimpleNamespace(posthorn=app)))
        reply = api.v2("GET", "/servers/demo/demo", key=key.json["key"])
        assert reply.json["server"] == "demo/demo"
    finally:
        bootstrap.use(None)

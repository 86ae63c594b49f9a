"""The OpenAPI document is valid, complete, and true of the answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from chalicelib import bootstrap
from chalicelib.api.v2.gateway_responses import FALLBACKS, TURNED_AWAY, answer_of
from chalicelib.api.v2.key_set import PATH
from chalicelib.api.v2.management import MANAGEMENT
from chalicelib.api.v2.openapi import document
from chalicelib.api.v2.route import PREFIX
from chalicelib.api.v2.routes import ELSEWHERE, every_route
from chalicelib.domain.model import State, Status
from chalicelib.domain.statistics import Addition, Count, slots_of
from chalicelib.ports.statistics import Statistics
from functions.api import app
from tests.http_api import ApiWorld, Reply
from tests.integration.api.test_v2_overview import tell, tried
from tests.managed_routes import managed

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


@pytest.fixture
def served(api: ApiWorld) -> dict[str, Any]:
    reply = api.call("GET", "/api/v2/openapi.json")
    assert reply.status == 200
    described: dict[str, Any] = reply.json
    return described


def test_it_is_valid(served: dict[str, Any]) -> None:
    assert served == document(every_route())
    OpenAPIV31SpecValidator(served).validate()


def test_every_route_is_described_and_every_description_is_a_route(
    api: ApiWorld, served: dict[str, Any]
) -> None:
    registered = {
        (path, method)
        for path, entries in app.routes.items()
        if path.startswith((PREFIX, PATH)) and path != ELSEWHERE
        for method in entries
    }
    described = {
        (path, method.upper()) for path, item in served["paths"].items() for method in item
    }
    assert {(route.path, route.method) for route in every_route()} == described
    behind_one = {(route.path, route.method) for route in MANAGEMENT}
    assert described <= registered | behind_one
    for path, method in registered - described:
        reply = api.call(method, path.replace("{id}", "1"))
        assert (reply.status, reply.json["code"]) == (405, "method_not_allowed"), (path, method)


def test_whatever_changes_something_may_meet_what_does_not_allow_it(served: dict[str, Any]) -> None:
    public = {(one.path, one.method) for one in every_route() if one.is_public}
    silent = {
        (path, method)
        for path, item in served["paths"].items()
        for method, operation in item.items()
        if method != "get" and "409" not in operation["responses"]
    }
    assert {(path, method.upper()) for path, method in silent} <= public


def counted(api: ApiWorld) -> Reply:
    """The statistics of a server that has some."""
    for slot in slots_of(api.scene.server.id, api.scene.clock.now()):
        added = [Addition("1", {Count.OUTGOING: 1})]
        bootstrap.run(api.scene.posthorn[Statistics].add("a", slot, added))
    return api.v2("GET", "/statistics?period=minute")


def failed(api: ApiWorld) -> list[tuple[str, str, Reply]]:
    """What tells of failures, of a server that has one."""
    tried(api, 900, Status.HARD_FAIL, State.DONE, cause="mailbox", output="550 5.1.1 unknown")
    tell(api)
    overview, causes = (api.v2("GET", path) for path in ("/overview", "/statistics/causes"))
    assert overview.json["attention"]
    assert "mailbox" in {one["cause"] for one in causes.json["data"]}
    return [("/overview", "get", overview), ("/statistics/causes", "get", causes)]


def answers(api: ApiWorld) -> list[tuple[str, str, Reply]]:
    """An answer of every operation, and of every kind of problem that is easy to get."""
    sent = api.v2("POST", "/emails", GOOD | {"html": "<p>x", "tag": "t"})
    bootstrap.run(api.scene.deliver_ready())
    at = f"/emails/{sent.json['id']}"
    (attempt,) = api.v2("GET", f"{at}/deliveries").json["data"]
    return [
        ("/emails", "post", sent),
        ("/emails", "post", api.v2("POST", "/emails", {})),
        ("/emails", "post", api.v2("POST", "/emails", b"{")),
        ("/emails", "post", api.v2("POST", "/emails", GOOD, key="wrong")),
        ("/emails", "post", api.v2("POST", "/emails", GOOD, content_type="text/plain")),
        ("/emails", "post", api.v2("POST", "/emails", GOOD | {"from": "a@b.c"})),
        ("/emails/batch", "post", api.v2("POST", "/emails/batch", [GOOD, {}])),
        ("/emails", "get", api.v2("GET", "/emails?limit=1")),
        ("/emails", "get", api.v2("GET", "/emails?limit=0")),
        ("/emails/{id}", "get", api.v2("GET", at)),
        ("/emails/{id}", "get", api.v2("GET", "/emails/999")),
        ("/emails/{id}/raw", "get", api.v2("GET", f"{at}/raw")),
        ("/emails/{id}/deliveries", "get", api.v2("GET", f"{at}/deliveries")),
        (
            "/emails/{id}/deliveries/{delivery}/conversation",
            "get",
            api.v2("GET", f"{at}/deliveries/{attempt['id']}/conversation"),
        ),
        (PATH, "get", api.call("GET", PATH)),
        ("/uploads", "post", api.v2("POST", "/uploads", {"size": 5})),
        ("/statistics", "get", counted(api)),
        ("/statistics", "get", api.v2("GET", "/statistics?period=week")),
        ("/statistics", "get", api.v2("GET", "/statistics?group_by=domain")),
        ("/openapi.json", "get", api.v2("GET", "/openapi.json")),
        *managed(api),
        *failed(api),
    ]


def test_real_answers_match_their_description(api: ApiWorld, served: dict[str, Any]) -> None:
    seen = set()
    for path, method, reply in answers(api):
        operation = served["paths"][path if path == PATH else PREFIX + path][method]
        described = operation["responses"][str(reply.status)]
        seen.add((path, method))
        if reply.status in (204, 303):
            assert "content" not in described
            continue
        media = reply.headers["content-type"]
        schema = described["content"][media].get("schema")
        if schema is not None:
            whole = {"$ref": schema["$ref"], "components": served["components"]}
            faults = [
                f"{'/'.join(map(str, fault.path))}: {fault.message}"
                for fault in OAS31Validator(whole).iter_errors(reply.json)
            ]
            assert faults == [], (path, reply.status, reply.json)
    assert seen == {
        (path.removeprefix(PREFIX), method)
        for path, item in served["paths"].items()
        for method in item
    }


@pytest.mark.parametrize("kind", [*TURNED_AWAY])
def test_what_api_gateway_answers_is_described(served: dict[str, Any], kind: str) -> None:
    said = json.loads(answer_of(kind).body_for("1"))
    schema = served["components"]["schemas"]["Problem"]
    assert set(said) <= set(schema["properties"])
    required = [name for name in schema["required"] if kind not in FALLBACKS or name != "status"]
    whole = schema | {"required": required, "components": served["components"]}
    assert [fault.message for fault in OAS31Validator(whole).iter_errors(said)] == []


def test_requests_are_described_by_what_validates_them(served: dict[str, Any]) -> None:
    schema = served["components"]["schemas"]["EmailToSend"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["from"]
    whole = schema | {"components": served["components"]}
    validator = OAS31Validator(whole)
    assert validator.is_valid(GOOD)
    assert not validator.is_valid(GOOD | {"bogus": 1})
    assert not validator.is_valid(GOOD | {"subject": 5})


def test_a_path_says_what_an_object_is_named_by(served: dict[str, Any]) -> None:
    found = {
        one["name"]: one["description"]
        for path in served["paths"].values()
        for operation in path.values()
        for one in operation.get("parameters", ())
        if one["in"] == "path"
    }
    assert {name for name, said in found.items() if "permalink" in said} == {
        "organization",
        "server",
    }
    assert found["address"] == "The address that is suppressed, in any case of letters."

"""What API Gateway answers by itself says what our problems say, in the template and when it is deployed."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
import uuid
from typing import Any

import botocore.session
import pytest

from chalicelib.api.v2.gateway_responses import FALLBACKS, TURNED_AWAY
from chalicelib.api.v2.problems import PROBLEM_TYPE, STATUSES, TYPE_PREFIX, Problem, headers_of
from infra.gateway_responses import API, CONDITION, EXTENSION, with_answers
from infra.package import Package
from infra.templates import Template, load
from tests.deploy.installation import Installation

JSON = "application/json"
STATUS_OF = {title: status for _, status, title in STATUSES}


@pytest.fixture(scope="module")
def template() -> Template:
    return with_answers(load("functions.merge.yaml"))


def defined(template: Template) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][API]["Properties"]["DefinitionBody"][EXTENSION]
    return found


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    (text,) = answer["responseTemplates"].values()
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_types_are_those_of_api_gateway(template: Template) -> None:
    model = botocore.session.Session().get_service_model("apigateway")
    known = set(model.shape_for("GatewayResponseType").enum)
    assert set(defined(template)) <= known
    assert known - set(defined(template)) == {
        # This API has no authorizer, no API keys of API Gateway and no usage plan with keys.
        "AUTHORIZER_CONFIGURATION_ERROR",
        "AUTHORIZER_FAILURE",
        "INVALID_API_KEY",
        "UNAUTHORIZED",
    }


@pytest.mark.parametrize("kind", TURNED_AWAY)
def test_a_body_is_a_problem_as_the_functions_answer_them(template: Template, kind: str) -> None:
    answer = defined(template)[kind]
    body, error = body_of(answer), TURNED_AWAY[kind]
    status = STATUS_OF[body["title"]]
    assert body.get("status") == (None if kind in FALLBACKS else status)
    assert answer.get("statusCode") == (None if kind in FALLBACKS else str(status))
    problem = Problem.model_validate({"status": status} | body)
    assert (problem.code, problem.detail) == (error.code, error.public)
    assert problem.type == TYPE_PREFIX + error.code
    headers = {name.rpartition(".")[2]: text for name, text in answer["responseParameters"].items()}
    assert headers == {name: f"'{text}'" for name, text in headers_of(status).items()}
    assert headers["Content-Type"] == f"'{PROBLEM_TYPE}'"


@pytest.mark.parametrize("kind", TURNED_AWAY)
def test_a_body_repeats_nothing_of_a_request_but_its_number(template: Template, kind: str) -> None:
    (text,) = defined(template)[kind]["responseTemplates"].values()
    assert set(re.findall(r"\$[\w.]*", text)) == {"$context.requestId"}


@pytest.mark.parametrize("kind", TURNED_AWAY)
def test_a_body_is_an_envelope_that_clients_of_version_1_can_read(
    template: Template, kind: str
) -> None:
    body = body_of(defined(template)[kind])
    assert body.get("status") not in {"success", "error", "parameter-error"}
    assert (body["time"], body["flags"]) == (0.0, {})
    assert body["data"] == {"code": body["data"]["code"], "message": body["detail"]}
    assert re.fullmatch(r"([A-Z][a-z]+)+", body["data"]["code"])


def test_what_is_too_large_is_told_where_to_go(template: Template) -> None:
    for kind in ("REQUEST_TOO_LARGE", "DEFAULT_4XX"):
        assert "POST /api/v2/uploads" in body_of(defined(template)[kind])["detail"]


def test_the_resources_for_emulators_say_the_same_as_the_definition(template: Template) -> None:
    apart = {
        name: one
        for name, one in template["Resources"].items()
        if one.get("Type") == "AWS::ApiGateway::GatewayResponse"
    }
    said = {}
    for name, one in apart.items():
        assert (one["Condition"], one["Properties"]["RestApiId"]) == (CONDITION, {"Ref": API})
        assert name < API  # ministack makes them in this order
        properties = {key[0].lower() + key[1:]: text for key, text in one["Properties"].items()}
        kind = properties.pop("responseType")
        said[kind] = {key: text for key, text in properties.items() if key != "restApiId"}
    assert said == defined(template)
    assert CONDITION in template["Conditions"]
    assert template["Parameters"]["AnswersApart"]["Default"] == "false"


@pytest.mark.slow
def test_the_package_has_them(package: Package, template: Template) -> None:
    assert defined(package.template) == defined(template)


def ask(
    installation: Installation, method: str, path: str, headers: dict[str, str]
) -> tuple[int, Any, str]:
    """Status, header fields and body of an answer at the API's URL."""
    request = urllib.request.Request(  # noqa: S310  # the emulator on loopback
        installation.deployed.api + path, headers=headers, method=method
    )
    with pytest.raises(urllib.error.HTTPError) as answer, urllib.request.urlopen(request):  # noqa: S310
        pass
    with answer.value as refused:
        return refused.code, refused.headers, refused.read().decode()


@pytest.mark.aws
@pytest.mark.slow
@pytest.mark.parametrize("authorization", ["", "Bearer secretkey", "Basic c2VjcmV0a2V5"])
@pytest.mark.parametrize("path", ["/", "/nothing", "/api/v1/send/message/now", "/api/v3/emails"])
def test_an_unknown_address_is_a_404_of_ours(
    installation: Installation, path: str, authorization: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    status, fields, text = ask(installation, "POST", path, headers)
    assert (status, fields["Content-Type"]) == (404, PROBLEM_TYPE), text
    body = json.loads(text)
    assert Problem.model_validate(body).code == "not_found"
    assert body["data"]["code"] == "NotFound"
    # The function answers, with the number of the request that it was told; the emulator's own field has another.
    assert uuid.UUID(body["request_id"])
    assert "secret" not in text


@pytest.mark.aws
@pytest.mark.slow
def test_below_version_2_the_function_answers(installation: Installation) -> None:
    key = {"Authorization": f"Bearer {installation.key}"}
    for path in ("/api/v2/nothing", "/api/v2/emails/1/nothing", "/api/v2/a/b/c/d"):
        status, fields, text = ask(installation, "GET", path, key)
        assert (status, fields["Content-Type"]) == (404, PROBLEM_TYPE), text
        assert json.loads(text)["instance"].endswith(path)
    for method, path, allowed in (
        ("DELETE", "/api/v2/emails", "GET, POST"),
        ("OPTIONS", "/api/v2/emails", "GET, POST"),
        ("HEAD", "/api/v2/emails/1/raw", "GET"),
        ("OPTIONS", "/api/v2/uploads", "POST"),
    ):
        status, fields, text = ask(installation, method, path, key)
        assert (status, fields["Allow"]) == (405, allowed), (method, path, text)

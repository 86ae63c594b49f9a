"""Asking an address that is not there, with a method that it lacks, or too much at once: a problem for all clients."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from tests.e2e.stack import DIRECT, RunningStack
from tests.patience import PATIENCE

PROBLEM_TYPE = "application/problem+json"


def refusal(
    stack: RunningStack,
    method: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, Any, bytes]:
    """Status, header fields and body of an error at the API's own address."""
    request = urllib.request.Request(  # noqa: S310  # our own stack
        stack.facts["api"] + path, data=body, method=method, headers=dict(headers or {})
    )
    with pytest.raises(urllib.error.HTTPError) as raised:
        DIRECT.open(request, timeout=PATIENCE)
    with raised.value as answer:
        return answer.code, answer.headers, answer.read()


def key(stack: RunningStack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.facts['server']['api_key']}"}


@pytest.mark.parametrize("path", ["/nothing", "/api/v3/emails", "/api/v1/send/message/now"])
def test_the_function_says_404_of_any_address(stack: RunningStack, path: str) -> None:
    status, headers, text = refusal(stack, "POST", path, key(stack), b"{}")
    assert status == 404
    body = json.loads(text)
    assert stack.facts["server"]["api_key"] not in text.decode()
    assert headers["Content-Type"] == PROBLEM_TYPE
    assert (body["status"], body["code"], body["title"]) == (404, "not_found", "Not found")
    assert body["type"] == "urn:posthorn:problem:not_found"
    assert body["instance"].endswith(str(UUID(body["request_id"])))
    assert (body["flags"], body["data"]["code"]) == ({}, "NotFound")
    assert body["data"]["message"] == body["detail"]


@pytest.mark.parametrize(
    "path", ["/api/v2/nothing", "/api/v2/emails/1/raw/more", "/api/v2/a/b/c/d/e"]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_below_version_2_the_function_says_404(stack: RunningStack, method: str, path: str) -> None:
    status, headers, text = refusal(stack, method, path, key(stack))
    assert (status, headers["Content-Type"]) == (404, PROBLEM_TYPE)
    body = json.loads(text)
    assert body["code"] == "not_found"
    assert body["instance"].endswith(path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/v2/emails", "GET, POST"),
        ("PUT", "/api/v2/emails/1/raw", "GET"),
        ("GET", "/api/v2/uploads", "POST"),
    ],
)
def test_another_method_is_a_405(stack: RunningStack, method: str, path: str, allowed: str) -> None:
    status, headers, text = refusal(stack, method, path, key(stack))
    assert (status, headers["Content-Type"], headers["Allow"]) == (405, PROBLEM_TYPE, allowed)
    assert json.loads(text)["code"] == "method_not_allowed"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_methods_that_no_route_has_reach_the_function_too(stack: RunningStack, method: str) -> None:
    status, headers, _ = refusal(stack, method, "/api/v2/emails", key(stack))
    assert (status, headers["Allow"]) == (405, "GET, POST")


def test_version_1_says_404_in_its_envelope(stack: RunningStack) -> None:
    for method, path in (("POST", "/api/v1/send/nothing"), ("DELETE", "/api/v1/send/message")):
        status, _, text = refusal(stack, method, path)
        assert status == 404
        assert json.loads(text)["data"] == {"code": "NotFound"}


@pytest.mark.targets("run", "runner")  # neither emulator has Lambda's limit of 6 MB
@pytest.mark.parametrize("path", ["/api/v2/emails", "/api/v1/send/message"])
def test_a_request_above_six_megabytes_is_told_about_uploads(
    stack: RunningStack, path: str
) -> None:
    body = json.dumps({"text": "x" * 7_000_000}).encode()
    headers = key(stack) | {"Content-Type": "application/json"}
    status, fields, text = refusal(stack, "POST", path, headers, body)
    assert (status, fields["Content-Type"]) == (413, PROBLEM_TYPE)
    said = json.loads(text)
    assert said["code"] == "content_too_large"
    assert "POST /api/v2/uploads" in said["detail"]
    assert said["data"] == {"code": "MessageTooLarge", "message": said["detail"]}

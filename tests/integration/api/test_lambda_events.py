"""The app as API Gateway calls it: real proxy events, binary bodies, and many requests at a time in one process."""

from __future__ import annotations

import base64
import json
import threading
from types import SimpleNamespace
from typing import Any

from functions.api import app
from tests.http_api import ApiWorld
from tests.patience import PATIENCE

CONTEXT = SimpleNamespace(aws_request_id="lambda-1", get_remaining_time_in_millis=lambda: 9_000)


def event(method: str, resource: str, body: str | None, is_base64: bool, **more: Any) -> Any:
    """A REST proxy event with the keys that matter."""
    return {
        "resource": resource,
        "path": more.pop("path", resource),
        "httpMethod": method,
        "headers": more.pop("headers"),
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": more.pop("query", None),
        "pathParameters": more.pop("path_parameters", None),
        "stageVariables": None,
        "requestContext": {
            "resourcePath": resource,
            "httpMethod": method,
            "path": f"/api{resource}",
            "requestId": "gateway-1",
            "identity": {"sourceIp": "203.0.113.5"},
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def test_a_v1_call_with_a_type_that_the_gateway_takes_for_binary(api: ApiWorld) -> None:
    body = base64.b64encode(b'{"id": 0}').decode()
    headers = {"X-Server-API-Key": api.scene.api_key, "Content-Type": "application/octet-stream"}
    answer = app(
        event(
            "POST",
            "/api/v1/messages/message",
            body,
            True,
            headers=headers,
            query={"params": ['{"id": "0"}']},
        ),
        CONTEXT,
    )
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["data"]["code"] == "MessageNotFound"


def test_a_v2_send_names_the_gateway_s_request_and_client(api: ApiWorld) -> None:
    body = json.dumps({"from": "app@acme.test", "to": "x@example.com", "text": "Hello"})
    headers = {"Authorization": f"Bearer {api.scene.api_key}", "Content-Type": "application/json"}
    answer = app(event("POST", "/api/v2/emails", body, False, headers=headers), CONTEXT)
    assert answer["statusCode"] == 202
    number = json.loads(answer["body"])["id"]
    assert b"(203.0.113.5 [203.0.113.5])" in api.content(number)
    shown = app(
        event(
            "GET",
            "/api/v2/emails/{id}",
            None,
            False,
            headers=headers,
            path=f"/api/v2/emails/{number}x",
            path_parameters={"id": f"{number}x"},
        ),
        CONTEXT,
    )
    assert shown["statusCode"] == 404
    assert json.loads(shown["body"])["request_id"] == "gateway-1"


def test_requests_at_the_same_time_are_not_mixed_up(api: ApiWorld) -> None:
    subjects = {}
    for number in range(8):
        value = {
            "from": "app@acme.test",
            "to": "x@example.com",
            "text": "Hello",
            "subject": f"subject {number}",
        }
        subjects[api.v2("POST", "/emails", value).json["id"]] = value["subject"]
    wrong: list[Any] = []
    together = threading.Barrier(len(subjects))

    def ask(number: int, subject: str) -> None:
        together.wait(PATIENCE)
        for _ in range(40):
            shown = api.v2("GET", f"/emails/{number}").json
            if (shown.get("id"), shown.get("subject")) != (number, subject):
                wrong.append(shown)

    threads = [threading.Thread(target=ask, args=item) for item in subjects.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []

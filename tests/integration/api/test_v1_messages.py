"""messages/message and messages/deliveries as contract sections 2.4 and 2.5 have them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from chalicelib.services.messages.history import MessageHistory
from tests import stores
from tests.http_api import ApiWorld

SENT = {
    "to": ["john@example.com"],
    "from": "App <app@acme.test>",
    "subject": "Hi",
    "plain_body": "Hello\n",
    "html_body": "<p>Hello</p>",
    "tag": "welcome",
    "attachments": [{"name": "a.txt", "content_type": "text/plain", "data": "SGVsbG8gd29ybGQh"}],
}


@pytest.fixture
def number(api: ApiWorld) -> int:
    data = api.v1("send/message", SENT)["data"]
    made: int = data["messages"]["john@example.com"]["id"]
    return made


def shown(api: ApiWorld, **parameters: Any) -> Any:
    return api.v1("messages/message", parameters)


def test_every_expansion(api: ApiWorld, number: int) -> None:
    data = shown(api, id=number, _expansions=True)["data"]
    assert set(data) == {
        "id",
        "token",
        "status",
        "details",
        "inspection",
        "plain_body",
        "html_body",
        "attachments",
        "headers",
        "raw_message",
        "activity_entries",
    }
    assert data["status"] == {
        "status": "Pending",
        "last_delivery_attempt": None,
        "held": False,
        "hold_expiry": None,
    }
    details = data["details"]
    assert details["size"] == str(len(api.content(number)))
    assert isinstance(details["timestamp"], float)
    assert {name: details[name] for name in details if name not in {"size", "timestamp"}} == {
        "rcpt_to": "john@example.com",
        "mail_from": "app@acme.test",
        "subject": "Hi",
        "message_id": details["message_id"],
        "direction": "outgoing",
        "bounce": False,
        "bounce_for_id": 0,
        "tag": "welcome",
        "received_with_ssl": True,
    }
    assert data["inspection"] == {
        "inspected": False,
        "spam": False,
        "spam_score": 0.0,
        "threat": False,
        "threat_details": None,
    }
    assert (data["plain_body"], data["html_body"]) == ("Hello\n", "<p>Hello</p>")
    assert data["attachments"] == [
        {
            "filename": "a.txt",
            "content_type": "text/plain",
            "data": "SGVsbG8gd29ybGQh\n",
            "size": 12,
            "hash": "d3486ae9136e7856bc42212385ea797094475802",
        }
    ]
    assert data["headers"]["from"] == ["App <app@acme.test>"]
    assert {"received", "date", "mime-version", "message-id", "subject", "to"} <= set(
        data["headers"]
    )
    assert base64.b64decode(data["raw_message"]) == api.content(number)
    *lines, last = data["raw_message"].split("\n")
    assert last == ""
    assert {len(line) for line in lines[:-1]} == {60}
    assert data["activity_entries"] == {"loads": [], "clicks": []}


@pytest.mark.parametrize(
    ("expansions", "keys"),
    [
        (None, set()),
        (False, set()),
        ("status", set()),
        ({"status": True}, set()),
        (["status", "nonsense", 5, "details"], {"status", "details"}),
        (["headers"], {"headers"}),
    ],
)
def test_expansions_asked_for(api: ApiWorld, number: int, expansions: Any, keys: set[str]) -> None:
    data = shown(api, id=number, _expansions=expansions)["data"]
    assert set(data) == {"id", "token"} | keys


def test_numeric_strings_are_ids_too(api: ApiWorld, number: int) -> None:
    assert shown(api, id=str(number))["data"]["id"] == number
    assert shown(api, id=float(number))["data"]["id"] == number


@pytest.mark.parametrize("action", ["messages/message", "messages/deliveries"])
@pytest.mark.parametrize("wrong", [0, 999, -1, 2**31, 2**70, "abc", "1x"])
def test_an_unknown_id_is_not_found(api: ApiWorld, number: int, action: str, wrong: Any) -> None:
    envelope = api.v1(action, {"id": wrong})
    assert envelope["status"] == "error"
    assert envelope["data"] == {
        "message": "No message found matching provided ID",
        "id": wrong,
        "code": "MessageNotFound",
    }


@pytest.mark.parametrize("action", ["messages/message", "messages/deliveries"])
@pytest.mark.parametrize("blank", [None, "", " ", [], {}])
def test_a_blank_id_is_missing(api: ApiWorld, action: str, blank: Any) -> None:
    envelope = api.v1(action, {"id": blank})
    assert envelope["status"] == "parameter-error"
    assert envelope["data"] == {"message": "`id` parameter is required but is missing"}


def test_an_object_is_no_filter(api: ApiWorld, number: int) -> None:
    token = shown(api, id=number)["data"]["token"]
    envelope = shown(api, id={"token": token})
    assert envelope["status"] == "parameter-error"


def test_a_purged_message(api: ApiWorld, number: int) -> None:
    history = api.scene.posthorn[MessageHistory]
    record = bootstrap.run(history.record(api.scene.server.id, number))
    stores.purge(api.scene.posthorn, record.message.blob)
    data = shown(api, id=number, _expansions=True)["data"]
    assert data["details"]["size"] is None
    assert (data["plain_body"], data["html_body"]) == (None, None)
    assert (data["attachments"], data["headers"]) == ([], {})
    assert data["raw_message"] == "DQoNCg==\n"


def test_deliveries_oldest_first(api: ApiWorld, number: int) -> None:
    assert api.v1("messages/deliveries", {"id": number})["data"] == []
    greylisted = TransactionResult(Reply(450, "4.2.0", "Greylisted"), "RCPT")
    api.scene.egress.will("john@example.com", greylisted)
    bootstrap.run(api.scene.deliver_ready())
    first, *more = api.v1("messages/deliveries", {"id": number})["data"]
    assert more == []
    bootstrap.run(api.scene.play(900))
    entries = api.v1("messages/deliveries", {"id": number})["data"]
    assert [entry["status"] for entry in entries] == ["SoftFail", "Sent"]
    assert entries[0] == first
    assert first["output"] == "450 4.2.0 Greylisted"
    for entry in entries:
        assert {name: type(value) for name, value in entry.items()} == {
            "id": int,
            "status": str,
            "details": str,
            "output": str,
            "sent_with_ssl": bool,
            "log_id": str,
            "time": float,
            "timestamp": float,
        }
    status = shown(api, id=number, _expansions=["status"])["data"]["status"]
    assert status["status"] == "Sent"
    assert isinstance(status["last_delivery_attempt"], float)


def test_what_a_message_does_not_have_is_null(api: ApiWorld) -> None:
    content = base64.b64encode(b"From: app@acme.test\r\n\r\nbare\r\n").decode()
    sent = {"rcpt_to": ["x@example.com"], "mail_from": "app@acme.test", "data": content}
    number = api.v1("send/raw", sent)["data"]["messages"]["x@example.com"]["id"]
    details = shown(api, id=number, _expansions=["details"])["data"]["details"]
    assert (details["subject"], details["message_id"], details["tag"]) == (None, None, None)

"""Where v1 is lenient and where it says no: odd types, odd reply addresses, what acceptance itself refuses."""

from __future__ import annotations

import base64
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.errors import FieldError, InvalidRequest
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.outgoing.submit import SubmitMail
from tests.http_api import ApiWorld, api_world

GOOD = {"to": ["john@example.com"], "from": "app@acme.test", "plain_body": "Hello"}


def built(api: ApiWorld, **parameters: Any) -> bytes:
    envelope = api.v1("send/message", GOOD | parameters)
    assert envelope["status"] == "success", envelope
    return api.content(next(iter(envelope["data"]["messages"].values()))["id"])


def complaint(api: ApiWorld, **parameters: Any) -> str:
    envelope = api.v1("send/message", GOOD | parameters)
    assert envelope["status"] == "parameter-error", envelope
    message: str = envelope["data"]["message"]
    return message


def test_numbers_are_texts(api: ApiWorld) -> None:
    content = built(api, subject=5, plain_body=12.5, tag=True)
    assert b"\r\nSubject: 5\r\n" in content
    assert b"\r\n12.5\r\n" in content


def test_header_values_that_are_no_texts_become_json(api: ApiWorld) -> None:
    content = built(api, headers={"X_List": ["a", 'b"'], "X-Map": {"k": None}, "X-Flag": True})
    for line in (b'X-List: ["a", "b\\""]\r\n', b'X-Map: {"k": null}\r\n', b"X-Flag: true\r\n"):
        assert line in content


def test_a_reply_to_that_is_no_address_is_kept_as_it_is(api: ApiWorld) -> None:
    headers = {"Reply-To": "other@acme.test"}
    content = built(api, reply_to="Help Desk: a@acme.test;", headers=headers)
    assert content.count(b"Reply-To: ") == 1
    assert b"\r\nReply-To: Help Desk: a@acme.test;\r\n" in content


def test_several_reply_addresses(api: ApiWorld) -> None:
    content = built(api, reply_to="a@acme.test, B <b@acme.test>")
    assert b"\r\nReply-To: a@acme.test, B <b@acme.test>\r\n" in content


@pytest.mark.parametrize(
    ("parameters", "start"),
    [
        ({"to": {"a": 1}}, "`to` parameter must be an array of strings"),
        ({"to": 5}, "`to` parameter must be an array of strings"),
        ({"cc": [5]}, "`cc` parameter must be an array of strings"),
        ({"to": ["Name <>"]}, "`to[0]` parameter is invalid: has no address"),
        ({"sender": "nobody"}, "`sender` parameter is invalid: is not an e-mail address"),
        (
            {"attachments": [{"name": "a", "data": {"a": 1}}]},
            "`attachments[0][data]` parameter must be a string",
        ),
        (
            {"attachments": [{"name": "a", "data": "eA=="}] * 501},
            "`attachments` parameter has more than 500 entries",
        ),
    ],
)
def test_what_cannot_be_used_is_named(
    api: ApiWorld, parameters: dict[str, Any], start: str
) -> None:
    assert complaint(api, **parameters) == start
    assert api.count() == 0


def attached(api: ApiWorld, data: str) -> bytes:
    content = built(
        api, attachments=[{"name": "a.txt", "content_type": "text/plain", "data": data}]
    )
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    (part,) = message.iter_attachments()
    found: bytes = part.get_payload(decode=True)
    return found


@pytest.mark.parametrize(
    "data",
    [
        "QUJD",
        "QU\r\nJD\n",
        " Q U\tJ D ",
        "data:text/plain;base64,QUJD",
        "DATA:text/plain;charset=utf-8;BASE64, QU\nJD",
        "data:;base64,QUJD",
    ],
)
def test_base64_may_have_lines_and_stand_in_a_data_url(api: ApiWorld, data: str) -> None:
    assert attached(api, data) == b"ABC"


@pytest.mark.parametrize(
    "data",
    [
        "QUJ-_w==",
        "QUJDR",
        "QUI",
        "QUI==",
        "QUJD=",
        "QUI=QUI=",
        "=QUJ",
        "QUJD!",
        "QUJD\u00e9",
        "data:text/plain,QUJD",
        "data:text/plain;base64;QUJD",
        "x,QUJD",
    ],
)
def test_what_is_no_base64_is_named_and_not_altered(api: ApiWorld, data: str) -> None:
    message = complaint(
        api, attachments=[{"name": "b", "data": "eA=="}, {"name": "a", "data": data}]
    )
    assert message == (
        "`attachments[1][data]` parameter is invalid: is not base64 (RFC 4648 section 4)"
    )
    assert api.count() == 0


@pytest.mark.parametrize("data", ["%%%", "----", "data:text/plain;base64,%%"])
def test_a_file_without_any_base64_has_no_data(api: ApiWorld, data: str) -> None:
    envelope = api.v1("send/message", GOOD | {"attachments": [{"name": "a", "data": data}]})
    assert envelope["data"]["code"] == "AttachmentMissingData"


def test_the_author_is_checked_before_the_attachments(api: ApiWorld) -> None:
    wrong = {"from": "app@other.test", "attachments": [{"name": "a", "data": "!A"}]}
    envelope = api.v1("send/message", GOOD | wrong)
    assert envelope["data"]["code"] == "UnauthenticatedFromAddress"


@pytest.mark.parametrize("value", ["x", {"a": 1}, 5, None, []])
def test_attachments_that_are_no_list_are_none(api: ApiWorld, value: Any) -> None:
    assert b"Content-Disposition" not in built(api, attachments=value)


@pytest.mark.parametrize("flag", [0, "", "false", False, None])
def test_flags_that_mean_no(api: ApiWorld, flag: Any) -> None:
    built(api, bounce=flag)
    (record,) = bootstrap.run(api.scene.posthorn[MessageHistory].page(api.scene.server.id)).values
    assert record.message.bounce is False


@pytest.mark.parametrize("wrong", [{"a": 1}, [1], True, 1.5])
def test_an_id_of_another_kind_is_a_parameter_error(api: ApiWorld, wrong: Any) -> None:
    envelope = api.v1("messages/message", {"id": wrong})
    assert envelope["status"] == "parameter-error"


def test_too_many_recipients_of_a_raw_message_are_refused() -> None:
    raw = base64.b64encode(b"From: app@acme.test\r\n\r\nx\r\n").decode()
    everybody = [f"user{number}@example.com" for number in range(11)]
    with api_world(Settings(max_recipients=10)) as api:
        envelope = api.v1(
            "send/raw", {"rcpt_to": everybody, "mail_from": "app@acme.test", "data": raw}
        )
        assert (envelope["status"], envelope["data"]["code"]) == ("error", "MessageRejected")
        assert "10" in envelope["data"]["message"]
        assert api.count() == 0


def test_named_fields_of_a_service_are_a_parameter_error(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refusing(*_: Any) -> None:
        raise InvalidRequest("wrong", (FieldError("/x", "wrong", "x is wrong"),))

    monkeypatch.setattr(api.scene.posthorn[SubmitMail], "submit", refusing)
    assert complaint(api) == "x is wrong"

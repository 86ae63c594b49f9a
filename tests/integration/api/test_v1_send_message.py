"""send/message as contract section 2.2 has it: parameters, the order of errors, the answer and the built message."""

from __future__ import annotations

import base64
import re
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.services.messages.history import MessageHistory
from tests.http_api import ApiWorld, api_world

GOOD = {"to": ["john@example.com"], "from": "app@acme.test", "plain_body": "Hello"}
NOT_AUTHORISED = "The From address is not authorised to send mail from this server"


def sent(api: ApiWorld, **parameters: Any) -> Any:
    envelope = api.v1("send/message", GOOD | parameters)
    assert envelope["status"] == "success", envelope
    return envelope["data"]


def refused(api: ApiWorld, **parameters: Any) -> tuple[str, Any]:
    envelope = api.v1("send/message", GOOD | parameters)
    assert api.count() == 0
    return envelope["status"], envelope["data"]


def test_the_answer_has_the_shape_of_the_contract(api: ApiWorld) -> None:
    envelope = api.v1(
        "send/message", GOOD | {"to": ["John@Example.com"], "bcc": "Mary <mary@example.com>"}
    )
    assert list(envelope) == ["status", "time", "flags", "data"]
    assert envelope["flags"] == {}
    assert re.fullmatch(r"[0-9a-f-]{36}@rp\.posthorn\.example\.com", envelope["data"]["message_id"])
    messages = envelope["data"]["messages"]
    assert list(messages) == ["John@Example.com", "mary@example.com"]
    assert [type(made["id"]) for made in messages.values()] == [int, int]
    assert all(re.fullmatch(r"[0-9A-Za-z]{16}", made["token"]) for made in messages.values())


def test_one_message_for_each_recipient_in_order_without_repetition(api: ApiWorld) -> None:
    data = sent(
        api,
        to=["a@example.com", "b@example.com"],
        cc=["c@example.com", "A <a@example.com>"],
        bcc=["d@example.com", "b@EXAMPLE.com"],
    )
    ids = {address: made["id"] for address, made in data["messages"].items()}
    assert list(ids) == [
        "a@example.com",
        "b@example.com",
        "c@example.com",
        "d@example.com",
        "b@EXAMPLE.com",
    ]
    assert ids["b@example.com"] == ids["b@EXAMPLE.com"]
    assert api.count() == 4


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        (
            {"to": [], "plain_body": None, "from": None},
            "NoRecipients",
            "There are no recipients defined to receive this message",
        ),
        ({"to": None, "cc": [""], "bcc": " , "}, "NoRecipients", None),
        (
            {"to": ["x@example.com"] * 51, "cc": ["x@example.com"] * 51},
            "TooManyToAddresses",
            "The maximum number of To addresses has been reached (maximum 50)",
        ),
        (
            {"cc": ["x@example.com"] * 51, "bcc": ["x@example.com"] * 51},
            "TooManyCCAddresses",
            "The maximum number of CC addresses has been reached (maximum 50)",
        ),
        (
            {"bcc": ",".join(["x@example.com"] * 51), "plain_body": ""},
            "TooManyBCCAddresses",
            "The maximum number of BCC addresses has been reached (maximum 50)",
        ),
        (
            {"plain_body": " \n", "html_body": None, "from": ""},
            "NoContent",
            "There is no content defined for this e-mail",
        ),
        ({"from": " "}, "FromAddressMissing", "The From address is missing and is required"),
        (
            {"from": "app@other.test", "attachments": [{"data": "eA=="}]},
            "UnauthenticatedFromAddress",
            NOT_AUTHORISED,
        ),
        ({"from": "nobody"}, "UnauthenticatedFromAddress", NOT_AUTHORISED),
        (
            {"attachments": [{"name": "a"}, {"data": "eA==", "name": ""}]},
            "AttachmentMissingName",
            "An attachment is missing a name",
        ),
        (
            {"attachments": [{"name": "a", "data": " "}]},
            "AttachmentMissingData",
            "An attachment is missing data",
        ),
    ],
)
def test_the_first_failing_check_is_reported(
    api: ApiWorld, parameters: dict[str, Any], code: str, message: str | None
) -> None:
    status, data = refused(api, **parameters)
    assert status == "error"
    assert data["code"] == code
    assert message is None or data == {"message": message, "code": code}


def test_fifty_addresses_of_each_kind_are_allowed(api: ApiWorld) -> None:
    lists = {
        kind: [f"{kind}{number}@example.com" for number in range(50)]
        for kind in ("to", "cc", "bcc")
    }
    assert len(sent(api, **lists)["messages"]) == 150


def test_a_bad_recipient_does_not_stop_the_others(api: ApiWorld) -> None:
    assert list(sent(api, to=["not-an-address", "john@example.com"])["messages"]) == [
        "not-an-address",
        "john@example.com",
    ]


def test_the_built_message(api: ApiWorld) -> None:
    data = sent(
        api,
        to=["John Doe <john@example.com>", '"Roe, Jane" <jane@example.com>'],
        cc="carl@example.com",
        bcc=["hidden@example.com"],
        subject="Grüße aus Köln",
        reply_to="Help Desk <help@acme.test>",
        sender="robot@acme.test",
        html_body="<p>Hello</p>",
        headers={"X_Custom": "1", "x-number": 5, "X-Flag": True, "X-None": None},
        attachments=[
            {"name": "a.txt", "content_type": 'text/plain; charset="utf-8"', "data": "SGVsbG8="},
            "ignored",
            {"name": "b.bin", "data": base64.b64encode(bytes(range(256))).decode()},
        ],
    )
    number = data["messages"]["john@example.com"]["id"]
    content = api.content(number)
    assert b"hidden@" not in content
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert list(message) == [
        "Received",
        "Date",
        "From",
        "Sender",
        "Reply-To",
        "To",
        "Cc",
        "Message-ID",
        "Subject",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "X-Custom",
        "x-number",
        "X-Flag",
        "X-None",
    ]
    assert message["received"].startswith(
        "from api (127.0.0.1 [127.0.0.1]) by posthorn.example.com with HTTP; "
    )
    assert message["received"].endswith(" +0000")
    assert message["message-id"] == f"<{data['message_id']}>"
    assert message["subject"] == "Grüße aus Köln"
    assert [(a.display_name, a.addr_spec) for a in message["to"].addresses] == [
        ("John Doe", "john@example.com"),
        ("Roe, Jane", "jane@example.com"),
    ]
    assert (message["x-custom"], message["x-number"], message["x-flag"]) == ("1", "5", "true")
    assert message.get_content_type() == "multipart/mixed"
    body, first, second = message.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in body.iter_parts()] == ["text/plain", "text/html"]
    assert [part.get_content_charset() for part in body.iter_parts()] == ["utf-8", "utf-8"]
    assert (first.get_filename(), first.get_content(), first.get_content_disposition()) == (
        "a.txt",
        "Hello",
        "attachment",
    )
    assert second.get_content_type() == "application/octet-stream"
    assert second.get_content() == bytes(range(256))


def test_custom_subject_sender_and_reply_to_stay_when_the_parameter_is_null(api: ApiWorld) -> None:
    headers = {
        "Subject": "From headers",
        "Sender": "robot@acme.test",
        "Reply-To": "Jürgen <x@acme.test>",
        "Message-ID": "<mine@acme.test>",
        "To": "someone@else.test",
        "Bcc": "b@example.com",
    }
    number = sent(api, headers=headers, subject=None)["messages"]["john@example.com"]["id"]
    content = api.content(number)
    message = BytesParser(policy=policy.default).parsebytes(content)
    assert message["subject"] == "From headers"
    assert message["sender"] == "robot@acme.test"
    assert message["reply-to"] == "Jürgen <x@acme.test>"
    assert message["to"] == "john@example.com"
    assert "mine@acme.test" not in message["message-id"]
    assert "bcc" not in message
    for name in message:
        assert len(message.get_all(name)) == 1, name


def test_parameters_win_over_custom_headers(api: ApiWorld) -> None:
    data = sent(
        api, subject="Mine", headers={"subject": "Theirs", "REPLY-TO": "a@b.c"}, reply_to="d@e.f"
    )
    message = BytesParser(policy=policy.default).parsebytes(
        api.content(data["messages"]["john@example.com"]["id"])
    )
    assert message.get_all("subject") == ["Mine"]
    assert message.get_all("reply-to") == ["d@e.f"]


def test_headers_that_are_no_object_are_ignored(api: ApiWorld) -> None:
    data = sent(api, headers=[{"key": "X-Test", "value": "1"}])
    assert b"X-Test" not in api.content(data["messages"]["john@example.com"]["id"])


def test_envelope_tag_and_flags_are_kept(api: ApiWorld) -> None:
    data = sent(
        api, **{"from": "App <App@Acme.test>", "tag": "welcome", "bounce": True, "unknown": 1}
    )
    record = bootstrap.run(
        api.scene.posthorn[MessageHistory].record(
            api.scene.server.id, data["messages"]["john@example.com"]["id"]
        )
    )
    message = record.message
    assert (message.mail_from, message.tag, message.bounce, message.received_with_ssl) == (
        "App@Acme.test",
        "welcome",
        True,
        True,
    )


def test_an_idn_recipient_is_sent_to_in_ascii_and_answered_as_typed(api: ApiWorld) -> None:
    data = sent(api, to=["jürgen@bücher.example", "a@bücher.example"])
    assert list(data["messages"]) == ["jürgen@bücher.example", "a@bücher.example"]
    records = [
        bootstrap.run(
            api.scene.posthorn[MessageHistory].record(api.scene.server.id, made["id"])
        ).message
        for made in data["messages"].values()
    ]
    assert [record.rcpt_to for record in records] == [
        "jürgen@xn--bcher-kva.example",
        "a@xn--bcher-kva.example",
    ]
    assert records[0].smtputf8


def test_a_message_beyond_the_largest_is_refused() -> None:
    huge = base64.b64encode(b"x" * 80_000).decode()
    with api_world(Settings(max_message_size=100_000)) as api:
        status, data = refused(api, attachments=[{"name": "a", "data": huge}])
        assert (status, data["code"]) == ("error", "MessageTooLarge")


@pytest.mark.parametrize("value", [["a"], {"a": 1}])
@pytest.mark.parametrize("name", ["from", "subject", "plain_body", "tag", "sender"])
def test_a_parameter_of_another_kind_is_named(api: ApiWorld, name: str, value: Any) -> None:
    status, data = refused(api, **{name: value})
    assert (status, data) == (
        "parameter-error",
        {"message": f"`{name}` parameter must be a string"},
    )

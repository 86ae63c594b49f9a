"""No text given to the API breaks out of its header, its envelope line or its MIME part; each such text is named."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.services.messages.history import MessageHistory
from tests.http_api import ApiWorld, api_world

BREAKING = [
    "x\r\nBcc: victim@example.com",
    "x\nBcc: victim@example.com",
    "x\rBcc: victim@example.com",
    "x\x00y",
    "x\u2028y",
    "x\x0by",
    "\r\n\r\n<script>",
    "x\r\n",
]
V1 = {"to": ["john@example.com"], "from": "app@acme.test", "plain_body": "Hello"}
V2 = {"to": ["john@example.com"], "from": "app@acme.test", "text": "Hello"}


@pytest.fixture
def api() -> Iterator[ApiWorld]:
    with api_world() as world:
        yield world


def v1_cases(bad: str) -> dict[str, dict[str, Any]]:
    file = {"name": "a.txt", "content_type": "text/plain", "data": "eA=="}
    return {
        "from": {"from": f"App {bad} <app@acme.test>"},
        "to[0]": {"to": [f"{bad} <john@example.com>"]},
        "to[1]": {"to": ["john@example.com", f"john@example.com{bad}"]},
        "cc[0]": {"cc": [f"c@example.com{bad}"]},
        "bcc[0]": {"bcc": [f"b@example.com{bad}"]},
        "cc": {"cc": f"c@example.com, {bad}"},
        "subject": {"subject": bad},
        "reply_to": {"reply_to": f"{bad}@example.com"},
        "sender": {"sender": f"{bad}@acme.test"},
        "tag": {"tag": bad},
        "headers[X-Value]": {"headers": {"X-Value": bad}},
        "headers[": {"headers": {f"X-{bad}": "1"}},
        "attachments[0][name]": {"attachments": [file | {"name": bad}]},
        "attachments[0][content_type]": {"attachments": [file | {"content_type": bad}]},
    }


@pytest.mark.parametrize("bad", BREAKING)
@pytest.mark.parametrize("field", v1_cases(""))
def test_v1_names_the_parameter_and_stores_nothing(api: ApiWorld, field: str, bad: str) -> None:
    envelope = api.v1("send/message", V1 | v1_cases(bad)[field])
    assert envelope["status"] == "parameter-error", envelope
    assert envelope["data"]["message"].startswith(f"`{field}")
    assert api.count() == 0


@pytest.mark.parametrize("bad", BREAKING)
@pytest.mark.parametrize("field", ["rcpt_to", "mail_from"])
def test_v1_raw_envelopes(api: ApiWorld, field: str, bad: str) -> None:
    raw = base64.b64encode(b"From: app@acme.test\r\n\r\nx\r\n").decode()
    good = {"rcpt_to": ["x@example.com"], "mail_from": "app@acme.test", "data": raw}
    value: Any = f"x@example.com{bad}"
    envelope = api.v1("send/raw", good | {field: [value] if field == "rcpt_to" else value})
    assert envelope["status"] == "parameter-error"
    assert envelope["data"]["message"].startswith(f"`{field}")
    assert api.count() == 0


def v2_cases(bad: str) -> dict[str, dict[str, Any]]:
    file = {"filename": "a.txt", "content": "eA=="}
    return {
        "/from": {"from": f"App {bad} <app@acme.test>"},
        "/to/0": {"to": [f"john@example.com{bad}"]},
        "/cc/0": {"cc": [f"{bad} <c@example.com>"]},
        "/bcc/0": {"bcc": f"b@example.com{bad}"},
        "/subject": {"subject": bad},
        "/reply_to/0": {"reply_to": f"{bad}@example.com"},
        "/sender": {"sender": f"{bad}@acme.test"},
        "/tag": {"tag": bad},
        "/tags/0/value": {"tags": [{"name": "a", "value": bad}]},
        "/headers/X-Value": {"headers": {"X-Value": bad}},
        "/attachments/0/filename": {"attachments": [file | {"filename": bad}]},
        "/attachments/0/content_type": {"attachments": [file | {"content_type": bad}]},
        "/attachments/0/content_id": {"html": "x", "attachments": [file | {"content_id": bad}]},
        "/attachments/0/upload": {"attachments": [{"filename": "a", "upload": bad}]},
    }


@pytest.mark.parametrize("bad", BREAKING)
@pytest.mark.parametrize("pointer", v2_cases(""))
def test_v2_names_the_field_and_stores_nothing(api: ApiWorld, pointer: str, bad: str) -> None:
    reply = api.v2("POST", "/emails", V2 | v2_cases(bad)[pointer])
    assert reply.status == 422, reply
    assert pointer in [error["pointer"] for error in reply.json["errors"]]
    assert api.count() == 0


OURS = [
    "From",
    "from",
    "FROM",
    "MIME-Version",
    "Content-Type",
    "content-transfer-encoding",
    "Received",
]


@pytest.mark.parametrize("name", OURS)
def test_a_second_from_or_mime_field_is_refused(api: ApiWorld, name: str) -> None:
    envelope = api.v1("send/message", V1 | {"headers": {name: "evil@victim.test"}})
    assert envelope["status"] == "parameter-error"
    assert f"headers[{name}]" in envelope["data"]["message"]
    reply = api.v2("POST", "/emails", V2 | {"headers": {name: "evil@victim.test"}})
    assert [error["pointer"] for error in reply.json["errors"]] == [f"/headers/{name}"]
    assert api.count() == 0


def test_underscores_do_not_smuggle_a_field_past_the_check(api: ApiWorld) -> None:
    for name in ("Content_Type", "MIME_Version", "content_Transfer-encoding"):
        assert api.v1("send/message", V1 | {"headers": {name: "x"}})["status"] == "parameter-error"


LONG = [
    {"subject": "x" * 8_193},
    {"headers": {"X-A": "x" * 8_193}},
    {"headers": {"X-A": "x" * 901}},
    {"headers": {"X" * 77: "1"}},
    {"headers": {f"X-{n}": "1" for n in range(201)}},
    {"to": ["x" * 601 + "@example.com"]},
    {"to": ["x" * 250 + "@example.com"]},
    {"from": "x" * 601 + " <app@acme.test>"},
    {"attachments": [{"name": "x" * 256, "data": "eA=="}]},
    {"attachments": [{"name": "x", "data": "eA==", "content_type": "text/" + "x" * 300}]},
    {"tag": "x" * 256},
]


@pytest.mark.parametrize("change", LONG, ids=lambda change: next(iter(change)))
def test_values_that_are_too_long(api: ApiWorld, change: dict[str, Any]) -> None:
    envelope = api.v1("send/message", V1 | change)
    assert envelope["status"] == "parameter-error", envelope
    assert f"`{next(iter(change))}" in envelope["data"]["message"]
    assert api.count() == 0


SPOOFS = [
    "evil@victim.test, <app@acme.test>",
    "evil@victim.test> <app@acme.test>",
    '"evil@victim.test" <app@acme.test>',
    "=?utf-8?q?evil=40victim.test=2C?= <app@acme.test>",
    "evil@victim.test; x <app@acme.test>",
    "undisclosed: evil@victim.test <app@acme.test>",
    "(evil@victim.test) <app@acme.test>",
    "app@acme.test (evil@victim.test)",
    "<evil@victim.test> <app@acme.test>",
    "Ü evil@victim.test, <app@acme.test>",
    "=?utf-8?q?=0D=0AX-Injected:_1?= <app@acme.test>",
    '"=?utf-8?b?DQpYLUluamVjdGVkOiAx?=" <app@acme.test>',
    "App =?utf-8?q?=0D=0AX-Injected: 1 <app@acme.test>",
    "=?utf-7?q?+AA0ACg-X-Injected:_1?= <app@acme.test>",
]


@pytest.mark.parametrize("author", SPOOFS)
def test_the_author_of_an_accepted_message_is_one_authorised_address(
    api: ApiWorld, author: str
) -> None:
    envelope = api.v1("send/message", V1 | {"from": author})
    assert envelope["status"] == "success", envelope
    number = envelope["data"]["messages"]["john@example.com"]["id"]
    message: Any = BytesParser(policy=policy.default).parsebytes(api.content(number))
    (address,) = message["from"].addresses
    assert address.addr_spec == "app@acme.test"
    history = api.scene.posthorn[MessageHistory]
    assert (
        bootstrap.run(history.record(api.scene.server.id, number)).message.mail_from
        == "app@acme.test"
    )


@pytest.mark.parametrize(
    "word",
    [
        "=?utf-8?q?=0D=0AX-Injected:_1?=",
        "=?us-ascii?B?DQpYOiAx?=",
        "=?utf-8?q?=00=1b?=",
        "=?utf-8?q?a=1Bb?=",
        "=?utf-8?q?a=C2=85b?=",
        "=?UTF-8?B?4oCo?=",
        "=?utf-8?q?=E2=80=A9?=",
        "=?utf-8?q?a=C2?= =?utf-8?q?=85b?=",
        "=?gb18030?q?=810=815?=",
        "=?gb18030?q?=816=A65?=",
        "=?gb18030?q?=816=A66?=",
        "=?iso-8859-1?q?a=85b?=",
        "=?iso-8859-15?q?a=9Bb?=",
        "=?koi8-r?q?a=0E=0Fb?=",
    ],
)
def test_an_encoded_line_break_is_shown_and_not_decoded(api: ApiWorld, word: str) -> None:
    described = {
        "subject": word,
        "headers": {"X-Own": word, "Resent-To": f"{word} <x@example.com>"},
    }
    first = api.v1("send/message", V1 | described | {"to": [f"{word} <john@example.com>"]})
    second = api.v2("POST", "/emails", V2 | described | {"to": [f"{word} <john@example.com>"]})
    for number in (first["data"]["messages"]["john@example.com"]["id"], second.json["id"]):
        message: Any = BytesParser(policy=policy.default).parsebytes(api.content(number))
        assert (message["subject"], message["x-own"]) == (word, word)
        for name in ("to", "resent-to"):
            assert [each.display_name for each in message[name].addresses] == [word]


@pytest.mark.parametrize(
    "word",
    [
        "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=",
        "=?utf-8?q?=C3?= =?UTF-8?b?qQ==?=",
        "=?windows-1252?q?=93a=94=85?=",
        "=?gb18030?b?xOO6ww==?=",
    ],
)
def test_prepared_encoded_words_are_kept(api: ApiWorld, word: str) -> None:
    described = {"subject": word, "from": f"{word} <app@acme.test>"}
    number = api.v2("POST", "/emails", V2 | described).json["id"]
    content = api.content(number)
    assert f"\r\nSubject: {word}\r\n".encode() in content
    assert f"\r\nFrom: {word} <app@acme.test>\r\n".encode() in content


UNAUTHORISED = [
    "app@acme.test, evil@victim.test",
    "<app@acme.test>, <evil@victim.test>",
    "<evil,app@acme.test>",
    "app@acme.test@victim.test",
    "app@victim.test@acme.test",
    "app@sub.acme.test",
    "app@acme.test.victim.test",
    "app@acme.tést",
    "app@аcme.test",  # noqa: RUF001  # the first letter is Cyrillic
    "app@[127.0.0.1]",
    '"app@acme.test"@victim.test',
]


@pytest.mark.parametrize("author", UNAUTHORISED)
def test_other_authors_are_not_authorised(api: ApiWorld, author: str) -> None:
    envelope = api.v1("send/message", V1 | {"from": author})
    assert (envelope["status"], envelope["data"]["code"]) == ("error", "UnauthenticatedFromAddress")
    assert api.v2("POST", "/emails", V2 | {"from": author}).status in (403, 422)
    assert api.count() == 0


def test_a_boundary_in_the_text_ends_no_part(api: ApiWorld) -> None:
    text = "--=_\r\nContent-Type: text/html\r\n\r\n<script>\r\n--=_--\r\n"
    number = api.v1("send/message", V1 | {"plain_body": text})["data"]["messages"][
        "john@example.com"
    ]["id"]
    message: Any = BytesParser(policy=policy.default).parsebytes(api.content(number))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
    ]

"""The same address through every door: all take it and send it to the same place, or none does."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import pytest

from chalicelib import bootstrap
from chalicelib.domain.model import Message, Status
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tenancy.domains import Domains
from tests.gateway_scene import running_gateway
from tests.http_api import ApiWorld, api_world

RAW = b"From: app@acme.test\r\nSubject: Hello\r\n\r\nHello\r\n"
V1 = {"from": "app@acme.test", "plain_body": "Hello"}
V2 = {"from": "app@acme.test", "text": "Hello"}

# A door takes recipients and says which of them it would send to, as the envelope has them.
Door = Callable[[list[str]], list[str]]


def stored(api: ApiWorld) -> list[str]:
    """The recipients of all messages, oldest first, that a server would be asked for."""
    page = bootstrap.run(api.scene.posthorn[MessageHistory].page(api.scene.server.id, limit=100))
    return [record.message.rcpt_to for record in reversed(page.values)]


def by_v1(field: str) -> Door:
    def door(recipients: list[str]) -> list[str]:
        with api_world() as api:
            assert api.v1("send/message", V1 | {field: recipients})["status"] == "success"
            return stored(api)

    return door


def by_v1_raw(recipients: list[str]) -> list[str]:
    data = base64.b64encode(RAW).decode()
    with api_world() as api:
        order = {"mail_from": "app@acme.test", "rcpt_to": recipients, "data": data}
        assert api.v1("send/raw", order)["status"] == "success"
        return stored(api)


def by_v2(field: str, **more: str) -> Door:
    def door(recipients: list[str]) -> list[str]:
        with api_world() as api:
            reply = api.v2("POST", "/emails", V2 | more | {field: recipients})
            assert reply.status in (202, 422)
            if reply.status == 422:
                assert [error["pointer"] for error in reply.json["errors"]] == [f"/{field}/0"]
            return stored(api)

    return door


def by_v2_raw(recipients: list[str]) -> list[str]:
    raw = base64.b64encode(RAW).decode()
    with api_world() as api:
        order = {"from": "app@acme.test", "to": recipients, "raw": raw}
        assert api.v2("POST", "/emails", order).status in (202, 422)
        return stored(api)


def by_batch(recipients: list[str]) -> list[str]:
    with api_world() as api:
        reply = api.v2("POST", "/emails/batch", [V2 | {"to": recipients}])
        assert reply.json["data"][0]["status"] in (202, 422)
        return stored(api)


def by_smtp(form: str) -> Door:
    async def transaction(recipients: list[str]) -> list[Message]:
        async with running_gateway() as gateway:
            client = await gateway.logged_in()
            assert (await client.say("MAIL FROM:<app@acme.test> SMTPUTF8")).code == 250
            for recipient in recipients:
                said = await client.say(f"RCPT TO:{form.format(recipient)}")
                assert said.code in (250, 501, 553, 555)
            await client.data()
            return gateway.messages()

    def door(recipients: list[str]) -> list[str]:
        return [message.rcpt_to for message in asyncio.run(transaction(recipients))]

    return door


DOORS: dict[str, Door] = {
    "v1 to": by_v1("to"),
    "v1 bcc": by_v1("bcc"),
    "v1 raw": by_v1_raw,
    "v2 to": by_v2("to"),
    "v2 cc": by_v2("cc"),
    "v2 raw": by_v2_raw,
    "batch": by_batch,
    "SMTP": by_smtp("<{}>"),
    "SMTP without brackets": by_smtp("{}"),
}
through_every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@through_every_door
def test_addresses_that_people_have_are_sent_to_as_they_are(door: Door) -> None:
    addresses = [
        "try..this..0511@docomo.ne.jp",
        ".first@example.com",
        "last.@example.com",
        "john@abc_d.example.com",
        "a%b@example.com",
        '"a@b"@example.com',
        "jürgen@example.com",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc@example.com",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3@example.com",
    ]
    assert door(addresses) == addresses
    odd = ["a@[ipv6:::1]", "\u2764\ufe0f@example.com", "\u00b4@example.com"]
    assert door(odd) == odd


@through_every_door
def test_a_name_beyond_ascii_leads_where_a_browser_goes(door: Door) -> None:
    typed = ["hans@straße.test", "a@βόλος.test", "b@😀.ws", "c@bücher。example"]
    assert door(typed) == [
        "hans@xn--strae-oqa.test",
        "a@xn--nxasmm1c.test",
        "b@xn--e28h.ws",
        "c@xn--bcher-kva.example",
    ]


@through_every_door
def test_one_mailbox_in_every_spelling_of_its_domain_is_one_recipient(door: Door) -> None:
    spellings = ["a@Example.com", "a@EXAMPLE.COM", "A@example.com"]
    assert door(spellings) == ["a@Example.com", "A@example.com"]
    spellings = ["a@bücher.example", "a@BÜCHER.example", "a@XN--Bcher-KVA.example"]
    assert door(spellings) == ["a@xn--bcher-kva.example"]


TWO_READINGS = [
    "user@good-corp.test(x)evil.test",
    "user@good-corp(x).test",
    '"foo@psres.test> ORCPT=admin@admin.test"@example.com',
    "a@b.test@c.test",
    "a@b.test,c@d.test",
    "a@b.test <c@d.test>",
    "A@b.test <a@b.test>",
    '"x" <a@b.test> <c@d.test>',
    "<a@b.test> c@d.test",
    "<@x.test:a@b.test>",
    '"a<b"@c.test',
    "a\u202eb@c.test",
    "a@xn--a.test",
    "a\uff20b.test@c.test",
]


@pytest.mark.parametrize("text", TWO_READINGS)
def test_what_has_two_readings_is_refused(text: str) -> None:
    for name in ("v2 to", "v2 raw", "batch", "SMTP", "SMTP without brackets"):
        assert DOORS[name]([text]) == [], name


def test_an_address_as_its_own_name_is_one_address() -> None:
    for name in ("v1 to", "v1 raw", "v2 to", "v2 raw", "batch"):
        assert DOORS[name](["a@B.test <a@b.test>"]) == ["a@b.test"], name
        typed = "c@münchen.test <c@xn--mnchen-3ya.test>"
        assert DOORS[name]([typed]) == ["c@xn--mnchen-3ya.test"], name
        assert DOORS[name](["<<a@b.test>>"]) == ["a@b.test"], name
        assert DOORS[name]([' "c@d.test" <a@b.test> (e@f.test)']) == ["a@b.test"], name


# Version 1 refuses the parameter for a sign that turns the direction, as it does for a control character.
TAKEN_BY_V1 = [text for text in TWO_READINGS if "\u202e" not in text]


@pytest.mark.parametrize("text", [*TAKEN_BY_V1, "not-an-address", "a b@c.test"])
def test_in_v1_it_is_accepted_and_fails_before_anybody_is_asked(text: str) -> None:
    raw = {"mail_from": "app@acme.test", "data": base64.b64encode(RAW).decode()}
    for action, order, field in (("message", V1, "to"), ("raw", raw, "rcpt_to")):
        with api_world() as api:
            wanted = order | {field: [text, "john@example.com"]}
            answer = api.v1(f"send/{action}", wanted)
            assert answer["status"] == "success"
            assert list(answer["data"]["messages"])[1] == "john@example.com"
            bootstrap.run(api.scene.deliver_ready())
            sent = [mail.envelope.rcpt_to for mail in api.scene.egress.received]
            assert sent == ["john@example.com"]
            failed = next(iter(answer["data"]["messages"].values()))
            record = bootstrap.run(
                api.scene.posthorn[MessageHistory].record(api.scene.server.id, failed["id"])
            )
            assert record.status is Status.HARD_FAIL
            assert record.deliveries[-1].details == "The recipient's address is malformed."


@pytest.mark.parametrize(
    "text",
    [
        "a\tb@c.test",
        "a\x1bb@c.test",
        "a\u2028b@c.test",
        "a\u202eb@c.test",
        "a\u061cb@c.test",
        "A <a\u2066b@c.test>",
        "a\u200f@b.test <c@d.test>",
        "é" * 128 + "@c.test",
    ],
)
def test_in_v1_what_would_break_out_of_its_line_is_refused_by_name(text: str) -> None:
    raw = {"mail_from": "app@acme.test", "data": base64.b64encode(RAW).decode()}
    orders = [("message", V1, field) for field in ("to", "cc", "bcc")] + [("raw", raw, "rcpt_to")]
    with api_world() as api:
        for action, order, field in orders:
            answer = api.v1(f"send/{action}", order | {field: ["john@example.com", text]})
            assert answer["status"] == "parameter-error"
            assert answer["data"]["message"].startswith(f"`{field}[1]` parameter is invalid: ")
        order = raw | {"mail_from": text, "rcpt_to": ["john@example.com"]}
        answer = api.v1("send/raw", order)
        assert answer["status"] == "parameter-error"
        assert answer["data"]["message"].startswith("`mail_from` parameter is invalid: ")
        assert api.count() == 0


@pytest.mark.parametrize("field", ["from", "sender"])
@pytest.mark.parametrize(
    "author",
    [
        "app@acme.test(x)evil.example",
        "app@acme(x).test",
        "app@acme(x)evil.test",
        "App <app@acme.test(x)evil.example>",
        "app@acme.test@evil.example",
        "<@evil.example:app@acme.test>",
    ],
)
def test_no_author_is_put_together_from_pieces(field: str, author: str) -> None:
    with api_world() as api:
        mail = {"to": ["john@example.com"], field: author}
        assert api.v1("send/message", V1 | mail)["status"] in ("error", "parameter-error")
        reply = api.v2("POST", "/emails", V2 | mail)
        assert [error["pointer"] for error in reply.json["errors"]] == [f"/{field}"]
        assert api.count() == 0


@pytest.mark.parametrize(
    "author",
    [
        "app@acme.test(x)evil.example",
        "app@acme(x).test",
        "App <app@acme.test(x)evil.example>",
        "app@acme.test(evil.example",
    ],
)
def test_no_author_of_a_header_is_put_together_from_pieces(author: str) -> None:
    async def submit(content: bytes) -> int:
        async with running_gateway() as gateway:
            await gateway.scene.change_server(allow_sender=True)
            client = await gateway.logged_in()
            return (await client.submit(content)).code

    alone = f"From: {author}\r\n\r\nHello\r\n".encode()
    as_sender = f"From: a@other.test\r\nSender: {author}\r\n\r\nHello\r\n".encode()
    good_sender = b"From: a@other.test\r\nSender: app(comment)@acme.test\r\n\r\nHello\r\n"
    assert [asyncio.run(submit(content)) for content in (alone, as_sender)] == [530, 530]
    assert asyncio.run(submit(good_sender)) == 250


def test_a_bare_sender_is_taken_with_its_parameters() -> None:
    async def transaction() -> list[Message]:
        async with running_gateway() as gateway:
            client = await gateway.logged_in()
            assert (await client.say("MAIL FROM:app@acme.test SIZE=60 BODY=8BITMIME")).code == 250
            assert (await client.say("RCPT TO:a@b.test NOTIFY=NEVER")).code == 250
            assert (await client.data()).code == 250
            return gateway.messages()

    (message,) = asyncio.run(transaction())
    assert (message.mail_from, message.rcpt_to) == ("app@acme.test", "a@b.test")
    assert message.dsn is not None
    assert message.dsn.notify == "NEVER"


def test_an_author_of_a_domain_beyond_ascii_is_authorised_in_every_spelling() -> None:
    async def submit(author: str) -> int:
        async with running_gateway() as gateway:
            domains, server = gateway.scene.posthorn[Domains], gateway.scene.server
            await domains.trust(await domains.add(server, "straße.example"))
            client = await gateway.logged_in()
            await client.say(f"MAIL FROM:<{author}> SMTPUTF8")
            await client.say("RCPT TO:<john@example.com>")
            return (await client.data(f"From: {author}\r\n\r\nHello\r\n".encode())).code

    for author in ("app@straße.example", "app@STRAßE.example", "app@XN--Strae-OQA.example"):
        assert asyncio.run(submit(author)) == 250, author
        with api_world() as api:
            domains = api.scene.posthorn[Domains]
            made = bootstrap.run(domains.add(api.scene.server, "straße.example"))
            bootstrap.run(domains.trust(made))
            mail = {"from": author, "to": ["john@example.com"]}
            assert api.v1("send/message", V1 | mail)["status"] == "success"
            assert api.v2("POST", "/emails", V2 | mail).status == 202
    assert asyncio.run(submit("app@strasse.example")) == 530

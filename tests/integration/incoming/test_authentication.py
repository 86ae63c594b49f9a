"""Who vouches for an incoming message is found once, and stands in front of it (api.md 2.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.inspection import Authentication, DkimSignature, Dmarc, Spf
from chalicelib.services.incoming import authenticate
from chalicelib.services.incoming.authenticate import Authenticate, sent_from
from tests.dkim_keys import RECORDS, signed
from tests.incoming_play import RECEIVED, arrives, carried, smtp_route
from tests.worlds import Scene, make_scene

Zone = Mapping[str, Mapping[str, Sequence[Any]]]
MESSAGE = b"From: Joe <joe@example.com>\r\nSubject: Hello\r\n\r\nHi\r\n"
CLIENT = "192.0.2.1"
SPF = "v=spf1 ip4:192.0.2.0/24 -all"
PUBLISHED: Zone = {
    "example.com": {"TXT": [SPF], "MX": [(10, "mx.example.com")]},
    "_dmarc.example.com": {"TXT": ["v=DMARC1; p=reject"]},
    **{name: {"TXT": [text]} for name, text in RECORDS.items()},
}


async def scene_with(zone: Zone = PUBLISHED) -> Scene:
    scene = await make_scene()
    known = scene.posthorn[ScriptedResolver].zone
    known.update({name: {**known.get(name, {}), **records} for name, records in zone.items()})
    known["in.customer.example"] = {"A": ["93.184.216.34"]}
    return scene


async def found(
    scene: Scene, content: bytes, mail_from: str = "joe@example.com", client: str = CLIENT
) -> Authentication:
    step = scene.posthorn[Authenticate]
    stored = RECEIVED + content
    return await step.found(stored, len(RECEIVED), client, mail_from, "helo.example.com")


async def test_what_is_found_stands_in_front_and_with_the_message() -> None:
    scene = await scene_with()
    content = b"".join(signed(MESSAGE)) + MESSAGE
    message = await arrives(
        scene, await smtp_route(scene), mail_from="joe@example.com", content=content
    )
    await carried(scene, message)
    inspection = (await scene.record(message)).inspection
    assert inspection is not None
    assert inspection.authentication == Authentication(
        Spf("pass", "example.com", CLIENT),
        (DkimSignature("pass", "example.com", "r1"), DkimSignature("pass", "example.com", "e1")),
        Dmarc("pass", "example.com", "reject", ("spf", "dkim")),
        "none",
    )
    (got,) = scene.egress.received
    assert (
        b"Authentication-Results: posthorn.example.com;\r\n"
        b"\tspf=pass\r\n\tsmtp.mailfrom=example.com;\r\n"
        b"\tdkim=pass\r\n\theader.d=example.com\r\n\theader.s=r1;\r\n"
        b"\tdkim=pass\r\n\theader.d=example.com\r\n\theader.s=e1;\r\n"
        b"\tdmarc=pass\r\n\theader.from=example.com\r\n\tpolicy.dmarc=reject;\r\n"
        b"\tarc=none\r\n" + RECEIVED + content
    ) in got.content


async def test_a_forgery_fails() -> None:
    scene = await scene_with()
    content = signed(MESSAGE)[0] + MESSAGE.replace(b"Hi", b"Pay")
    result = await found(scene, content, client="198.51.100.1")
    assert (result.spf.result, result.dkim[0].result) == ("fail", "fail")
    assert (result.dmarc.domain, result.dmarc.policy) == ("example.com", "reject")


async def test_a_null_sender_is_looked_at_by_its_name() -> None:
    scene = await scene_with({**PUBLISHED, "helo.example.com": {"TXT": [SPF]}})
    result = await found(scene, MESSAGE, mail_from="")
    assert result.spf == Spf("pass", "helo.example.com", CLIENT)
    assert result.dmarc.aligned == ("spf",)


async def test_several_authors_are_a_permanent_error() -> None:
    scene = await scene_with()
    result = await found(scene, b"From: eve@other.example\r\n" + MESSAGE)
    assert result.dmarc == Dmarc("permerror")


async def test_dns_that_does_not_tell_is_temporary() -> None:
    scene = await scene_with()
    resolver = scene.posthorn[ScriptedResolver]
    for name in ("example.com", "_dmarc.example.com", *RECORDS):
        resolver.fail(name)
    result = await found(scene, b"".join(signed(MESSAGE)) + MESSAGE)
    assert result.spf.result == "temperror"
    assert [one.result for one in result.dkim] == ["temperror"] * 2
    assert result.dmarc == Dmarc("temperror", "example.com")


async def test_dns_that_is_silent_costs_bounded_time(monkeypatch: Any) -> None:
    scene = await scene_with()
    monkeypatch.setattr(authenticate, "SECONDS", 0.1)
    monkeypatch.setattr(authenticate, "DMARC_SECONDS", 0.1)

    async def silent(name: str) -> tuple[str, ...]:
        await asyncio.sleep(60)
        return ()

    monkeypatch.setattr(scene.posthorn[ScriptedResolver], "txt", silent)
    async with asyncio.timeout(5):
        result = await found(scene, b"".join(signed(MESSAGE)) + MESSAGE)
    assert result == Authentication(
        Spf("temperror", "example.com", CLIENT),
        (DkimSignature("temperror", "", ""),),
        Dmarc("temperror", "example.com"),
        "none",
    )


async def test_a_signature_of_a_domain_that_is_silent_takes_no_time_from_the_author_s(
    monkeypatch: Any,
) -> None:
    scene = await scene_with()
    monkeypatch.setattr(authenticate, "SECONDS", 0.1)
    txt = scene.posthorn[ScriptedResolver].txt

    async def partly_silent(name: str) -> tuple[str, ...]:
        if name.endswith("tarpit.test"):
            await asyncio.sleep(60)
        return await txt(name)

    monkeypatch.setattr(scene.posthorn[ScriptedResolver], "txt", partly_silent)
    field = b"DKIM-Signature: v=1; a=rsa-sha256; d=tarpit.test; s=s; h=from; bh=QQ==; b=QQ==\r\n"
    result = await found(scene, field + MESSAGE, mail_from="eve@evil.test")
    assert [one.result for one in result.dkim] == ["temperror"]
    assert (result.dmarc.domain, result.dmarc.policy) == ("example.com", "reject")


async def test_a_message_is_looked_at_as_it_was_sent() -> None:
    assert sent_from(RECEIVED + MESSAGE) == len(RECEIVED)
    assert sent_from(MESSAGE) == sent_from(b"") == 0

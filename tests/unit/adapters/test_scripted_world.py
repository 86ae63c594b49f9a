"""The scripted world does what a test told it, and shows what it got."""

from __future__ import annotations

import pytest

from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.errors import NotFound, OutcomeUnknown, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.egress import TransactionResult

MX = Target("mx.example.com", "198.51.100.7", 25)
SOURCE = EgressSource("default", address="192.0.2.1")
BUSY = TransactionResult(Reply(450, "4.2.0", "Greylisted"), "RCPT")
GONE = TransactionResult(Reply(550, "5.1.1", "No such user"), "RCPT")


async def test_receivers_say_250_and_keep_what_they_got() -> None:
    egress = ScriptedEgress()
    conversation = await egress.connect(MX, SOURCE)
    answer = await conversation.transact(Envelope("a@acme.test", "b@example.com"), [b"one", b"two"])
    assert answer.reply.code == 250
    (mail,) = egress.received
    assert (mail.content, mail.envelope.rcpt_to, mail.was_accepted) == (
        b"onetwo",
        "b@example.com",
        True,
    )
    assert (conversation.source, conversation.tls) == (
        "192.0.2.1",
        "TLSv1.3 TLS_AES_256_GCM_SHA384",
    )


async def test_outcomes_are_used_once_and_lasting_ones_stay() -> None:
    egress = ScriptedEgress()
    egress.will("B@example.com", BUSY, OutcomeUnknown("lost"))
    egress.always("@example.com", GONE)
    codes: list[int | str] = []
    for _ in range(4):
        conversation = await egress.connect(MX, SOURCE)
        try:
            answer = await conversation.transact(Envelope("", "b@EXAMPLE.com"), [b""])
            codes.append(answer.reply.code)
        except OutcomeUnknown:
            codes.append("unknown")
    assert codes == [450, "unknown", 550, 550]
    assert [mail.was_accepted for mail in egress.received] == [False] * 4


async def test_hosts_refuse_and_sessions_are_reused() -> None:
    egress = ScriptedEgress()
    egress.refuse("mx.example.com", TemporaryFailure("421"))
    with pytest.raises(TemporaryFailure):
        await egress.connect(MX, SOURCE)
    first = await egress.connect(MX, SOURCE)
    await first.release()
    await egress.connect(MX, SOURCE)
    assert egress.opened == 1
    second = await egress.connect(MX, SOURCE)
    await second.close()
    assert (egress.opened, egress.closed) == (2, 1)


async def test_a_zone_answers_as_dns_does() -> None:
    resolver = ScriptedResolver(
        {
            "Example.com": {"MX": [(10, "MX.example.com.")], "TXT": ["v=spf1 -all"]},
            "mx.example.com": {"A": ["198.51.100.7"], "AAAA": ["2001:db8::7"]},
            "null.test": {"MX": [(0, "")]},
            "198.51.100.7": {"PTR": ["mx.example.com."]},
            "bücher.example": {"A": ["192.0.2.5"]},
        }
    )
    assert await resolver.mx("EXAMPLE.com.") == ((10, "mx.example.com"),)
    assert await resolver.mx("null.test") == ((0, ""),)
    assert await resolver.mx("mx.example.com") == ()
    assert await resolver.addresses("mx.example.com") == ("2001:db8::7", "198.51.100.7")
    assert await resolver.addresses("xn--bcher-kva.example") == ("192.0.2.5",)
    assert await resolver.txt("example.com") == ("v=spf1 -all",)
    assert await resolver.txt("nothing.test") == ()
    assert await resolver.ptr("198.51.100.7") == ("mx.example.com",)
    assert await resolver.ptr("198.51.100.8") == ()
    with pytest.raises(NotFound):
        await resolver.mx("nothing.test")
    resolver.fail("example.com")
    with pytest.raises(TemporaryFailure) as caught:
        await resolver.mx("example.com")
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (451, "4.4.3")
    resolver.heal("example.com")
    assert await resolver.mx("example.com")

"""Each recorded request to the track domain, and the answer of ours; and the tracked message as it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.golden.comparison import Difference, Table, differences, of_message
from tests.golden.recordings import Visit, tracked_message, visits
from tests.golden.rows import MAIL, TRACKED
from tests.golden.world import OPENED, GoldenWorld, golden_world

TO = "open@dest.example"
_RETURN_PATH = re.compile(r"[a-z2-7]{24}(?=@)")
_CHOICES = {"s", "t", "bh", "b"}


@pytest.fixture(scope="module")
def world() -> Iterator[GoldenWorld]:
    """The tenant, with the tracked message delivered."""
    with golden_world() as made:
        made.send(OPENED, TO, **tracked_message().submitted)
        made.deliver()
        made.learn_tokens()
        yield made


@pytest.fixture(scope="module")
def found(world: GoldenWorld) -> dict[str, list[Difference]]:
    """Every difference, by request."""
    return {visit.title: list(differences(*both(visit, world))) for visit in visits()}


def both(visit: Visit, world: GoldenWorld) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is compared of a recorded answer and of ours; an answer to HEAD has no body on the wire."""
    answer = world.visit(visit)
    said = {name.lower(): value for name, value in answer.headers}
    said["content-length"] = str(len(answer.body))
    body = (
        f"<png, {len(answer.body)} bytes>"
        if answer.body[:4] == b"\x89PNG"
        else answer.body.decode()
    )
    theirs = {"status": visit.status, "headers": visit.headers, "body": visit.body}
    headers = {name: said.get(name) for name in visit.headers}
    ours = {
        "status": answer.status,
        "headers": headers,
        "body": None if visit.body is None else body,
    }
    return theirs, ours


@pytest.mark.parametrize("title", [visit.title for visit in visits()])
def test_a_visit_is_answered_as_by_postal(title: str, found: dict[str, list[Difference]]) -> None:
    assert Table(TRACKED).unexplained(title, found[title]) == []


def test_every_row_of_visits_is_needed(found: dict[str, list[Difference]]) -> None:
    table = Table(TRACKED)
    for title, differing in found.items():
        table.unexplained(title, differing)
    assert table.needless == []


def mail_of(mail_from: str, rcpt_to: tuple[str, ...], content: bytes) -> dict[str, Any]:
    """What is compared of a message on the wire: envelope, fields in order, signatures as tags, texts."""
    read = of_message(content)
    fields = read["headers"]
    fields["dkim-signature"] = [tags_of(each, set(fields)) for each in fields["dkim-signature"]]
    fields["x-postal-msgid"] = [re.sub(r"^[0-9A-Za-z]{16}$", "{token}", *fields["x-postal-msgid"])]
    fields["resent-sender"] = [_RETURN_PATH.sub("{token}", *fields["resent-sender"])]
    return {"mail_from": _RETURN_PATH.sub("{token}", mail_from), "rcpt_to": list(rcpt_to), **read}


def tags_of(signature: str, there: set[str]) -> dict[str, str]:
    """The tags of a DKIM-Signature. `h` is the fields that it covers, `order` their order, `more` what is named once
    more than it is in the message, whose fields are `there`, each once."""
    pairs = (tag.partition("=") for tag in re.sub(r"\s", "", signature).split(";"))
    tags = {name: "{choice}" if name in _CHOICES else value for name, _, value in sorted(pairs)}
    named = tags["h"].split(":")
    covered = [name for name in dict.fromkeys(named) if name in there]
    more = sorted(named)
    for name in covered:
        more.remove(name)
    return tags | {
        "h": ":".join(sorted(covered)),
        "order": ":".join(covered),
        "more": ":".join(more),
    }


def mail_differing(world: GoldenWorld) -> list[Difference]:
    """How the tracked message that we sent differs from the one that Postal sent."""
    theirs, ours = tracked_message(), world.received(TO)
    envelope = ours.envelope
    return list(
        differences(
            mail_of(theirs.mail_from, theirs.rcpt_to, theirs.content),
            mail_of(envelope.mail_from, (envelope.rcpt_to,), ours.content),
        )
    )


def test_the_tracked_message_is_sent_as_by_postal(world: GoldenWorld) -> None:
    assert Table(MAIL).unexplained(TO, mail_differing(world)) == []


def test_every_row_of_the_message_is_needed(world: GoldenWorld) -> None:
    table = Table(MAIL)
    table.unexplained(TO, mail_differing(world))
    assert table.needless == []

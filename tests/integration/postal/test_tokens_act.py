"""Links, images, bounces and look-ups by tokens of Postal, with and without the messages that they are of."""

from __future__ import annotations

import pytest

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.tracking.visit import Visit
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.services.messages.find import FindMail
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tracking.answer import Answer, Track
from tests.integration.postal.conftest import AT, Here
from tests.mariadb import Postal

LINK = "/ehdexf/q0ZisBtjzBXPI8En"
URL = "https://acme.example/path?a=1&b=2#frag"
OPENED = MessageId(93)


async def visit(here: Here, path: str) -> Answer:
    return await here.posthorn[Track].answer(
        Visit("GET", path, "", {"user-agent": "Mozilla"}, "192.0.2.9")
    )


@pytest.mark.parametrize("history", [False, True])
async def test_an_old_link_and_image_work(here: Here, postal: Postal, history: bool) -> None:
    await here.bring(postal, history=history)
    server = await here.server()
    before = await here.posthorn[Engagement].hits(server.id, OPENED)
    answer = await visit(here, LINK)
    assert (answer.status, answer.headers["Location"]) == (307, URL)
    assert (await visit(here, f"{LINK}.")).status == 307
    assert (await visit(here, f"{LINK.upper()}")).status == 404
    image = await visit(here, "/img/ehdexf/Hiv3AHdJniF7Cp5G")
    assert (image.status, image.headers["Content-Type"]) == (200, "image/png")
    hits = await here.posthorn[Engagement].hits(server.id, OPENED)
    assert len(hits) == len(before) + 3 and len(before) == (7 if history else 0)
    assert sorted(hit.url for hit in hits if hit.at >= AT) == ["", URL, URL]


async def test_strange_tokens_lead_nowhere(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    for path in (
        "/ehdexf/AAAAAAAAAAAAAAAA",
        "/ejvpmj/q0ZisBtjzBXPI8En",  # of another server
        "/nobody/q0ZisBtjzBXPI8En",
        "/ehdexf/Hiv3AHdJniF7Cp5G",  # a message's
        "/ehdexf/q0ZisBtjzBXPI8E",
    ):
        assert (await visit(here, path)).status == 404, path
    assert (await visit(here, "/img/ehdexf/AAAAAAAAAAAAAAAA")).status == 200


async def test_old_tokens_end_with_their_time(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    here.clock.advance(here.posthorn.settings.tracking_days * DAY)
    assert (await visit(here, LINK)).status == 404


async def test_messages_are_found_by_their_tokens(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    history, server = here.posthorn[MessageHistory], await here.server()
    found = await history.record_named(server.id, "lihvP2tYx1Wyl62w")
    assert found.message.id == 99
    for text in ("token:lihvP2tYx1Wyl62w", "subject:undelivered", "tag:welcome"):
        wanted = MailFilter(query=parse_query(text, AT))
        page = await here.posthorn[FindMail].page(server.id, wanted, 10)
        assert len(page.records) == 1, text
    other = await here.server("bench")
    for where, token in (
        (other.id, "lihvP2tYx1Wyl62w"),
        (server.id, "lihvP2tYx1Wyl62x"),
        (server.id, "x"),
    ):
        with pytest.raises(NotFound):
            await history.record_named(where, token)


async def test_numbers_go_on_above_the_highest(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    server = await here.server()
    (message,) = await here.posthorn[Numbers].take(server.id, "message", 1)
    (delivery,) = await here.posthorn[Numbers].take(server.id, "delivery", 1)
    assert message > 296 and delivery > 300
    await here.bring(postal)
    (after,) = await here.posthorn[Numbers].take(server.id, "message", 1)
    assert message < after < message + 1_000


async def test_what_came_to_postal_since_is_brought_too(here: Here, postal: Postal) -> None:
    await here.bring(postal)
    postal.run(
        "INSERT INTO messages(id, token, scope, rcpt_to, timestamp, status)"
        " VALUES (297, 'NewTokenNewToken', 'outgoing', 'new@dest.example', 1795903000, 'Sent')",
        server=2,
    )
    postal.run(
        "INSERT INTO links(id, message_id, token, url) VALUES (5, 297, 'NewLinkNewLinkNe', 'https://n.example/')",
        server=2,
    )
    report = await here.bring(postal)
    assert report.counts["message tokens"] == {"new": 1}
    assert report.counts["link tokens"] == {"new": 1}
    answer = await visit(here, "/ehdexf/NewLinkNewLinkNe")
    assert answer.headers["Location"] == "https://n.example/"


async def test_without_history_no_message_is_brought(here: Here, postal: Postal) -> None:
    report = await here.bring(postal)
    server = await here.server()
    for scope in Scope:
        assert (await here.posthorn[MessageStore].page(server.id, scope, 10)).values == ()
    one = await here.posthorn[ImportedTokens].get(server.id, "lihvP2tYx1Wyl62w", AT)
    assert (one.message, one.recipient) == (99, "gone@dest.example")
    assert report.counts["held messages"] == {"left (--history or --queue brings them)": 2}

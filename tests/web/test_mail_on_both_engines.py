"""Pages of mail on each engine: overview, lists, a message with its content, queue, held, operations, search."""

from __future__ import annotations

from chalicelib.domain.people.roles import Role
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.queue.message_actions import MessageActions
from tests.page_browser import Browser, signed_in
from tests.worlds import Scene

SERVER = "/org/acme/servers/app"


async def look(browser: Browser, path: str, *words: str) -> str:
    shown = await browser.get(f"{SERVER}{path}")
    assert shown.status == 200, (path, shown.status, shown.text[:500])
    assert "could not be" not in shown.text.lower(), (path, shown.text)
    missing = [word for word in words if word not in shown.text]
    assert not missing, (path, missing, shown.text)
    return shown.text


async def test_pages_of_mail(either: Scene) -> None:
    browser = await signed_in(either.posthorn, "o@acme.test", Role.OWNER, either.organization)
    (sent,) = await either.accept("jonas@example.com")
    (held,) = await either.accept("held@example.com")
    await either.posthorn[MessageActions].hold(held.server_id, held.id)
    assert (await either.posthorn[MessageHistory].record(sent.server_id, sent.id)).held is False
    await look(browser, "", "Live", "Last messages", "jonas@example.com")
    await look(browser, "/messages/outgoing", "jonas@example.com", "Held")
    await look(browser, "/messages/outgoing?q=status%3Aheld", "held@example.com")
    await look(browser, f"/messages/{sent.id}", "Accepted", "Timeline")
    await look(browser, f"/messages/{sent.id}/preview", "Hello, John.")
    await look(browser, f"/messages/{sent.id}/source", "Subject: Hello")
    await look(browser, f"/messages/{held.id}", "Held by a person", "Release")
    await look(browser, "/queue", "Queue")
    await look(browser, "/held", "held@example.com")
    await look(browser, "/tail", "Live tail")
    await look(browser, "/search?q=jonas%40example.com", "Outgoing messages")
    chosen = await browser.get(f"{SERVER}/operations/new?verb=release&ids={held.id}")
    begun = await browser.submit(chosen, "Release 1 message")
    assert "How far it is" in begun.text
    await look(browser, "/operations", "Release messages")

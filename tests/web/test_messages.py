"""The lists of messages: what they show and say in each state, searches that cannot be read, rights, what leads on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.searches import SEARCHES, SavedSearch
from chalicelib.ports.repository import Repository
from tests.incoming_play import address_route, arrives
from tests.web.looking import MEMBER, VIEWER, Looker

EVIL = "<script>alert(1)</script>\u202egnp.exe"


def sent(looker: Looker, count: int = 1, **changes: Any) -> list[int]:
    """Messages that were accepted; their numbers."""
    wanted = {
        "from": "app@acme.test",
        "to": "jonas@example.com",
        "subject": "Your order",
        "text": "x",
    }
    numbers = []
    for _ in range(count):
        reply = looker.api.v2("POST", "/emails", wanted | changes)
        assert reply.status == 202, reply
        numbers.append(reply.json["id"])
    return numbers


def test_nothing_yet_says_what_to_do(looker: Looker) -> None:
    shown = looker.get("/messages/outgoing")
    assert shown.status == 200
    assert shown.has("No message yet", "curl https://127.0.0.1:8080/api/v2/emails")


def test_the_list_shows_recipient_subject_sender_tag_status_and_time(looker: Looker) -> None:
    (number,) = sent(looker, tag="order-shipped")
    shown = looker.get("/messages/outgoing")
    assert shown.has("jonas@example.com", "Your order", "app@acme.test", "order-shipped", "Waiting")
    assert f'href="{looker.server}/messages/{number}"' in shown.text
    assert 'title="Pending"' in shown.text
    assert shown.has("Newest 1", "just now")


def test_a_delivered_message_says_how_long_it_took(looker: Looker) -> None:
    sent(looker)
    bootstrap.run(looker.api.scene.deliver_ready())
    assert looker.get("/messages/outgoing").has("Delivered")


def test_messages_leads_to_the_outgoing_list(looker: Looker) -> None:
    assert looker.get("/messages", q="a b").location == f"{looker.server}/messages/outgoing?q=a+b"


def test_thirty_a_page_and_older_ones_by_cursor(looker: Looker) -> None:
    sent(looker, 31)
    first = looker.get("/messages/outgoing")
    assert first.text.count('name="ids"') == 30
    older = first.text.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    path, _, query = older.partition("?cursor=")
    second = looker.get(path.removeprefix(looker.server), cursor=query)
    assert second.text.count('name="ids"') == 1
    assert "Newest" in second.plain


def test_a_cursor_of_nobody_leads_back_to_the_newest(looker: Looker) -> None:
    shown = looker.get("/messages/outgoing", cursor="forged", q="x")
    assert shown.location == f"{looker.server}/messages/outgoing?q=x"


def test_what_is_wrong_with_a_search_stands_beside_its_field_and_no_list_is_shown(
    looker: Looker,
) -> None:
    sent(looker)
    shown = looker.get("/messages/outgoing", q="form:ada")
    assert shown.status == 422
    assert shown.has("Error: Messages", "form", "from")
    assert 'aria-invalid="true"' in shown.text
    assert "jonas@example.com" not in shown.text
    assert 'value="form:ada"' in shown.text


def test_terms_become_chips_that_can_be_taken_out(looker: Looker) -> None:
    sent(looker)
    shown = looker.get("/messages/outgoing", q="order status:sent")
    assert 'aria-label="Remove the filter: status:sent"' in shown.text
    assert f'href="{looker.server}/messages/outgoing?q=order"' in shown.text


def test_how_fresh_a_search_is_is_told_when_it_matters(looker: Looker) -> None:
    sent(looker)
    looker.get("/messages/outgoing", q="order").has("older ones are found as they were up to 60 s")
    for query in ("", "to:jonas@example.com"):
        assert "up to 60 s" not in looker.get("/messages/outgoing", q=query).plain


def test_nothing_found_is_another_text_and_offers_to_drop_the_last_filter(looker: Looker) -> None:
    sent(looker)
    shown = looker.get("/messages/outgoing", q="order tag:none")
    assert shown.has("No message matches", "Drop the last filter", "Search in incoming")
    assert "No message yet" not in shown.plain


def test_incoming_mail_has_its_list_and_spam_is_hidden(looker: Looker) -> None:
    empty = looker.get("/messages/incoming")
    assert empty.has("No mail has come in yet")
    scene = looker.api.scene
    route = bootstrap.run(address_route(scene))
    bootstrap.run(arrives(scene, route))
    shown = looker.get("/messages/incoming")
    assert shown.has("sender@away.example", "fwd@acme.test")
    assert "Spam is hidden" not in shown.plain


def test_who_may_only_look_gets_no_form_that_changes_mail(looker: Looker) -> None:
    sent(looker)
    looker.role = VIEWER
    shown = looker.get("/messages/outgoing")
    assert 'name="ids"' not in shown.text
    assert "Send a test message" not in shown.plain
    assert shown.forms() == [f"{looker.server}/messages/export"]


def test_saved_searches_that_cannot_be_had_fail_alone(
    looker: Looker, broken: Callable[..., None]
) -> None:
    sent(looker)
    broken("/searches")
    shown = looker.get("/messages/outgoing")
    assert shown.status == 200
    shown.has("jonas@example.com")
    assert "Saved searches" not in shown.plain


def test_a_search_is_saved_found_again_and_removed(looker: Looker) -> None:
    sent(looker, tag="welcome")
    assert "Save this search" not in looker.get("/messages/outgoing").plain
    looker.get("/messages/outgoing", q="tag:welcome").has("Save this search")
    saved = looker.post(
        "/messages/searches", name="Welcomes", q="tag:welcome", direction="outgoing", shared="1"
    )
    looker.follow(saved).has("Saved as “Welcomes”")
    shown = looker.get("/messages/outgoing")
    shown.has("Saved searches", "Welcomes", "shared")
    assert "Welcomes" not in looker.get("/messages/incoming").plain
    (gone,) = [one for one in shown.forms() if one.endswith("/remove")]
    one = gone.removesuffix("/remove")
    looker.get(f"/{one}").has("Change a saved search", "Everybody of this server sees it")
    wrong = looker.post(f"/{one}", name="Hello", q="size:many", direction="")
    assert wrong.status == 422
    assert 'value="size:many"' in wrong.text
    said = {"name": "Hello", "q": "tag:hello", "direction": "incoming"}
    looker.follow(looker.post(f"/{one}", **said)).has("“Hello” is saved")
    assert "Welcomes" not in looker.get("/messages/outgoing").plain
    changed = looker.get("/messages/incoming")
    changed.has("Hello")
    assert "shared" not in changed.plain
    looker.follow(looker.post(f"/{gone}")).has("The search was removed")
    assert looker.get(f"/{one}").status == 404


def test_a_shared_search_is_changed_by_who_may_share(looker: Looker) -> None:
    sent(looker)
    looker.post("/messages/searches", name="All", q="", direction="outgoing", shared="1")
    (gone,) = [one for one in looker.get("/messages/outgoing").forms() if one.endswith("/remove")]
    one = f"/{gone.removesuffix('/remove')}"
    looker.role = VIEWER
    shown = looker.get("/messages/outgoing")
    shown.has("Saved searches", "All")
    assert gone not in shown.forms()
    assert looker.get(one).status == 403
    assert looker.post(one, name="Mine", q="").status == 403
    looker.get("/messages/outgoing").has("All")
    looker.role = MEMBER
    assert 'name="shared"' not in looker.get(one).text  # it is for who saved it to say
    every = looker.post(one, name="Every", q="", direction="outgoing")
    looker.follow(every).has("“Every” is saved")
    looker.get("/messages/outgoing").has("Every", "shared")


def test_one_of_many_saved_searches_is_changed(looker: Looker) -> None:
    sent(looker)
    looker.post("/messages/searches", name="Oldest", q="", direction="outgoing", shared="1")
    (gone,) = [one for one in looker.get("/messages/outgoing").forms() if one.endswith("/remove")]
    scene = looker.api.scene
    for number in range(101):
        other = SavedSearch(
            scene.server.id, f"s{number:04}", "x", "", "u9", "k", 2**31, shared=True
        )
        bootstrap.run(scene.posthorn[Repository].add(SEARCHES, other))
    looker.get(f"/{gone.removesuffix('/remove')}").has("Change a saved search")


def test_a_search_without_a_name_comes_back_with_what_is_wrong(looker: Looker) -> None:
    shown = looker.post("/messages/searches", name="", q="tag:x", direction="outgoing")
    assert shown.status == 422
    assert 'aria-invalid="true"' in shown.text
    assert 'value="tag:x"' in shown.text


def test_today_begins_at_the_midnight_of_whoever_looks(looker: Looker) -> None:
    assert "q=after%3A2027-01-15T00%3A00%3A00Z" in looker.get("/messages/outgoing").text


def test_an_export_is_a_job(looker: Looker) -> None:
    looker.role = MEMBER
    shown = looker.post(
        "/messages/export", q="tag:x", direction="outgoing", format="csv", key="once"
    )
    again = looker.post(
        "/messages/export", q="tag:x", direction="outgoing", format="csv", key="once"
    )
    assert shown.status == 303
    assert "/operations/jb" in shown.location
    assert again.location == shown.location


@pytest.mark.parametrize("field", ["subject", "tag"])
def test_hostile_texts_are_shown_and_do_nothing(looker: Looker, field: str) -> None:
    sent(looker, 1, **{field: EVIL})
    shown = looker.get("/messages/outgoing", q=EVIL[:20])
    listed = looker.get("/messages/outgoing")
    for one in (shown, listed):
        assert "<script>alert" not in one.text
        assert "\u202e" not in one.text
    assert "\\u{202e}" in listed.text

"""Webhooks: the form, what was posted and answered, sending again, turning off and on, and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.occurrence import EventType
from chalicelib.web.event_words import EVENTS, answer_words
from chalicelib.web.pages.webhooks import state_of
from tests.page_browser import Browser, Shown
from tests.web.offered import offered

HOOKS = "/org/acme/servers/app/webhooks"
URL = "https://hooks.acme.test/mail"
HOSTILE = '"><script>alert(1)</script>\u202e'


async def made(browser: Browser, **values: Any) -> Shown:
    form = await browser.get(f"{HOOKS}/new")
    return await browser.submit(form, "Add webhook", **{"url": URL, "name": "Orders", **values})


async def one(browser: Browser) -> str:
    await made(browser)
    return (await browser.get(HOOKS)).links["Orders"]


async def test_without_a_webhook_the_page_says_what_one_is(owner: Browser) -> None:
    shown = await owner.get(HOOKS)
    assert "No webhook yet" in shown.text
    assert shown.links["Add a webhook"] == f"{HOOKS}/new"


async def test_a_webhook_is_added_and_its_secret_shown_once(owner: Browser) -> None:
    shown = await made(owner)
    secret = re.search(r"<code>(whsec_[^<]+)</code>", shown.html)
    assert secret is not None
    assert "never again" in shown.text
    listed = await owner.get(HOOKS)
    assert "Nothing posted yet" in listed.text
    page = await owner.get(listed.links["Orders"])
    assert secret[1] not in page.html
    assert URL in page.text
    rolled = await owner.submit(page, "Roll the secret")
    assert "signs for 24 hours more" in rolled.text
    assert secret[1] not in rolled.html


async def test_these_events_alone_stay_chosen_when_none_is_ticked(owner: Browser) -> None:
    wrong = await made(owner, which="some")
    assert wrong.form("Add webhook").fields["which"] == ["some"]
    assert (await owner.submit(wrong, "Add webhook")).status == 422
    both = await made(owner, which="all", events=["email.held"])
    assert (both.status, "choose these alone" in both.text) == (422, True)
    assert both.form("Add webhook").fields["which"] == ["all"]


async def test_what_is_wrong_stands_beside_its_field(owner: Browser) -> None:
    for values, field in (
        ({"url": ""}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": HOSTILE}, "url"),
        ({"url": "https://x.example/" + "x" * 10_000}, "url"),
        ({"which": "some"}, "events"),
        ({"which": "some", "events": ["email.eaten"]}, "events"),
        ({"timeout": "soon"}, "timeout"),
        ({"name": "x" * 101}, "name"),
    ):
        shown = await made(owner, **values)
        assert shown.status == 422, values
        assert f"#f-{field}" in shown.html, values
        assert "<script>alert" not in shown.html
    assert "No webhook yet" in (await owner.get(HOOKS)).text


async def test_a_webhook_is_changed(owner: Browser) -> None:
    where = await one(owner)
    form = await owner.get(f"{where}/edit")
    shown = await owner.submit(
        form, "Save", name="Bounces", which="some", events=["email.bounced"], tags="a\nb"
    )
    assert "Saved" in shown.text
    assert "email.bounced" in shown.text
    assert "a, b" in shown.text
    again = await owner.get(f"{where}/edit")
    assert again.form("Save").fields["events"] == ["email.bounced"]
    wrong = await owner.submit(again, "Save", timeout="99")
    assert wrong.status == 422


async def test_a_webhook_is_turned_off_and_undo_turns_it_on(owner: Browser) -> None:
    page = await owner.get(await one(owner))
    off = await owner.submit(page, "Turn off")
    assert "Nothing is posted to it" in off.text
    assert off.links["Replay what failed"].endswith("/replay?status=failed")
    on = await owner.submit(off, "Undo")
    assert "Nothing is posted to it" not in on.text
    off = await owner.submit(on, "Undo")
    assert "Turned on" in (await owner.submit(off, "Turn on")).text


async def test_a_test_event_leads_to_what_was_answered_and_is_sent_again(owner: Browser) -> None:
    where = await one(owner)
    tested = await owner.submit(await owner.get(where), "Send a test event")
    assert tested.path.startswith(f"{where}/deliveries/")
    for words in ("A test that somebody asked for", "Body", "How to verify this very request"):
        assert words in tested.text
    assert "webhook-signature" in tested.text
    again = await owner.submit(tested, "Send again")
    assert "sent once more" in again.text
    wrong = await owner.submit(tested, "Send again", url="https://10.0.0.1/")
    assert wrong.status == 422
    assert 'id="e-url"' in wrong.html
    listed = await owner.get(where)
    assert "A test that somebody asked for" in listed.text


async def test_deliveries_are_filtered(owner: Browser) -> None:
    where = await one(owner)
    await owner.submit(await owner.get(where), "Send a test event")
    assert "Nothing found" in (await owner.get(f"{where}?event=email.bounced")).text
    found = await owner.get(f"{where}?event=webhook.test")
    assert f"{where}/deliveries/" in "".join(found.addresses)
    wrong = await owner.get(f"{where}?email=many")
    assert wrong.status == 200
    assert "the filter is not one" in wrong.text


async def test_a_replay_is_counted_before_it_is_done(owner: Browser) -> None:
    where = await one(owner)
    await owner.submit(await owner.get(where), "Send a test event")
    form = await owner.get(f"{where}/replay?status=failed")
    assert form.form("Count them").fields["status"] == ["failed"]
    counted = await owner.submit(form, "Count them", status="", events="webhook.test")
    sent = {**counted.form("Replay 1 event").fields, "meant": "1"}
    begun = await owner.send(f"{where}/replay", sent)
    assert begun.status == 303
    assert "/operations/" in begun.answer.headers["Location"]
    none = await owner.submit(form, "Count them", events="email.clicked")
    assert "0 events would be posted" in none.text
    assert not none.has_button("Replay 0 events")
    wrong = await owner.submit(form, "Count them", since="soon")
    assert wrong.status == 422


async def test_a_webhook_is_deleted_after_a_page_that_says_what_that_means(owner: Browser) -> None:
    where = await one(owner)
    gone = await owner.submit(await owner.get(f"{where}/delete"), "Delete this webhook")
    assert "The webhook is deleted" in gone.text
    for path in ("", "/edit", "/replay", "/delete", "/deliveries/wdnothing"):
        assert (await owner.get(where + path)).status == 404


async def test_a_viewer_sees_deliveries_and_changes_nothing(
    owner: Browser, viewer: Browser
) -> None:
    where = await one(owner)
    tested = await owner.submit(await owner.get(where), "Send a test event")
    assert offered(await viewer.get(HOOKS)) == set()
    assert offered(await viewer.get(where)) == {"Filter"}
    shown = await viewer.get(tested.path)
    assert shown.status == 200
    assert offered(shown) == set()
    for path in ("/edit", "/replay", "/delete"):
        assert (await viewer.get(where + path)).status == 403
    assert (await viewer.get(f"{HOOKS}/new")).status == 403
    token = next(form.fields["csrf"][0] for form in shown.forms if "csrf" in form.fields)
    for path in ("/test", "/enable", "/disable", "/rotate", "/delete", "/replay", ""):
        assert (await viewer.post(where + path, {"csrf": token})).status == 403


async def test_what_cannot_be_had_leaves_the_rest(
    owner: Browser, broken: Callable[..., None]
) -> None:
    where = await one(owner)
    broken("/webhook-deliveries", "/statistics")
    assert "How they did could not be loaded" in (await owner.get(HOOKS)).text
    shown = await owner.get(where)
    assert "Could not be loaded" in shown.text
    assert "How it is set" in shown.text


async def test_many_webhooks_are_a_page_of_them(owner: Browser) -> None:
    form = await owner.get(f"{HOOKS}/new")
    for at in range(31):
        await owner.submit(form, "Add webhook", url=URL, name=f"Hook {at}", once=f"once{at}")
    shown = await owner.get(HOOKS)
    assert "30 webhooks, newest first" in shown.text
    assert shown.nodes < 1_500
    assert "Hook" in (await owner.get(shown.links["Older"])).text


async def test_hostile_names_do_nothing(owner: Browser) -> None:
    await made(owner, name=HOSTILE)
    shown = await owner.get(HOOKS)
    assert "<script>alert" not in shown.html
    assert "\u202e" not in shown.html


def test_every_event_has_words() -> None:
    assert set(EVENTS) == {str(event) for event in EventType}
    assert not [words for words in EVENTS.values() if words.endswith(".")]
    assert answer_words(-1) == "no answer in time"
    assert answer_words(503) == "answered 503"


@pytest.mark.parametrize(
    ("enabled", "delivered", "failed", "word"),
    [
        (False, 0, 0, "Turned off"),
        (True, 0, 3, "Failing"),
        (True, 10, 3, "Fails at times"),
        (True, 100, 3, "Working"),
        (True, 0, 0, "Nothing posted yet"),
    ],
)
def test_a_state_is_said_in_words(enabled: bool, delivered: int, failed: int, word: str) -> None:
    hook = {"enabled": enabled, "disabled_reason": None}
    assert state_of(hook, {"delivered": delivered, "failed": failed})[0] == word

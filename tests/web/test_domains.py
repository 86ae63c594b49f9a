"""Domains: what a page says of their records, who may change them, and what is offered to whom."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from chalicelib.domain.people.roles import Role
from chalicelib.web.records_text import records_text
from tests.page_browser import Browser, signed_in
from tests.web.offered import offered
from tests.web.test_insights import mail
from tests.worlds import Scene

DOMAINS = "/org/acme/servers/app/domains"
HOSTILE = '"><script>alert(1)</script>\u202e\x00' + "x" * 300


async def test_a_domain_is_added_and_shows_what_to_publish(owner: Browser) -> None:
    shown = await owner.submit(
        await owner.get(f"{DOMAINS}/new"), "Add domain", name="News.Acme.Example"
    )
    assert shown.status == 200
    assert shown.path == f"{DOMAINS}/news.acme.example"
    assert "Domain added. Publish these records" in shown.text
    assert "Mail from this domain is refused" in shown.text
    for words in ("Needed to send", "Recommended", "Optional", "Ownership", "DKIM, RSA", "SPF"):
        assert words in shown.text
    assert "v=spf1 a mx include:" in shown.text
    assert shown.html.count('<details class="record idle" open>') == 4
    assert len(gzip.compress(shown.html.encode())) < 50_000
    assert shown.nodes < 1_500
    assert not shown.repeated_ids


async def test_a_form_that_is_wrong_says_so_beside_the_field(owner: Browser) -> None:
    form = await owner.get(f"{DOMAINS}/new")
    for wrong in ("", "no domain", HOSTILE, "x" * 10_000):
        shown = await owner.submit(form, "Add domain", name=wrong)
        assert shown.status == 422
        assert shown.title.startswith("Error: ")
        assert 'id="e-name"' in shown.html
        assert "<script>alert" not in shown.html
    assert "no domain" in (await owner.submit(form, "Add domain", name="no domain")).html


async def test_a_list_says_how_each_stands(scene: Scene, owner: Browser) -> None:
    await owner.submit(await owner.get(f"{DOMAINS}/new"), "Add domain", name="new.example")
    shown = await owner.get(DOMAINS)
    assert shown.links["new.example"] == f"{DOMAINS}/new.example"
    assert "Not checked yet" in shown.text
    assert "acme.test" in shown.text


async def test_without_a_domain_the_page_says_what_one_is(stranger: Browser) -> None:
    shown = await stranger.get("/org/other/domains")
    assert "No domain yet" in shown.text
    assert shown.links["Add a domain"] == "/org/other/domains/new"


async def test_a_check_asks_now_and_says_what_it_found(owner: Browser) -> None:
    page = await owner.get(f"{DOMAINS}/acme.test")
    shown = await owner.submit(page, "Check now")
    assert shown.status == 200
    assert "Checked just now" in shown.text


async def test_checks_by_hand_are_bounded_and_the_page_says_until_when(owner: Browser) -> None:
    page = await owner.get(f"{DOMAINS}/acme.test")
    shown = page
    for _ in range(11):
        shown = await owner.submit(page, "Check now")
    assert shown.status == 200
    assert 'class="flash bad"' in shown.html


async def test_new_keys_wait_until_they_are_seen(owner: Browser) -> None:
    page = await owner.get(f"{DOMAINS}/acme.test")
    shown = await owner.submit(page, "Rotate DKIM keys")
    assert "New keys are made" in shown.text
    assert not shown.has_button("Rotate DKIM keys")
    again = await owner.post(f"{DOMAINS}/acme.test/rotate", {"csrf": page.forms[-1].fields["csrf"]})
    assert 'class="flash bad"' in again.html


async def test_a_domain_is_removed_after_a_page_that_says_what_that_means(owner: Browser) -> None:
    await owner.submit(await owner.get(f"{DOMAINS}/new"), "Add domain", name="gone.example")
    asked = await owner.get(f"{DOMAINS}/gone.example/remove")
    assert "No mail of the last 30 days was sent from it" in asked.text
    shown = await owner.submit(asked, "Remove this domain")
    assert shown.path == DOMAINS
    assert "gone.example is removed" in shown.text
    assert (await owner.get(f"{DOMAINS}/gone.example")).status == 404


async def test_incoming_mail_makes_the_mx_needed(owner: Browser) -> None:
    page = await owner.get(f"{DOMAINS}/acme.test")
    shown = await owner.submit(page, "Save", incoming="1")
    assert "Mail for this domain is to come in here" in shown.text


async def test_a_code_that_is_wrong_is_said_beside_its_field(owner: Browser) -> None:
    form = await owner.get(f"{DOMAINS}/new")
    page = await owner.submit(form, "Add domain", name="by.mail", verification_method="Email")
    assert "Show that it is yours by a mailed code" in page.text
    shown = await owner.submit(page, "Verify domain", code="000000")
    assert shown.status == 422
    assert "Have a code mailed below" in shown.text


async def test_the_zone_file_is_a_download(owner: Browser) -> None:
    shown = await owner.get(f"{DOMAINS}/acme.test/zone")
    assert shown.answer.headers["Content-Disposition"] == 'attachment; filename="acme.test.zone"'
    assert "_domainkey.acme.test. IN TXT" in shown.html


async def test_a_viewer_is_offered_nothing_that_changes(viewer: Browser) -> None:
    shown = await viewer.get(f"{DOMAINS}/acme.test")
    assert offered(shown) == {"Check now"}
    assert "Add a domain" not in (await viewer.get(DOMAINS)).text
    assert (await viewer.get(f"{DOMAINS}/new")).status == 403
    assert (await viewer.get(f"{DOMAINS}/acme.test/remove")).status == 403
    sent = {"csrf": shown.forms[-1].fields["csrf"]}
    for path in ("", "/acme.test/rotate", "/acme.test/remove", "/acme.test"):
        assert (await viewer.post(DOMAINS + path, {**sent, "name": "x.example"})).status == 403


async def test_a_shared_domain_is_changed_at_its_organization(owner: Browser) -> None:
    await owner.submit(
        await owner.get("/org/acme/domains/new"), "Add domain", name="shared.example"
    )
    shown = await owner.get(f"{DOMAINS}/shared.example")
    assert shown.links["Change it there"] == "/org/acme/domains/shared.example"
    assert not shown.has_button("Rotate DKIM keys")
    assert (await owner.get("/org/acme/domains/shared.example")).has_button("Rotate DKIM keys")


async def test_somebody_of_elsewhere_finds_no_domain(stranger: Browser, owner: Browser) -> None:
    assert (await stranger.get(DOMAINS)).status == 404
    for path in ("", "/share"):
        assert (await stranger.get(f"{DOMAINS}/acme.test{path}")).status == 404
        assert (await owner.get(f"{DOMAINS}/nothing.example{path}")).status == 404


async def test_records_are_sent_to_a_colleague_as_text_or_mail(
    owner: Browser, viewer: Browser
) -> None:
    page = await viewer.get(f"{DOMAINS}/acme.test")
    shown = await viewer.get(page.links["Send to a colleague"])
    for words in ("Publish these records in the DNS of acme.test:", "v=DKIM1", "Value: "):
        assert words in shown.text, words
    draft = shown.links["Write a mail"]
    assert draft.startswith("mailto:?subject=DNS%20records%20of%20acme.test&body=Publish")
    assert "\n" not in draft
    saved = await owner.get(shown.links["Download as text"])
    assert saved.answer.headers["Content-Disposition"] == 'attachment; filename="acme.test.txt"'
    assert saved.html.startswith("Publish these records")


def test_a_record_that_is_merged_says_what_it_replaces() -> None:
    record = {"type": "TXT", "name": "a.test", "value": "ours", "suggestion": "theirs ours"}
    plain = {**record, "suggestion": None}
    text = records_text("a.test", [record, plain])
    assert "1. TXT\nName:  a.test\nValue: theirs ours\nIn place of the one that is there" in text
    assert text.endswith("2. TXT\nName:  a.test\nValue: ours\n")


async def test_what_was_refused_stands_at_its_domain(scene: Scene, owner: Browser) -> None:
    await mail(scene)
    shown = await owner.get(f"{DOMAINS}/acme.test")
    assert "Of 4 messages in 24 hours 1 was refused or came back." in shown.text
    listed = await owner.get(shown.links["Show them"])
    assert "old@example.org" in listed.text
    assert "a@example.com" not in listed.text
    assert "Refused" in (await owner.get(DOMAINS)).text


async def test_a_part_that_cannot_be_had_leaves_the_rest(
    owner: Browser, broken: Callable[..., None]
) -> None:
    broken("/statistics")
    shown = await owner.get(DOMAINS)
    assert shown.status == 200
    assert "How much mail each sent could not be loaded" in shown.text
    assert "acme.test" in shown.text
    asked = await owner.get(f"{DOMAINS}/acme.test/remove")
    assert "could not be counted" in asked.text


async def test_a_list_of_many_is_a_page_of_them(scene: Scene, owner: Browser) -> None:
    from chalicelib.services.tenancy.domains import Domains

    for at in range(40):
        await scene.posthorn[Domains].add(scene.server, f"d{at}.example")
    shown = await owner.get(DOMAINS)
    assert "30 domains, newest first" in shown.text
    assert shown.nodes < 1_500
    older = await owner.get(shown.links["Older"])
    assert "acme.test" in older.text


async def test_an_operator_takes_a_domain_as_verified(scene: Scene, admin: Browser) -> None:
    person = await signed_in(scene.posthorn, "m@acme.test", Role.MEMBER, scene.organization)
    page = await person.submit(await person.get(f"{DOMAINS}/new"), "Add domain", name="t.example")
    assert not page.has_button("Take as verified")
    shown = await admin.submit(await admin.get(f"{DOMAINS}/t.example"), "Take as verified")
    assert "Taken as verified" in shown.text

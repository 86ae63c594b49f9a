"""What people set up, with script and without: a domain is repaired, an event sent again, an address erased."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import TYPE_CHECKING

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.services.jobs.run import RunJobs
from chalicelib.services.tenancy.domains import Domains
from tests.browser_looks import context_of
from tests.filled_site import Site
from tests.published import publish, withdraw

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERVER = "/org/acme/servers/app"
_numbers = count(1)


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def page(request: pytest.FixtureRequest, chromium: Browser, site: Site) -> Iterator[Page]:
    with context_of(chromium, site, java_script_enabled=request.param) as context:
        yield context.new_page()


def press(page: Page, words: str) -> None:
    page.get_by_role("button", name=words, exact=True).click()


def main(page: Page) -> str:
    return page.inner_text("main")


def test_a_broken_domain_is_repaired(page: Page, site: Site) -> None:
    name = f"repair{next(_numbers)}.example"
    page.goto(f"{site.url}{SERVER}/domains/new")
    page.get_by_label("Domain", exact=True).fill(name)
    press(page, "Add domain")
    assert "Mail from this domain is refused" in main(page)
    domains, resolver = site.scene.posthorn[Domains], site.scene.posthorn[ScriptedResolver]
    domain = bootstrap.run(domains.find_known(site.scene.server, name))
    records = domains.records(domain)
    publish(resolver, records)
    withdraw(resolver, records, Purpose.SPF)
    kept = resolver.zone[name]
    resolver.zone[name] = {**kept, "TXT": [*kept["TXT"], "v=spf1 include:crm.example ~all"]}
    resolver.zone["crm.example"] = {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]}
    press(page, "Check now")
    assert "1 record to repair" in main(page)
    assert "One part is missing" in main(page)
    assert page.locator("details.record[open] ins").inner_text().startswith("include:")
    wanted = page.locator("details.record[open] dd.value-box:not(.found) code").last.inner_text()
    assert "include:crm.example" in wanted
    resolver.zone[name] = {**kept, "TXT": [*kept["TXT"], wanted.strip()]}
    press(page, "Check now")
    assert "Ready to send" in main(page)
    assert page.locator("details.record[open]").count() == 0


def test_an_event_is_looked_into_and_sent_again(page: Page, site: Site) -> None:
    name = f"Hook {next(_numbers)}"
    page.goto(f"{site.url}{SERVER}/webhooks/new")
    page.get_by_label("Address", exact=True).fill("https://hooks.acme.test/in")
    page.get_by_label("Name").fill(name)
    press(page, "Add webhook")
    assert "whsec_" in main(page)
    page.get_by_role("link", name="I have kept it").click()
    press(page, "Send a test event")
    assert "How to verify this very request" in main(page)
    press(page, "Send again")
    assert "sent once more" in main(page)
    page.goto(f"{site.url}{SERVER}/webhooks")
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="Replay", exact=True).click()
    page.get_by_label("Those that").select_option("")
    press(page, "Count them")
    page.locator("main form button.primary").click()
    assert "/operations/" in page.url


def test_an_address_is_erased_and_the_proof_kept(page: Page, site: Site) -> None:
    address = f"erase{next(_numbers)}@example.com"
    bootstrap.run(site.scene.accept(address))
    bootstrap.run(site.scene.deliver_ready())
    page.goto(f"{site.url}{SERVER}/settings/erase")
    page.get_by_label("Address", exact=True).fill(address)
    press(page, "Count what would go")
    assert f"of {address} would be erased" in main(page)
    assert "0 messages" not in main(page)
    page.get_by_label("Type the address once more").fill(address)
    press(page, "Erase this address")
    for _ in range(12):
        bootstrap.run(site.scene.posthorn[RunJobs].run(5))
        site.scene.clock.advance(60)
        page.reload()
        if "Download the proof" in main(page):
            break
    assert "What stays, with a hash in place of the address" in main(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the proof").click()
    assert download.value.suggested_filename == "erasure.jwt"


def test_an_address_is_suppressed_and_undo_lets_it_go(page: Page, site: Site) -> None:
    address = f"stop{next(_numbers)}@example.com"
    page.goto(f"{site.url}{SERVER}/suppressions")
    page.get_by_label("Address or whole domain").fill(address)
    press(page, "Suppress")
    assert f"{address} is suppressed" in main(page)
    press(page, "Undo")
    assert f"{address} may be written to again" in main(page)

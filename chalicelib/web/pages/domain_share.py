"""The records of a domain for whoever publishes them: as text to copy, and as the draft of a mail to a colleague."""

from __future__ import annotations

from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web import answers
from chalicelib.web.dns_words import NEEDED, RECOMMENDED
from chalicelib.web.doing import of_both
from chalicelib.web.page import Page
from chalicelib.web.records_text import records_text

LONGEST_DRAFT = 6_000
"""Programs that write mail take addresses of about 8 kB."""


async def show_share(page: Page) -> HttpAnswer:
    """What a colleague has to publish: what is needed or recommended and not right yet, or with `all` everything."""
    domain = await page.ask("GET", f"/domains/{quote(page.values['domain'], safe='')}")
    known = (*NEEDED, *RECOMMENDED)
    asked = [one for one in domain["records"] if one["required"] or one["purpose"] in known]
    left = [one for one in asked if one["status"] != "OK"]
    is_left = page.query("all") != "1" and bool(left)
    records = left if is_left else domain["records"]
    text = records_text(domain["name"], records)
    if page.query("download"):
        return answers.text_file(f"{domain['name']}.txt", text)
    subject = f"DNS records of {domain['name']}"
    draft = (
        f"mailto:?subject={quote(subject)}&body={quote(text.replace(chr(10), chr(13) + chr(10)))}"
    )
    return page.render(
        "domain_share.html",
        domain=domain,
        text=text,
        count=len(records),
        is_left=is_left,
        has_others=len(left) < len(domain["records"]) and bool(left),
        draft=draft if len(draft) <= LONGEST_DRAFT else "",
    )


_READ = "domains:read"
ROWS = of_both("GET", "/domains/{domain}/share", show_share, _READ, "showDomain")

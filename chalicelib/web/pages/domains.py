"""Sending domains: the list, adding one, and the page of one with its records as wanted and as found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web import answers
from chalicelib.web.asking import Problem
from chalicelib.web.dns_words import NEEDED, RECOMMENDED, Shown, shown
from chalicelib.web.doing import do, of_both
from chalicelib.web.page import Page
from chalicelib.web.zone_file import zone_file

Domain = Mapping[str, Any]
MAILBOXES = ("postmaster", "hostmaster", "webmaster", "admin", "administrator")


async def list_domains(page: Page) -> HttpAnswer:
    """Every domain with its state in words, and the mail of a day."""
    query = {"limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/domains", query=query)
    sent = await _sent(page) if page.may("statistics:read") else None
    rows = [(one, _state(one), (sent or {}).get(one["name"], (0, 0))) for one in found["data"]]
    return page.render("domains.html", rows=rows, sent=sent, found=found)


async def show_new(page: Page) -> HttpAnswer:
    """The form for a new one."""
    return page.render("domain_new.html")


async def add_domain(page: Page) -> HttpAnswer:
    """Add one, and lead to what is to be published."""
    wanted = {
        "name": page.form.text("name"),
        "verification_method": page.form.text("verification_method") or "DNS",
        "incoming": page.form.has("incoming"),
    }
    try:
        made = await page.ask("POST", "/domains", body=wanted)
    except Problem as problem:
        return page.again("domain_new.html", problem)
    return page.see_other(_path(page, made["name"]), "Domain added. Publish these records")


async def show_domain(page: Page) -> HttpAnswer:
    """The records, what is wrong with each, and what that means for mail."""
    return page.render("domain.html", **await _of_page(page))


async def check_domain(page: Page) -> HttpAnswer:
    """Look in DNS now."""
    name = page.values["domain"]
    return await do(page, _path(page, name), "Checked just now", "POST", f"{_api(name)}/check")


async def change_domain(page: Page) -> HttpAnswer:
    """Whether mail for it is to come in here."""
    name, incoming = page.values["domain"], page.form.has("incoming")
    said = (
        "Mail for this domain is to come in here" if incoming else "The MX record is optional now"
    )
    body = {"incoming": incoming}
    return await do(page, _path(page, name), said, "PATCH", _api(name), body=body)


async def rotate_domain(page: Page) -> HttpAnswer:
    """Make the next keys."""
    name = page.values["domain"]
    said = "New keys are made. They sign as soon as a check finds both of their records; the old ones stay 7 days"
    return await do(page, _path(page, name), said, "POST", f"{_api(name)}/rotate")


async def trust_domain(page: Page) -> HttpAnswer:
    """Take it as verified, without looking."""
    name = page.values["domain"]
    return await do(page, _path(page, name), "Taken as verified", "POST", f"{_api(name)}/trust")


async def verify_domain(page: Page) -> HttpAnswer:
    """Mail a code, or take one."""
    name = page.values["domain"]
    send_to, code = page.form.text("send_to"), page.form.text("code")
    body = {"send_to": send_to} if send_to and not code else {"code": code}
    try:
        await page.ask("POST", f"{_api(name)}/verify", body=body)
    except Problem as problem:
        return page.again("domain.html", problem, **await _of_page(page))
    said = (
        "The domain is verified"
        if code
        else f"A code is on its way to {send_to}. It works for an hour"
    )
    return page.see_other(_path(page, name), said)


async def download_zone(page: Page) -> HttpAnswer:
    """The records as a text."""
    domain = await page.ask("GET", _api(page.values["domain"]))
    text = zone_file(domain["name"], domain["records"])
    return answers.text_file(f"{domain['name']}.zone", text)


async def show_removal(page: Page) -> HttpAnswer:
    """What removing it means, and how much mail used it."""
    return page.render("domain_remove.html", **await _to_remove(page))


async def remove_domain(page: Page) -> HttpAnswer:
    """Remove it."""
    name = page.values["domain"]
    try:
        await page.ask("DELETE", _api(name))
    except Problem as problem:
        return page.again("domain_remove.html", problem, **await _to_remove(page))
    return page.see_other(f"{page.base}/domains", f"{name} is removed")


async def _of_page(page: Page) -> dict[str, Any]:
    domain = await page.ask("GET", _api(page.values["domain"]))
    tracks = await page.ask_or(None, "GET", "/track-domains") if page.values.get("server") else None
    sent, refused = await _sent_by(page, domain["name"])
    records = [shown(one, domain) for one in domain["records"]]
    for track in (tracks or {}).get("data", ()):
        if track["domain"] == domain["name"]:
            records.append(shown(track["record"], {**domain, "records": ()}))
    is_shared = domain["owner"] == "organization" and page.values.get("server") is not None
    return {
        "domain": domain,
        "sent": sent,
        "refused": refused,
        "refused_q": f"from:*@{domain['name']} status:hardfail status:bounced",
        "groups": _groups(records),
        "state": _state(domain),
        "effect": _effect(domain, records),
        "mailboxes": [f"{one}@{domain['name']}" for one in MAILBOXES],
        "is_shared": is_shared,
        "may_change": page.may("domains:write") and not is_shared,
        "next_keys": [one for one in domain["keys"] if one["state"] == "next"],
    }


async def _to_remove(page: Page) -> dict[str, Any]:
    name = page.values["domain"]
    domain = await page.ask("GET", _api(name))
    query = {"period": "day", "only": f"sender_domain:{name}"}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    return {"domain": domain, "sent": None if told is None else told["totals"]["outgoing"]}


async def _sent(page: Page) -> dict[str, tuple[int, int]] | None:
    """How much mail each domain sent in a day, and how much of it was refused or came back."""
    query = {"period": "hour", "group_by": "sender_domain", "limit": 100}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    if told is None:
        return None
    return {one["group"]: _counts(one["counts"]) for one in told["data"] if one["group"]}


async def _sent_by(page: Page, name: str) -> tuple[int, int]:
    """The same of one domain; nothing where that is not known."""
    if not page.may("statistics:read"):
        return 0, 0
    query = {"period": "hour", "only": f"sender_domain:{name}"}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    return (0, 0) if told is None else _counts(told["totals"])


def _counts(counts: Mapping[str, int]) -> tuple[int, int]:
    return counts["outgoing"], counts["hard_fails"] + counts["bounces"]


def _groups(records: list[Shown]) -> list[tuple[str, list[Shown], int]]:
    """Needed, recommended and optional, each with how many are right."""
    needed = [one for one in records if one.record["purpose"] in NEEDED or one.record["required"]]
    recommended = [
        one for one in records if one.record["purpose"] in RECOMMENDED and one not in needed
    ]
    optional = [one for one in records if one not in needed and one not in recommended]
    named = (("Needed to send", needed), ("Recommended", recommended), ("Optional", optional))
    return [
        (title, some, sum(one.said.tone == "good" for one in some)) for title, some in named if some
    ]


def _state(domain: Domain) -> tuple[str, str]:
    """A word for a domain, and its tone."""
    wrong = sum(shown(one, domain).is_wrong for one in domain["records"])
    if domain["checked_at"] is None and domain["verified_at"] is None:
        return "Not checked yet", "idle"
    if wrong:
        return f"{wrong} record{'s' if wrong > 1 else ''} to repair", "bad"
    if domain["verified_at"] is None:
        return "Not verified", "bad"
    return "Ready to send", "good"


def _effect(domain: Domain, records: list[Shown]) -> tuple[str, str, str] | None:
    """What the state means for mail: a tone, a title and a sentence."""
    if domain["verified_at"] is None:
        return (
            "bad",
            "Mail from this domain is refused",
            "We do not know yet that the domain is yours. "
            + (
                "Publish the records below, then check."
                if domain["verification_method"] == "DNS"
                else "Have a code mailed below."
            ),
        )
    if domain["lapses_at"] is not None:
        return (
            "bad",
            "This domain will be verified no more",
            "The ownership record is gone. Mail goes out as before until then; publish the record again.",
        )
    if not domain["dkim_ok"] and not domain["return_path_ok"]:
        return (
            "bad",
            "Mail from this domain still goes out, but it does not pass DMARC",
            "It is signed with the shared key of this installation and uses its return path, so neither DKIM nor SPF "
            "speaks for your domain, and large receivers refuse part of it. The DKIM record repairs this; SPF and the "
            "return path make it sturdy.",
        )
    if not domain["dkim_ok"]:
        return (
            "late",
            "Mail passes DMARC by its return path alone",
            "It is lost where mail is forwarded. The DKIM record makes it sturdy.",
        )
    if any(one.said.tone == "bad" for one in records):
        return (
            "late",
            "Mail goes out, and something is to be repaired",
            "See the records that are open below.",
        )
    return None


def _api(name: str) -> str:
    return f"/domains/{quote(name, safe='')}"


def _path(page: Page, name: str) -> str:
    return f"{page.base}/domains/{quote(name, safe='')}"


_ONE = "/domains/{domain}"
_READ, _WRITE = "domains:read", "domains:write"
ROWS = (
    *of_both("GET", "/domains", list_domains, _READ, "listDomains", "showStatistics"),
    *of_both("POST", "/domains", add_domain, _WRITE, "createDomain"),
    *of_both("GET", "/domains/new", show_new, _WRITE),
    *of_both("GET", _ONE, show_domain, _READ, "showDomain", "listTrackDomains", "showStatistics"),
    *of_both("POST", _ONE, change_domain, _WRITE, "changeDomain"),
    *of_both("POST", f"{_ONE}/check", check_domain, _READ, "checkDomain"),
    *of_both("POST", f"{_ONE}/rotate", rotate_domain, _WRITE, "rotateDomain"),
    *of_both("POST", f"{_ONE}/trust", trust_domain, "installation:write", "trustDomain"),
    *of_both("POST", f"{_ONE}/verify", verify_domain, _WRITE, "verifyDomain"),
    *of_both("GET", f"{_ONE}/zone", download_zone, _READ, "showDomain"),
    *of_both("GET", f"{_ONE}/remove", show_removal, _WRITE, "showDomain", "showStatistics"),
    *of_both("POST", f"{_ONE}/remove", remove_domain, _WRITE, "removeDomain"),
)

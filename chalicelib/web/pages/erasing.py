"""Erasing an address: counts first, then the job, then its proof to keep, with what stays and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import NotFound
from chalicelib.web import answers
from chalicelib.web.asking import Problem
from chalicelib.web.doing import of_both
from chalicelib.web.page import Page

PATH = "/settings/erase"


async def show_form(page: Page) -> HttpAnswer:
    """Whose data."""
    return page.render("erase.html", preview=None)


async def erase(page: Page) -> HttpAnswer:
    """First what it would be about; then, when the address was typed once more, do it."""
    address = page.form.text("address")
    body: dict[str, Any] = {"type": "erase", "address": address}
    is_meant = page.form.has("meant")
    try:
        if is_meant and page.form.text("again").lower() == address.lower():
            made = await page.ask("POST", "/jobs", body=body)
            return page.see_other(f"{page.base}{PATH}/{quote(made['id'], safe='')}")
        preview = await page.ask("POST", "/jobs", body={**body, "dry_run": True})
    except Problem as problem:
        return page.again("erase.html", problem, preview=None)
    if is_meant:
        told = {"errors": [{"pointer": "/again", "detail": "is not the address"}]}
        return page.again("erase.html", Problem(422, told), preview=preview)
    return page.render("erase.html", preview=preview)


async def show_job(page: Page) -> HttpAnswer:
    """How far it is, and what it says at its end."""
    return page.render("erase_job.html", job=await _job(page))


async def download_proof(page: Page) -> HttpAnswer:
    """The proof: a signed token, which the keys at /.well-known/jwks.json verify."""
    job = await _job(page)
    proof = (job["result"] or {}).get("proof")
    if not proof:
        raise NotFound("There is no proof yet")
    return answers.text_file("erasure.jwt", str(proof), "application/jwt")


async def _job(page: Page) -> Any:
    job = await page.ask("GET", f"/jobs/{quote(page.values['job'], safe='')}")
    if job["type"] != "erase":
        raise NotFound("There is no such erasure")
    return job


_WRITE = "servers:write"
ROWS = (
    *of_both("GET", PATH, show_form, _WRITE),
    *of_both("POST", PATH, erase, _WRITE, "startJob"),
    *of_both("GET", f"{PATH}/{{job}}", show_job, _WRITE, "showJob"),
    *of_both("GET", f"{PATH}/{{job}}/proof", download_proof, _WRITE, "showJob"),
)

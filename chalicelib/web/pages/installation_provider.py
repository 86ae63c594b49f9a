"""The OpenID provider at which people sign in, among the settings of the installation."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.page import Page
from chalicelib.web.row import Row

SETTINGS = "/admin/settings"
LISTS = ("scopes", "create_domains")


async def change_provider(page: Page) -> HttpAnswer:
    """Take another provider, change it, or take none."""
    form = page.form
    if form.text("do") == "none":
        await page.ask("PATCH", "/installation", body={"oidc": None})
        return page.see_other(SETTINGS, "People sign in with their passwords alone")
    form.require(*(f"oidc/{name}" for name in ("name", "issuer", "client_id", *LISTS)))
    wanted: dict[str, Any] = {
        name: form.text(f"oidc/{name}") for name in ("name", "issuer", "client_id")
    }
    wanted["scopes"] = form.text("oidc/scopes").replace(",", " ").split() or None
    wanted["create_domains"] = form.lines("oidc/create_domains")
    wanted["local_sign_in"] = form.has("oidc/local_sign_in")
    if secret := form.raw("oidc/client_secret"):
        wanted["client_secret"] = secret
    elif form.has("oidc/no_secret"):
        wanted["client_secret"] = ""
    try:
        await page.ask("PATCH", "/installation", body={"oidc": wanted})
    except Problem as problem:
        about = await page.ask("GET", "/installation")
        return page.again("admin_settings.html", problem, about=about)
    return page.see_other(SETTINGS, f"People may sign in with {wanted['name']}")


ROWS = (
    Row(
        "POST",
        f"{SETTINGS}/provider",
        change_provider,
        "installation:write",
        ("changeInstallation",),
    ),
)

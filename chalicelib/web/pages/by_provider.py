"""To the OpenID provider and back: to sign in, or with `confirm` to show once more who one is."""

from __future__ import annotations

from chalicelib.api import by_provider
from chalicelib.api.http import HttpAnswer
from chalicelib.web.answers import also, see_other
from chalicelib.web.cookies import ASKED, PROVIDER
from chalicelib.web.page import Page
from chalicelib.web.pages.sign_in import return_to
from chalicelib.web.row import Row

CONFIRMED = "Thank you. Now do it once more: for ten minutes you are not asked again"


async def go_to_provider(page: Page) -> HttpAnswer:
    """Lead to the provider."""
    confirms = page.query("confirm") == "1"
    if pages := by_provider.elsewhere(page.program, page.request):
        more = {"confirm": "1"} if confirms else {}
        return see_other(pages + page.address("/auth/oidc", return_to=return_to(page), **more))
    if confirms and page.person is None:
        return page.see_other("/login")
    person = page.person if confirms else None
    begun = await by_provider.begin(page.program, return_to(page) or "/", page.prefix, person)
    kept = page.cookies.set(PROVIDER, begun.token, by_provider.WAY_SECONDS)
    return also(see_other(begun.url), kept)


async def come_back(page: Page) -> HttpAnswer:
    """Let in who comes back from the provider."""
    token = page.cookies.get(PROVIDER)
    path, kept = await by_provider.finish(
        page.program, page.request, token, page.prefix, page.person
    )
    led = page.see_other(path, None if kept else CONFIRMED)
    return also(led, *kept, page.cookies.ended(PROVIDER), page.cookies.ended(ASKED))


ROWS = (
    Row("GET", "/auth/oidc", go_to_provider, is_public=True),
    Row("GET", "/auth/oidc/callback", come_back, is_public=True),
)

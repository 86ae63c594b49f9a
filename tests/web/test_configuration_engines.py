"""Pages whose questions each engine answers in its own way: on both, things are made, listed, counted, taken away."""

from __future__ import annotations

from chalicelib.domain.people.roles import Role
from tests.page_browser import signed_in
from tests.worlds import Scene

SERVER = "/org/acme/servers/app"


async def test_what_is_set_up_is_listed_on_each_engine(either: Scene) -> None:
    owner = await signed_in(either.posthorn, "o@acme.test", Role.OWNER, either.organization)
    forms = (
        ("/domains/new", "Add domain", {"name": "news.example"}, "/domains", "news.example"),
        ("/suppressions", "Suppress", {"address": "bob@example.com"}, "/suppressions", "All 1"),
        ("/keys/new", "Create this key", {"name": "Shop"}, "/keys", "Shop"),
        (
            "/webhooks/new",
            "Add webhook",
            {"url": "https://hooks.acme.test/x"},
            "/webhooks",
            "hooks.acme.test",
        ),
        (
            "/endpoints/new?type=address",
            "Add endpoint",
            {"address": "d@example.com"},
            "/endpoints",
            "d@example.com",
        ),
        (
            "/routes/new",
            "Add route",
            {"name": "support", "mode": "Hold"},
            "/routes",
            "support@acme.test",
        ),
        ("/settings", "Save", {"mode": "Development"}, "/audit", "server.update"),
    )
    for form, button, values, page, words in forms:
        shown = await owner.submit(await owner.get(SERVER + form), button, **values)
        assert shown.status == 200, (form, shown.text)
        assert words in (await owner.get(SERVER + page)).text, page
    for path in ("/insights", "/insights/tags", "/insights/causes", "/settings/retention"):
        assert "ould not be" not in (await owner.get(SERVER + path)).text, path
    assert "as they were written" in (await owner.get("/org/acme/audit?verify=1")).text
    allowed = await owner.submit(await owner.get(f"{SERVER}/suppressions"), "Allow again")
    assert "This address is not suppressed" in allowed.text

"""Settings of a server, its pool rules, erasing an address, and the audit log: what they say, and who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.tenancy.rate_limits import Rate, RateHold
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.repository import Repository
from chalicelib.web.chain import verdict
from chalicelib.web.setting_fields import TOPICS
from tests.fakes import NOW
from tests.page_browser import Browser, Shown
from tests.web.offered import offered
from tests.worlds import Scene

SERVER = "/org/acme/servers/app"
SETTINGS = f"{SERVER}/settings"
HOSTILE = '"><script>alert(1)</script>\u202e'


def token(shown: Shown) -> str:
    return next(form.fields["csrf"][0] for form in shown.forms if "csrf" in form.fields)


async def test_what_was_changed_is_named(owner: Browser) -> None:
    shown = await owner.get(SETTINGS)
    same = await owner.submit(shown, "Save")
    assert "Nothing was changed" in same.text
    saved = await owner.submit(shown, "Save", mode="Development", name="Application")
    assert "Saved: Name, Mode" in saved.text
    mail = await owner.get(f"{SETTINGS}/mail")
    after = await owner.submit(
        mail,
        "Save",
        **{
            "suppression_days/bounce": "90",
            "suppress_bounces": None,
            "postmaster_address": "pm@acme.test",
        },
    )
    assert (
        "Saved: Postmaster, Suppress an address whose mail comes back, Days after a bounce"
        in after.text
    )
    fields = (await owner.get(f"{SETTINGS}/mail")).form("Save").fields
    assert fields["suppression_days/bounce"] == ["90"]
    assert fields["suppression_days/complaint"] == ["forever"]


@pytest.mark.parametrize(
    ("topic", "values", "field"),
    [
        ("", {"name": ""}, "name"),
        ("", {"name": "x" * 10_000}, "name"),
        ("", {"mode": "Dead"}, "mode"),
        ("/mail", {"suppression_days/bounce": "always"}, "suppression_days/bounce"),
        ("/mail", {"suppress_hard_fails": HOSTILE}, "suppress_hard_fails"),
        ("/spam", {"spam_threshold": "1000"}, "spam_threshold"),
        ("/spam", {"spam_failure_threshold": "a lot"}, "spam_failure_threshold"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field(
    owner: Browser, topic: str, values: dict[str, str], field: str
) -> None:
    shown = await owner.submit(await owner.get(SETTINGS + topic), "Save", **values)
    assert shown.status == 422
    assert f'id="e-{field.replace("/", "-")}"' in shown.html
    assert "<script>alert" not in shown.html


async def test_only_operators_are_offered_what_they_set(owner: Browser, admin: Browser) -> None:
    shown = await owner.get(f"{SETTINGS}/limits")
    assert "send_limit" not in shown.form("Save").fields
    assert "Only an operator of this installation can change these" in shown.text
    forced = await owner.post(
        f"{SETTINGS}/limits",
        {"csrf": token(shown), "send_limit": "5", "send_limit_action": "hold", "save": "1"},
    )
    assert "Nothing was changed" in forced.text
    limits = await admin.submit(await admin.get(f"{SETTINGS}/limits"), "Save", send_limit="5,000")
    assert "Saved: Messages in 60 minutes" in limits.text
    assert "5000" in (await owner.get(f"{SETTINGS}/limits")).text


@pytest.mark.parametrize("field", ["complaint_rate_limit", "bounce_rate_limit"])
@pytest.mark.parametrize(
    "given", ["0", "0.001", "100.01", "-1", "1e-2000", "nan", "inf", "5 %", "9" * 10_000, HOSTILE]
)
async def test_what_is_no_rate_stands_beside_its_field(
    admin: Browser, field: str, given: str
) -> None:
    shown = await admin.submit(await admin.get(f"{SETTINGS}/rates"), "Save", **{field: given})
    assert shown.status == 422
    assert f'id="e-{field}"' in shown.html
    assert "<script>alert" not in shown.html


async def test_operators_set_rates_and_members_see_them(owner: Browser, admin: Browser) -> None:
    shown = await owner.get(f"{SETTINGS}/rates")
    assert not shown.has_button("Save")
    assert "Only an operator of this installation can change these" in shown.text
    form = await admin.get(f"{SETTINGS}/rates")
    saved = await admin.submit(form, "Save", complaint_rate_limit="0.3", rate_limit_count="500")
    assert "Saved: Percent of delivered mail that is complained about, Least number" in saved.text
    assert "0.3" in (await owner.get(f"{SETTINGS}/rates")).text
    cleared = await admin.submit(saved, "Save", complaint_rate_limit="", rate_limit_count="")
    assert "Saved: Percent" in cleared.text
    for wrong in ("0", "-5", "1.5", "many", "1000000001"):
        again = await admin.submit(cleared, "Save", rate_limit_count=wrong)
        assert 'id="e-rate_limit_count"' in again.html


async def test_the_settings_say_what_is_held(scene: Scene, owner: Browser, admin: Browser) -> None:
    hold = RateHold(Rate.BOUNCE, "news", 5.0, 60, 1_000, int(NOW), int(NOW) + 3_600)
    await scene.posthorn[Repository].note(SERVERS, scene.server, rate_holds=(hold,))
    for browser in (owner, admin):
        shown = await browser.get(f"{SETTINGS}/rates")
        assert "New mail is held" in shown.text
        assert "Stream news: bounce rate of 6.0 %, above 5.0 %." in shown.text


async def test_another_retention_is_looked_at_before_it_is_saved(
    scene: Scene, owner: Browser, admin: Browser
) -> None:
    shown = await admin.get(f"{SETTINGS}/retention")
    assert "What the next run would remove" in shown.text
    looked = await admin.submit(shown, "See what would go", message_retention_days="5")
    assert "with these numbers" in looked.text
    assert looked.form("Save").fields["message_retention_days"] == ["5"]
    saved = await admin.submit(looked, "Save")
    assert "Saved: Days of messages" in saved.text
    wrong = await admin.submit(shown, "See what would go", message_retention_days="soon")
    assert wrong.status == 422
    assert 'id="e-message_retention_days"' in wrong.html
    assert not (await owner.get(f"{SETTINGS}/retention")).has_button("See what would go")


async def test_an_operator_suspends_and_lifts(owner: Browser, admin: Browser) -> None:
    shown = await admin.get(SETTINGS)
    assert not (await owner.get(SETTINGS)).has_button("Suspend this server")
    wrong = await admin.submit(shown, "Suspend this server", reason="")
    assert wrong.status == 422
    done = await admin.submit(shown, "Suspend this server", reason="spam")
    assert "This server is suspended: spam" in done.text
    assert "This server is suspended: spam" in (await owner.get(SETTINGS)).text
    lifted = await admin.submit(done, "Lift the suspension")
    assert "This server is suspended" not in lifted.text


async def test_a_server_is_deleted_by_typing_its_name(owner: Browser) -> None:
    asked = await owner.get(f"{SETTINGS}/delete")
    wrong = await owner.submit(asked, "Delete this server", confirm="acme")
    assert wrong.status == 422
    assert 'id="e-confirm"' in wrong.html
    gone = await owner.submit(asked, "Delete this server", confirm="app")
    assert gone.path == "/org/acme"
    assert "app is deleted" in gone.text
    assert (await owner.get(SETTINGS)).status == 404


@pytest.mark.parametrize("where", [f"{SETTINGS}/rules", "/org/acme/ip_rules"])
async def test_rules_are_added_and_removed(owner: Browser, where: str) -> None:
    shown = await owner.get(where)
    assert "No rule yet" in shown.text
    wrong = await owner.submit(shown, "Add rule")
    assert wrong.status == 422
    bad = await owner.submit(shown, "Add rule", to="not a domain")
    assert bad.status == 422
    added = await owner.submit(shown, "Add rule", to="example.com\nexample.net")
    assert "goes out by the pool default" in added.text
    assert "example.com, example.net" in added.text
    form = await owner.get(next(one for one in added.addresses if one.startswith(f"{where}/")))
    assert "example.com\nexample.net</textarea>" in form.html
    bad = await owner.submit(form, "Save", to="not a domain")
    assert (bad.status, "not a domain</textarea>" in bad.html) == (422, True)
    changed = await owner.submit(form, "Save", to="example.org", **{"from": "a@acme.test"})
    assert changed.path == where
    assert "example.org" in changed.text
    assert "a@acme.test" in changed.text
    assert "example.net" not in changed.text
    assert "No rule yet" in (await owner.submit(changed, "Remove")).text
    assert (await owner.get(form.path)).status == 404


async def test_a_rule_of_the_organization_is_changed_on_its_own_page_alone(owner: Browser) -> None:
    added = await owner.submit(await owner.get("/org/acme/ip_rules"), "Add rule", to="example.com")
    (one,) = [each for each in added.addresses if each.startswith("/org/acme/ip_rules/")]
    below = await owner.get(f"{SETTINGS}/rules")
    assert "example.com" in below.text
    assert not [each for each in below.addresses if each.startswith(f"{SETTINGS}/rules/")]
    there = f"{SETTINGS}/rules/{one.split('/')[-2]}/edit"
    assert (await owner.get(there)).status == 404
    wanted = {"csrf": token(added), "from": "", "to": "example.net", "pool": "default"}
    answer = await owner.send(there, wanted)
    assert answer.status == 404
    assert "example.net" not in (await owner.get("/org/acme/ip_rules")).text


@pytest.mark.parametrize("base", [SERVER, "/org/acme"])
async def test_an_address_is_erased_after_a_count_and_once_more(
    scene: Scene, owner: Browser, base: str
) -> None:
    await scene.accept("john@example.com")
    await scene.deliver_ready()
    form = await owner.get(f"{base}/settings/erase")
    assert (await owner.submit(form, "Count what would go", address="nobody")).status == 422
    counted = await owner.submit(form, "Count what would go", address="john@example.com")
    assert "of john@example.com would be erased" in counted.text
    wrong = await owner.submit(counted, "Erase this address", again="jane@example.com")
    assert wrong.status == 422
    assert 'id="e-again"' in wrong.html
    begun = await owner.submit(counted, "Erase this address", again="John@example.com")
    assert re.fullmatch(rf"{base}/settings/erase/\w+", begun.path)
    assert "Erasing an address" in begun.text
    assert (await owner.get(f"{begun.path}/proof")).status == 404
    assert (await owner.get(f"{base}/settings/erase/jbnothing")).status == 404


async def test_the_audit_log_says_who_changed_what(owner: Browser) -> None:
    await owner.submit(await owner.get(SETTINGS), "Save", mode="Development")
    shown = await owner.get(f"{SERVER}/audit")
    assert "server.update" in shown.text
    assert "Live" in shown.text
    assert "Development" in shown.text
    assert "owner@acme.test" in shown.text
    nothing = await owner.get(f"{SERVER}/audit?action=server.eat")
    assert "Nothing found" in nothing.text
    wrong = await owner.get(f"{SERVER}/audit?since=yesterday")
    assert wrong.status == 422
    assert 'id="e-since"' in wrong.html
    assert (await owner.get(f"{SERVER}/audit?since=2024-01-01")).status == 200
    for base in (SERVER, "/org/acme"):
        verified = await owner.get(f"{base}/audit?verify=1")
        assert "entries are as they were written" in verified.text
        exported = await owner.send(f"{base}/audit/export", {"csrf": token(verified)})
        assert exported.status == 303


async def test_before_anything_is_changed_the_log_says_so(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.web.asking import Asking

    real = Asking.ask

    async def ask(self: Asking, method: str, path: str, **more: Any) -> Any:
        nothing = {"data": [], "has_more": False, "next_cursor": None}
        return nothing if path == "/audit" else await real(self, method, path, **more)

    monkeypatch.setattr(Asking, "ask", ask)
    assert "Changes will be listed here" in (await owner.get("/org/acme/audit")).text
    assert "Nothing found" in (await owner.get("/org/acme/audit?until=2001-01-01")).text


async def test_a_changed_log_is_told_with_the_entry(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.web.asking import Asking

    for mode in ("Development", "Live"):
        await owner.submit(await owner.get(SETTINGS), "Save", mode=mode)
    real = Asking.ask

    async def ask(self: Asking, method: str, path: str, **more: Any) -> Any:
        found = await real(self, method, path, **more)
        if path == "/audit":
            found["data"][1]["after"] = {"mode": "Silent"}
        return found

    monkeypatch.setattr(Asking, "ask", ask)
    shown = await owner.get("/org/acme/audit?verify=1")
    assert "is not as it was written" in shown.text


async def test_a_chain_is_verified_piece_by_piece_to_its_oldest_entry(
    owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.web.pages import audit

    monkeypatch.setattr(audit, "LOOKED_AT", 2)
    monkeypatch.setattr(audit, "PIECE", 3)
    for at in range(14):
        await owner.submit(await owner.get(SETTINGS), "Save", name=f"App {at}")
    shown, pieces = await owner.get("/org/acme/audit?verify=1"), 1
    assert "The newest 6 entries" in shown.text
    onward = shown.links["Go on with older ones"]
    assert f'hx-get="{onward.replace("&", "&amp;")}"' in shown.html
    while "Go on with older ones" in shown.links:
        shown, pieces = await owner.get(shown.links["Go on with older ones"]), pieces + 1
    assert "back to the oldest that is kept" in shown.text
    count = int(re.findall(r"All (\d+) entries are", shown.text)[0])
    assert (count >= 14, pieces) == (True, -(-count // 6))
    forged = re.sub(r"-[0-9a-f]{64}", f"-{'0' * 64}", onward)
    assert "does not follow from the one before it" in (await owner.get(forged)).text
    for wrong in ("behind=x", "behind=%00&looked=-1", f"behind={'x' * 5_000}"):
        assert (await owner.get(f"/org/acme/audit?verify=1&{wrong}")).status == 422
    odd = await owner.get("/org/acme/audit?verify=1&looked=99999999999&newer=%3Cscript%3E")
    assert "The newest 6 entries" in odd.text


def test_what_is_missing_of_a_chain_shows() -> None:
    from chalicelib.domain.tenancy.audit import hash_of

    entries: list[dict[str, Any]] = []
    previous = "0" * 64
    for at in range(1, 5):
        told = {"id": f"{at:010d}", "previous": previous}
        told["hash"] = previous = hash_of(told)
        entries.insert(0, told)
    assert verdict(entries, is_whole=True).broken == ""
    missing = [*entries[:1], *entries[2:]]
    assert verdict(missing, is_whole=True)[1:] == ("0000000003", "is missing")
    assert verdict(missing, is_whole=False).broken == ""
    torn = {**entries[0], "previous": "1" * 64}
    torn["hash"] = hash_of(torn)
    assert verdict([torn, *entries[1:]], is_whole=True)[1:] == (
        "0000000004",
        "does not follow from the one before it",
    )
    assert verdict([], is_whole=True).looked_at == 0


async def test_a_viewer_has_no_settings(viewer: Browser) -> None:
    paths = [
        "/settings/delete",
        "/settings/erase",
        "/settings/erase/x",
        "/audit",
    ]
    paths += [f"/settings{'/' if one else ''}{one}" for one in TOPICS]
    for path in paths:
        assert (await viewer.get(SERVER + path)).status == 403, path
    for path in ("/org/acme/ip_rules", f"{SETTINGS}/rules"):
        assert offered(await viewer.get(path)) == set()
        assert (await viewer.get(f"{path}/x/edit")).status == 403
    assert (await viewer.get("/org/acme/audit")).status == 403


async def test_parts_that_cannot_be_had_leave_the_settings(
    owner: Browser, broken: Callable[..., None]
) -> None:
    broken("/servers/acme/app/retention")
    assert "Could not be counted" in (await owner.get(f"{SETTINGS}/retention")).text
    broken("/organizations")
    assert (await owner.get(SETTINGS)).has_button("Save")
    assert (await owner.get(f"{SETTINGS}/rules")).has_button("Add rule")


async def test_a_long_log_is_a_page_of_it(owner: Browser) -> None:
    for at in range(32):
        await owner.submit(await owner.get(SETTINGS), "Save", name=f"App {at}")
    shown = await owner.get(f"{SERVER}/audit")
    assert "25 entries, newest first" in shown.text
    assert shown.nodes < 1_500
    assert offered(shown) == {"Export", "Filter"}
    assert (await owner.get(shown.links["Older"])).status == 200


def test_every_field_of_a_server_is_set_somewhere() -> None:
    from chalicelib.api.v2.server_models import ServerToChange

    known = {one.name.partition("/")[0] for topic in TOPICS.values() for one in topic.fields}
    assert set(ServerToChange.model_fields) - known <= {"permalink"}

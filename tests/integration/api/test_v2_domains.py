"""Sending domains through the API, on both engines: made, published, checked, proven, trusted, rotated, lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy.domains import DOMAINS, Domain
from chalicelib.domain.tenancy.findings import Purpose
from chalicelib.ports.repository import Repository
from chalicelib.services import domain_codes
from chalicelib.services.tenancy import domains as service
from chalicelib.services.tenancy import published as looks
from chalicelib.services.tenancy.domain_states import DomainStates
from chalicelib.services.tenancy.domains import Domains
from functions.upkeep import check_domains
from tests import published
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld, Reply, api_world
from tests.integration.api.test_v2_management import a_key, places, refused
from tests.stores import all_messages
from tests.worlds import make_scene

__all__ = ["aws_backend", "aws_settings"]

HERE = "acme/app"
NAME = "acme.example"
AT = f"/domains/{NAME}"
HOUR, DAY = 3_600, 86_400
SYSTEM = {"system_server": "acme/app", "system_from": "posthorn@acme.test"}


@pytest.fixture(params=["one host", pytest.param("aws", marks=pytest.mark.aws)])
def api(request: pytest.FixtureRequest) -> Iterator[ApiWorld]:
    if request.param == "one host":
        with api_world(Settings(**SYSTEM)) as world:
            yield world
        return
    settings = replace(request.getfixturevalue("aws_settings"), **SYSTEM)
    with api_world(scene=bootstrap.run(make_scene(on_aws=settings))) as world:
        yield world
        world.scene.posthorn[AwsSession].close()


def make(api: ApiWorld, name: str = NAME, tenant: str = HERE, **fields: Any) -> Reply:
    return api.manage("POST", "/domains", {"name": name} | fields, tenant)


def verb(api: ApiWorld, what: str, tenant: str = HERE, body: Any = None) -> Any:
    reply = api.manage("POST", f"{AT}/{what}", body, tenant)
    assert reply.status == 200, reply
    return reply.json


def shown(api: ApiWorld, tenant: str = HERE) -> Any:
    return api.manage("GET", AT, tenant=tenant).json


def stored(api: ApiWorld) -> Domain:
    return bootstrap.run(api.scene.posthorn[Domains].find_known(api.scene.server, NAME))


def wanted(api: ApiWorld) -> tuple[DnsRecord, ...]:
    return api.scene.posthorn[Domains].records(stored(api))


def zone(api: ApiWorld) -> ScriptedResolver:
    return api.scene.posthorn[ScriptedResolver]


def publish(api: ApiWorld) -> None:
    published.publish(zone(api), wanted(api))


def withdraw(api: ApiWorld, *purposes: Purpose) -> None:
    published.withdraw(zone(api), wanted(api), *purposes)


def hourly(api: ApiWorld) -> int:
    return bootstrap.run(check_domains(api.scene.posthorn))


def record(answer: Any, purpose: str) -> Any:
    return next(one for one in answer["records"] if one["purpose"] == purpose)


def entries(api: ApiWorld) -> list[Any]:
    """Of the audit log, about domains, oldest first."""
    found = api.manage("GET", "/audit?limit=100", tenant="acme").json["data"]
    return [one for one in reversed(found) if one["object"]["id"] == NAME]


def test_a_domain_is_made_published_checked_and_removed(api: ApiWorld) -> None:
    made = make(api, " ACME.Example. ")
    assert made.status == 201, made
    assert made.headers["location"] == f"/api/v2{AT}"
    fresh = made.json
    assert {name: fresh[name] for name in ("name", "owner", "verification_method")} == {
        "name": NAME,
        "owner": "server",
        "verification_method": "DNS",
    }
    assert [
        fresh[name] for name in ("verified_at", "checked_at", "next_check_at", "lapses_at")
    ] == [None] * 4
    flags = ("dns_ok", "dkim_ok", "return_path_ok", "use_for_any", "incoming")
    assert [fresh[name] for name in flags] == [False] * 5
    assert {(one["status"], one["text"], *one["found"]) for one in fresh["records"]} == {(None, "")}
    assert [(one["algorithm"], one["state"], one["ok"]) for one in fresh["keys"]] == [
        ("rsa-sha256", "active", False),
        ("ed25519-sha256", "active", False),
    ]
    assert shown(api) == fresh

    missing = verb(api, "check")
    assert {one["status"] for one in missing["records"]} == {"Missing"}
    assert record(missing, "spf")["text"] == "No SPF record exists for this domain"
    publish(api)
    good = verb(api, "check")
    assert {(one["status"], one["text"]) for one in good["records"]} == {("OK", "")}
    assert all(one["value"] in one["found"] for one in good["records"])
    assert (good["dns_ok"], good["dkim_ok"], good["return_path_ok"]) == (True, True, True)
    assert good["verified_at"] == good["checked_at"]
    assert good["next_check_at"] > good["checked_at"]
    assert shown(api) == good

    sent = {"from": f"app@{NAME}", "to": "x@example.com", "text": "x"}
    assert api.v2("POST", "/emails", sent).status == 202
    assert api.manage("DELETE", AT, tenant=HERE).status == 204
    assert refused(api.manage("GET", AT, tenant=HERE)) == (404, "not_found")
    again = make(api).json
    assert (again["checked_at"], again["records"][0]["status"]) == (None, None)


def test_names_are_kept_as_they_are_published_and_are_unique_for_an_owner(api: ApiWorld) -> None:
    assert make(api, "Bücher.example").json["name"] == "xn--bcher-kva.example"
    for at in ("B%C3%9CCHER.example", "xn--bcher-kva.example"):
        assert api.manage("GET", f"/domains/{at}", tenant=HERE).status == 200
    taken = make(api, "xn--bcher-kva.example")
    assert (*refused(taken), *places(taken)) == (409, "conflict", ("/name", "taken"))
    assert make(api, "bücher.example", "acme").status == 201


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": "localhost"}, "/name"),
        ({"name": "a_b.example"}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"name": 5}, "/name"),
        ({"incoming": "yes"}, "/incoming"),
        ({"verification_method": "Fax"}, "/verification_method"),
        ({"uuid": "x"}, "/uuid"),
    ],
)
def test_wrong_fields_are_named(api: ApiWorld, fields: dict[str, Any], place: str) -> None:
    reply = make(api, **fields) if "name" not in fields else make(api, fields["name"])
    assert (reply.status, [where for where, _ in places(reply)]) == (422, [place]), reply


def test_a_servers_own_comes_before_its_organizations(api: ApiWorld) -> None:
    api.scene.clock.advance(1)
    shared = make(api, tenant="acme").json
    assert shared["owner"] == "organization"
    assert shown(api) == shared
    assert verb(api, "check")["owner"] == "organization"
    for method, path, body in (
        ("PATCH", AT, {"incoming": True}),
        ("DELETE", AT, None),
        ("POST", f"{AT}/rotate", None),
        ("POST", f"{AT}/trust", None),
        ("POST", f"{AT}/verify", {"code": "123456"}),
    ):
        assert refused(api.manage(method, path, body, HERE)) == (409, "conflict")
    api.scene.clock.advance(1)
    own = make(api).json
    assert (own["owner"], own["uuid"]) != (shared["owner"], shared["uuid"])
    assert shown(api)["uuid"] == own["uuid"]
    assert shown(api, "acme")["uuid"] == shared["uuid"]
    listed = api.manage("GET", "/domains", tenant=HERE).json["data"]
    assert [(one["name"], one["owner"]) for one in listed] == [
        (NAME, "server"),
        (NAME, "organization"),
        ("acme.test", "server"),
    ]
    of_all = api.manage("GET", "/domains", tenant="acme").json["data"]
    assert [one["uuid"] for one in of_all] == [shared["uuid"]]
    assert api.manage("PATCH", AT, {"incoming": True}, "acme").json["incoming"]
    assert api.manage("DELETE", AT, tenant="acme").status == 204
    assert shown(api)["uuid"] == own["uuid"]


def test_another_tenants_domain_is_like_none(api: ApiWorld) -> None:
    make(api)
    api.manage("POST", "/organizations", {"name": "Other"})
    api.manage("POST", "/servers", {"organization": "other", "name": "Mail"})
    for tenant in ("other", "other/mail"):
        for method, path in (("GET", AT), ("DELETE", AT), ("POST", f"{AT}/check")):
            assert refused(api.manage(method, path, tenant=tenant)) == (404, "not_found")
    assert make(api, tenant="other/mail").status == 201


def test_a_list_is_paged(api: ApiWorld) -> None:
    for number in range(4):
        api.scene.clock.advance(1)
        make(api, f"d{number}.example", "acme")
    names, cursor = [], ""
    while cursor is not None:
        got = api.manage("GET", f"/domains?limit=2{cursor}", tenant=HERE).json
        names += [one["name"] for one in got["data"]]
        cursor = f"&cursor={got['next_cursor']}" if got["has_more"] else None
    assert names == ["d3.example", "d2.example", "d1.example", "d0.example", "acme.test"]


def test_keys_do_what_their_scopes_say(api: ApiWorld) -> None:
    make(api, tenant="acme")
    reads, writes = a_key(api, "domains:read"), a_key(api, "domains:write")
    operator = a_key(api, "installation:write", tenant="")

    def ask(key: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        reply = api.manage(method, path, body, "acme", key)
        return reply.status, reply.json.get("scope") if reply.body else None

    assert ask(reads, "GET", "/domains") == (200, None)
    assert ask(reads, "POST", f"{AT}/check") == (200, None)
    for method, path, body in (
        ("POST", "/domains", {"name": "b.example"}),
        ("PATCH", AT, {}),
        ("DELETE", AT, None),
        ("POST", f"{AT}/verify", {}),
        ("POST", f"{AT}/rotate", None),
    ):
        assert ask(reads, method, path, body) == (403, "domains:write")
    assert ask(writes, "POST", f"{AT}/trust") == (403, "installation:write")
    assert ask(writes, "PATCH", AT, {"use_for_any": True}) == (403, "installation:write")
    assert ask(operator, "POST", f"{AT}/trust") == (200, None)
    assert ask(operator, "PATCH", AT, {"incoming": True}) == (403, "domains:write")
    assert ask(operator, "PATCH", AT, {"use_for_any": None}) == (200, None)
    one_server = a_key(api, "domains:write", servers=["app"])
    assert ask(one_server, "GET", AT) == (200, None)
    for method, path, body in (
        ("POST", "/domains", {"name": "b.example"}),
        ("PATCH", AT, {"incoming": True}),
        ("POST", f"{AT}/rotate", None),
    ):
        assert refused(api.manage(method, path, body, "acme", one_server)) == (403, "refused")


def test_a_change_is_a_merge_and_loses_nothing(api: ApiWorld) -> None:
    make(api)
    changed = api.manage("PATCH", AT, {"incoming": True, "use_for_any": True}, HERE).json
    assert (changed["incoming"], changed["use_for_any"]) == (True, True)
    assert record(changed, "mx")["required"]
    assert api.manage("PATCH", AT, {}, HERE).json == changed
    back = api.manage("PATCH", AT, {"incoming": None}, HERE).json
    assert (back["incoming"], back["use_for_any"]) == (False, True)
    for body in ({"name": "b.example"}, {"incoming": 1}, {"verification_method": "Email"}):
        assert api.manage("PATCH", AT, body, HERE).status == 422
    shared = make(api, tenant="acme")
    for reply in (
        make(api, "b.example", "acme", use_for_any=True),
        api.manage("PATCH", AT, {"use_for_any": True}, "acme"),
    ):
        assert (reply.status, shared.status, places(reply)[0][0]) == (422, 201, "/use_for_any")


def test_changes_at_the_same_time_are_all_kept(api: ApiWorld) -> None:
    make(api)
    publish(api)
    domain, domains = stored(api), api.scene.posthorn[Domains]

    async def all_at_once() -> None:
        await asyncio.gather(
            domains.change(domain, incoming=True),
            domains.change(domain, use_for_any=True),
            domains.rotate(domain),
            domains.trust(domain),
        )

    bootstrap.run(all_at_once())
    found = stored(api)
    assert (found.incoming, found.use_for_any, len(found.next_keys)) == (True, True, 2)
    assert found.verified_at is not None


def test_there_is_a_most(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_OF_A_SERVER", 2)
    monkeypatch.setattr(service, "MOST_OF_AN_ORGANIZATION", 1)
    assert make(api).status == 201
    assert refused(make(api, "b.example")) == (409, "conflict")
    assert make(api, tenant="acme").status == 201
    assert refused(make(api, "b.example", "acme")) == (409, "conflict")


def test_an_spf_record_is_mended_by_what_is_suggested(api: ApiWorld) -> None:
    make(api)
    zone(api).zone[NAME] = {"TXT": ["x", "v=spf1 include:_spf.example.net -all"]}
    found = record(verb(api, "check"), "spf")
    assert found == {
        "purpose": "spf",
        "type": "TXT",
        "name": NAME,
        "value": "v=spf1 a mx include:spf.posthorn.example.com ~all",
        "required": False,
        "status": "Invalid",
        "found": ["v=spf1 include:_spf.example.net -all"],
        "text": "An SPF record exists but it doesn't include spf.posthorn.example.com",
        "suggestion": "v=spf1 include:_spf.example.net include:spf.posthorn.example.com -all",
    }
    zone(api).zone[NAME] = {"TXT": [found["suggestion"]]}
    assert record(verb(api, "check"), "spf")["status"] == "OK"
    many = " ".join(f"a:h{number}.example" for number in range(4))
    zone(api).zone["_spf.example.net"] = {"TXT": [f"v=spf1 {many} redirect=more.example"]}
    zone(api).zone["more.example"] = {"TXT": [f"v=spf1 {many}"]}
    assert record(verb(api, "check"), "spf")["text"] == (
        f"The SPF record of {NAME} takes 11 DNS look-ups. There should be at most 10."
    )
    zone(api).fail("_spf.example.net")
    assert record(verb(api, "check"), "spf")["status"] == "OK"


def test_mx_and_a_parents_dmarc(api: ApiWorld) -> None:
    name = f"mail.eu.{NAME}"
    make(api, name)
    zone(api).zone[name] = {"MX": [(10, "mx.elsewhere.example")]}
    zone(api).zone[f"_dmarc.{NAME}"] = {"TXT": ["v=DMARC1; p=reject"]}
    found = api.manage("POST", f"/domains/{name}/check", tenant=HERE).json
    mx, dmarc = record(found, "mx"), record(found, "dmarc")
    assert (mx["status"], mx["found"]) == ("Missing", ["10 mx.elsewhere.example"])
    assert mx["text"] == "You have MX records but none of them point to us."
    assert (dmarc["status"], dmarc["found"], dmarc["name"]) == ("OK", [], f"_dmarc.{name}")


def test_keys_may_be_delegated_and_a_return_path_may_not(api: ApiWorld) -> None:
    make(api)
    publish(api)
    rsa, back = (record(shown(api), purpose) for purpose in ("dkim-rsa", "return-path"))
    for one in (rsa, back):
        zone(api).zone["there.example"] = {"TXT": [rsa["value"]], "CNAME": []}
        zone(api).zone[one["name"]] = {"CNAME": ["there.example"]}
    checked = verb(api, "check")
    assert record(checked, "dkim-rsa")["status"] == "OK"
    assert record(checked, "return-path")["text"] == (
        f"There is a CNAME record at psrp.{NAME} but it points to there.example which is incorrect. "
        f"It should point to {back['value']}."
    )
    assert not checked["dns_ok"]


def test_what_nobody_answers_changes_nothing(api: ApiWorld) -> None:
    make(api)
    publish(api)
    before = verb(api, "check")
    for one in wanted(api):
        zone(api).fail(one.name)
    api.scene.clock.advance(60)
    after = verb(api, "check")
    assert {one["status"] for one in after["records"]} == {"Unknown"}
    assert {name for name in after if after[name] != before[name]} == {"checked_at", "records"}


def test_a_check_ends_in_time(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api)
    publish(api)
    spf = zone(api)
    original = type(spf).txt

    async def slow(self: ScriptedResolver, name: str) -> tuple[str, ...]:
        if name.startswith("_dmarc"):
            await asyncio.sleep(60)
        return await original(self, name)

    monkeypatch.setattr(ScriptedResolver, "txt", slow)
    monkeypatch.setattr(looks, "CHECK_SECONDS", 0.2)
    found = verb(api, "check")
    assert record(found, "dmarc")["status"] == "Unknown"
    assert found["dns_ok"]


def test_an_operators_word_stands_for_the_records(api: ApiWorld) -> None:
    make(api)
    trusted = verb(api, "trust")
    assert (trusted["dns_ok"], trusted["dkim_ok"], trusted["return_path_ok"]) == (True, True, True)
    assert trusted["verified_at"] is not None
    assert {one["status"] for one in trusted["records"]} == {None}
    assert [one["ok"] for one in trusted["keys"]] == [True, True]
    log = entries(api)
    api.scene.clock.advance(60)
    assert verb(api, "trust") == trusted
    assert entries(api) == log


WRONG_CODE = (
    422,
    "invalid_request",
    "Invalid verification code. Please check and try again.",
    [("/code", "wrong")],
)


class ByMail:
    """A domain that is verified by mail, and the mail that was sent for it."""

    def __init__(self, api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.api = api
        self.sent: list[str] = []
        self.made = make(api, f"mail.{NAME}", verification_method="Email").json

        async def caught(_: Any, to: str, subject: str, text: str) -> None:
            self.sent.append(text)

        monkeypatch.setattr(domain_codes.SystemMail, "send", caught)

    def tell(self, **body: Any) -> Reply:
        return self.api.manage("POST", f"/domains/mail.{NAME}/verify", body, HERE)

    def wrong(self, code: str) -> tuple[Any, ...]:
        reply = self.tell(code=code)
        return (*refused(reply), reply.json["detail"], places(reply))

    def mailed(self, to: str) -> str:
        assert self.tell(send_to=to).status == 200
        return next(word for word in self.sent[-1].split() if len(word) == 6 and word.isdigit())


@pytest.fixture
def by_mail(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> ByMail:
    return ByMail(api, monkeypatch)


def test_a_domain_is_verified_by_a_mailed_code(by_mail: ByMail) -> None:
    assert "ownership" not in {one["purpose"] for one in by_mail.made["records"]}
    old = by_mail.mailed(f"HostMaster@{NAME}")
    code = by_mail.mailed(f"postmaster@mail.{NAME}")
    assert old == code or by_mail.wrong(old) == WRONG_CODE
    verified = by_mail.tell(code=f" {code} ").json
    assert verified["verified_at"] is not None
    assert by_mail.tell(code="0").json == verified
    assert by_mail.tell(send_to=f"admin@{NAME}").json == verified
    assert len(by_mail.sent) == 2
    log = str(by_mail.api.manage("GET", "/audit?limit=100", tenant="acme").json)
    assert "domain.verify" in log
    assert code not in log


def test_a_code_may_be_tried_five_times_within_an_hour(by_mail: ByMail) -> None:
    assert by_mail.wrong("123456") == WRONG_CODE
    code = by_mail.mailed(f"admin@{NAME}")
    other = "111111" if code != "111111" else "222222"
    for _ in range(5):
        assert by_mail.wrong(other) == WRONG_CODE
    assert by_mail.wrong(code) == WRONG_CODE
    code = by_mail.mailed(f"admin@{NAME}")
    by_mail.api.scene.clock.advance(HOUR)
    assert by_mail.wrong(code) == WRONG_CODE
    code = by_mail.mailed(f"admin@{NAME}")
    for _ in range(4):
        assert by_mail.wrong(other) == WRONG_CODE or other == code
    assert by_mail.tell(code=code).json["verified_at"] is not None


def test_an_address_gets_five_codes_an_hour(by_mail: ByMail) -> None:
    address = f"admin@{NAME}"
    for _ in range(5):
        by_mail.mailed(address)
    above = by_mail.tell(send_to=f" ADMIN@{NAME}")
    assert refused(above) == (429, "throttled")
    assert above.headers["ratelimit-policy"] == '"reset";q=5;w=3600'
    assert len(by_mail.sent) == 5
    by_mail.mailed(f"postmaster@{NAME}")
    by_mail.api.scene.clock.advance(HOUR)
    code = by_mail.mailed(address)
    assert by_mail.tell(code=code).json["verified_at"] is not None


def test_a_domain_is_checked_ten_times_a_minute(api: ApiWorld) -> None:
    make(api)
    for _ in range(10):
        verb(api, "check")
    for spelled in (
        NAME,
        NAME.upper(),
        f"{NAME}.",
        quote(f"\N{FULLWIDTH LATIN SMALL LETTER A}{NAME[1:]}"),
    ):
        above = api.manage("POST", f"/domains/{spelled}/check", tenant=HERE)
        assert refused(above) == (429, "throttled"), spelled
    assert above.headers["ratelimit-policy"] == '"dns";q=10;w=60'
    make(api, "other.example")
    assert api.manage("POST", "/domains/other.example/check", tenant=HERE).status == 200
    api.scene.clock.advance(60)
    verb(api, "check")


def test_a_code_goes_to_the_owners_addresses_alone(by_mail: ByMail) -> None:
    for address in (f"ada@{NAME}", "postmaster@other.example", "postmaster@example", "postmaster"):
        assert places(by_mail.tell(send_to=address)) == [("/send_to", "invalid")]
    assert by_mail.tell().status == 422
    both = by_mail.tell(code="1", send_to=f"admin@{NAME}")
    assert places(both) == [("/code", "not_both")]
    assert places(by_mail.tell()) == [("/code", "required")]
    assert by_mail.tell(code=5).status == 422
    assert by_mail.sent == []


def test_a_code_goes_out_as_all_mail_of_the_installation_does(api: ApiWorld) -> None:
    if api.scene.posthorn[Repository].__class__.__name__ != "SqliteRepository":
        pytest.skip("mail is looked at in memory")
    make(api, verification_method="Email")
    verb(api, "verify", body={"send_to": f"postmaster@{NAME}"})
    (message,) = all_messages(api.scene.posthorn)
    assert (message.rcpt_to, message.subject) == (
        f"postmaster@{NAME}",
        f"Verification code for {NAME}",
    )


def test_a_domain_with_a_record_is_not_verified_by_mail(api: ApiWorld) -> None:
    make(api)
    for body in ({"code": "123456"}, {"send_to": f"postmaster@{NAME}"}):
        assert refused(api.manage("POST", f"{AT}/verify", body, HERE)) == (409, "conflict")


def test_keys_rotate_without_a_gap(api: ApiWorld) -> None:
    make(api)
    publish(api)
    before = verb(api, "check")
    rotating = verb(api, "rotate")
    assert [one["state"] for one in rotating["keys"]] == ["active", "active", "next", "next"]
    assert rotating["dns_ok"]
    assert refused(api.manage("POST", f"{AT}/rotate", tenant=HERE)) == (409, "conflict")
    assert [one["state"] for one in verb(api, "check")["keys"]].count("next") == 2
    publish(api)
    done = verb(api, "check")
    assert [(one["state"], one["ok"]) for one in done["keys"]] == [
        ("active", True),
        ("active", True),
        ("retired", True),
        ("retired", True),
    ]
    assert {one["selector"] for one in done["keys"][2:]} == {
        one["selector"] for one in before["keys"]
    }
    assert [one["required"] for one in done["records"] if "dkim" in one["purpose"]] == [
        True,
        False,
        False,
        False,
    ]
    assert (done["dns_ok"], done["dkim_ok"]) == (True, True)
    assert len(verb(api, "rotate")["keys"]) == 6
    publish(api)
    api.scene.clock.advance(7 * DAY)
    left = verb(api, "check")["keys"]
    assert [one["state"] for one in left] == ["active", "active", "retired", "retired"]
    assert {one["selector"] for one in left}.isdisjoint(one["selector"] for one in before["keys"])


def test_a_proof_is_lost_with_its_record(api: ApiWorld) -> None:
    make(api)
    publish(api)
    proven = verb(api, "check")
    withdraw(api, Purpose.OWNERSHIP)
    losing = verb(api, "check")
    assert losing["verified_at"] == proven["verified_at"]
    assert losing["lapses_at"] is not None
    for _ in range(22):
        api.scene.clock.advance(8 * HOUR)
        losing = verb(api, "check")
    assert losing["verified_at"] is not None
    publish(api)
    assert verb(api, "check")["lapses_at"] is None
    withdraw(api, Purpose.OWNERSHIP)
    for _ in range(25):
        api.scene.clock.advance(7 * HOUR)
        lost = verb(api, "check")
    assert (lost["verified_at"], lost["lapses_at"], lost["dns_ok"]) == (None, None, False)
    sent = {"from": f"app@{NAME}", "to": "x@example.com", "text": "x"}
    assert api.v2("POST", "/emails", sent).status == 403
    last = entries(api)[-1]
    assert (last["action"], last["after"]["verified_at"]) == ("domain.check", None)


def test_every_change_is_told_once_and_checks_that_find_the_same_are_not(api: ApiWorld) -> None:
    make(api)
    publish(api)
    verb(api, "check")
    verb(api, "check")
    api.manage("PATCH", AT, {"incoming": True}, HERE)
    api.manage("PATCH", AT, {"incoming": True}, HERE)
    verb(api, "rotate")
    withdraw(api, Purpose.RETURN_PATH)
    api.scene.clock.advance(HOUR)
    assert hourly(api) == 1
    api.manage("DELETE", AT, tenant=HERE)
    log = entries(api)
    assert [one["action"] for one in log] == [
        "domain.create",
        "domain.check",
        "domain.update",
        "domain.rotate",
        "domain.check",
        "domain.delete",
    ]
    assert {one["tenant"] for one in log} == {HERE}
    assert [one["actor"]["kind"] for one in log] == ["key"] * 4 + ["system", "key"]
    assert log[1]["before"]["verified_at"] is None
    assert log[2]["after"] == {"incoming": True}
    assert "sealed" not in str(log)
    assert str(log).count("***") >= 4


def test_domains_that_were_checked_are_checked_each_hour(api: ApiWorld) -> None:
    make(api)
    make(api, "never.example")
    assert hourly(api) == 0
    publish(api)
    first = verb(api, "check")
    api.scene.clock.advance(HOUR - 600)
    verb(api, "check")
    assert hourly(api) == 0
    api.scene.clock.advance(600)
    withdraw(api, Purpose.SPF)
    assert hourly(api) == 1
    assert hourly(api) == 0
    second = shown(api)
    assert (second["dns_ok"], second["checked_at"]) == (False, first["next_check_at"])
    assert api.manage("GET", "/domains/never.example", tenant=HERE).json["checked_at"] is None


def test_one_domain_that_cannot_be_checked_keeps_no_other_from_its_turn(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.example", "b.example", "c.example"):
        make(api, name, "acme")
        api.manage("POST", f"/domains/{name}/check", tenant="acme")
    broken = Domains.records

    def records(self: Domains, domain: Domain) -> tuple[DnsRecord, ...]:
        if domain.name == "b.example":
            raise RuntimeError("broken on purpose")
        return broken(self, domain)

    monkeypatch.setattr(Domains, "records", records)
    api.scene.clock.advance(HOUR)
    assert hourly(api) == 2


def test_what_an_earlier_release_verified_stays_and_is_proven_by_its_record(api: ApiWorld) -> None:
    make(api)
    before = replace(stored(api), verified_at=5, dkim_ok=True)
    bootstrap.run(api.scene.posthorn[Repository].replace(DOMAINS, before))
    for _ in range(30):
        api.scene.clock.advance(8 * HOUR)
        found = verb(api, "check")
    assert (found["verified_at"] is None, found["lapses_at"]) == (False, None)
    publish(api)
    assert verb(api, "check")["verified_at"] == found["verified_at"]
    withdraw(api, Purpose.OWNERSHIP)
    assert verb(api, "check")["lapses_at"] is not None


def test_a_long_page_ends_early(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        make(api, f"d{number}.example", "acme")
    whole = api.manage("GET", "/domains", tenant="acme")
    monkeypatch.setattr("chalicelib.api.v2.domains.LARGEST_PAGE", len(whole.body) * 2 // 3 + 9)
    first = api.manage("GET", "/domains", tenant="acme").json
    assert (len(first["data"]), first["has_more"]) == (2, True)
    rest = api.manage("GET", f"/domains?cursor={first['next_cursor']}", tenant="acme").json
    assert [*first["data"], *rest["data"]] == whole.json["data"]


def told(api: ApiWorld) -> list[str]:
    state = bootstrap.run(api.scene.posthorn[DomainStates].of(stored(api)))
    return [one.kind.value for one in state.events]


def test_an_hourly_check_tells_of_a_servers_own_domain(
    api: ApiWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    make(api)
    publish(api)
    verb(api, "check")
    withdraw(api, Purpose.SPF)
    for _ in range(2):
        api.scene.clock.advance(HOUR)
        hourly(api)
        verb(api, "check")
    publish(api)
    verb(api, "check")
    api.scene.clock.advance(HOUR)
    hourly(api)
    assert told(api) == ["domain.dns_failed", "still failed", "domain.dns_recovered"]
    lines = [one.fields for one in caplog.records if one.message == "domain event"]  # type: ignore[attr-defined]
    assert [one["event"] for one in lines] == told(api)
    assert {(one["server_id"], one["domain"]) for one in lines} == {(api.scene.server.id, NAME)}
    failed, still, recovered = (one["records"].split(", ") for one in lines)
    assert "spf Missing" in failed
    assert failed == still
    assert "spf Missing" not in recovered


def test_two_hourly_checks_at_the_same_time_tell_once(api: ApiWorld) -> None:
    make(api)
    verb(api, "check")
    api.scene.clock.advance(HOUR)

    async def two() -> None:
        await asyncio.gather(*(check_domains(api.scene.posthorn) for _ in range(2)))

    bootstrap.run(two())
    assert told(api) == ["domain.dns_failed"]

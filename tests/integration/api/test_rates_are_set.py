"""Complaint and bounce rates through the API: who sets them, what is no rate, and where it shows what they hold."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Addition, Count, slot_of
from chalicelib.domain.tenancy.owners import of_organization
from chalicelib.domain.tenancy.rate_limits import Rate, RateHold
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.services.checks import CheckInstallation
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, places, refused
from tests.integration.api.test_v2_overview import overview

RATES = {"complaint_rate_limit": 0.3, "bounce_rate_limit": 5.25, "rate_limit_count": 500}
NONE = dict.fromkeys(RATES)
SERVER, ORGANIZATION, STREAM = "/servers/acme/app", "/organizations/acme", "/streams/broadcast"


def change(api: ApiWorld, at: str, body: dict[str, Any], key: str | None = None) -> Any:
    tenant = "acme/app" if at.startswith("/streams") else ""
    more = {} if key is None else {"key": key}
    return api.manage("PATCH", at, body, *([tenant] if tenant else []), **more)


def shown(api: ApiWorld, at: str) -> dict[str, Any]:
    found = api.manage("GET", at, None, *(["acme/app"] if at.startswith("/streams") else [])).json
    return {name: found[name] for name in RATES}


@pytest.mark.parametrize("at", [SERVER, ORGANIZATION, STREAM])
def test_operators_set_and_clear_them(api: ApiWorld, at: str) -> None:
    assert shown(api, at) == NONE
    changed = change(api, at, RATES)
    assert changed.status == 200
    assert shown(api, at) == RATES
    assert change(api, at, {"bounce_rate_limit": None}).status == 200
    assert shown(api, at) == {**RATES, "bounce_rate_limit": None}
    assert change(api, at, NONE).status == 200
    assert shown(api, at) == NONE


@pytest.mark.parametrize("at", [SERVER, ORGANIZATION, STREAM])
@pytest.mark.parametrize("field", RATES)
def test_others_do_not(api: ApiWorld, at: str, field: str) -> None:
    scopes = ["servers:write", "people:write", "suppressions:write"]
    reply = change(api, at, {field: 1}, a_key(api, *scopes))
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "installation:write")
    assert shown(api, at) == NONE


def test_who_operates_need_not_write_suppressions_to_set_those_of_a_stream(api: ApiWorld) -> None:
    operator = a_key(api, "installation:write", tenant="")
    assert change(api, STREAM, RATES, operator).status == 200
    reply = change(api, STREAM, {"unsubscribe": False}, operator)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "suppressions:write")


@pytest.mark.parametrize("at", [SERVER, ORGANIZATION, STREAM])
@pytest.mark.parametrize("field", ["complaint_rate_limit", "bounce_rate_limit"])
@pytest.mark.parametrize(
    "wrong", [0, -1, 0.001, 0.333, 100.01, 101, 1e300, True, "5", "5 %", [1], {"a": 1}]
)
def test_what_is_no_percentage_is_refused(api: ApiWorld, at: str, field: str, wrong: Any) -> None:
    reply = change(api, at, {field: wrong})
    assert reply.status == 422
    assert [pointer for pointer, _ in places(reply)] == [f"/{field}"]
    assert shown(api, at) == NONE


@pytest.mark.parametrize("at", [SERVER, ORGANIZATION, STREAM])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "5", 1_000_000_001])
def test_what_is_no_number_of_messages_is_refused(api: ApiWorld, at: str, wrong: Any) -> None:
    reply = change(api, at, {"rate_limit_count": wrong})
    assert [pointer for pointer, _ in places(reply)] == ["/rate_limit_count"]


@pytest.mark.parametrize("right", [0.01, 0.07, 0.29, 1, 33.33, 100])
def test_each_percentage_is_kept_as_it_is(api: ApiWorld, right: float) -> None:
    assert change(api, SERVER, {"bounce_rate_limit": right}).json["bounce_rate_limit"] == right


def test_they_are_given_when_an_owner_is_made(api: ApiWorld) -> None:
    made = api.manage("POST", "/organizations", {"name": "Other", **RATES}).json
    assert {name: made[name] for name in RATES} == RATES
    wanted = {"organization": "acme", "name": "Bulk", **RATES}
    made = api.manage("POST", "/servers", wanted).json
    assert {name: made[name] for name in RATES} == RATES
    assert made["rate_holds"] == []
    own = a_key(api, "servers:write")
    reply = api.manage("POST", "/servers", {**wanted, "name": "More"}, key=own)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "installation:write")


def test_a_stream_that_is_removed_leaves_no_limits(api: ApiWorld) -> None:
    api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, "acme/app")
    assert change(api, "/streams/news", RATES).status == 200
    assert api.manage("DELETE", "/streams/news", None, "acme/app").status == 204
    made = api.manage("POST", "/streams", {"name": "news", "type": "broadcast"}, "acme/app").json
    assert {name: made[name] for name in RATES} == NONE
    assert change(api, "/streams/nosuch", RATES).status == 404


def test_a_stream_with_limits_is_removed_by_operators_alone(api: ApiWorld) -> None:
    """Whoever is held would let all of it go so, and begin anew under the same name without limits."""
    for name in ("news", "plain"):
        api.manage("POST", "/streams", {"name": name, "type": "broadcast"}, "acme/app")
    assert change(api, "/streams/news", {"bounce_rate_limit": 5}).status == 200
    member = a_key(api, "suppressions:write")
    reply = api.manage("DELETE", "/streams/news", None, "acme/app", key=member)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "installation:write")
    assert shown(api, "/streams/news")["bounce_rate_limit"] == 5
    assert api.manage("DELETE", "/streams/plain", None, "acme/app", key=member).status == 204
    assert api.manage("DELETE", "/streams/broadcast", None, "acme/app", key=member).status == 409
    assert change(api, "/streams/news", NONE).status == 200
    assert api.manage("DELETE", "/streams/news", None, "acme/app", key=member).status == 204


def test_what_is_held_shows_at_the_server_and_in_the_checks(api: ApiWorld) -> None:
    program, server = api.scene.posthorn, api.scene.server
    now = int(api.scene.clock.now())
    hold = RateHold(Rate.COMPLAINT, "broadcast", 0.3, 5, 1_000, now, now + 3_600)
    bootstrap.run(program[Repository].note(SERVERS, server, rate_holds=(hold,)))
    (told,) = api.manage("GET", SERVER).json["rate_holds"]
    assert {name: told[name] for name in ("rate", "stream", "limit", "percent")} == {
        "rate": "complaint_rate",
        "stream": "broadcast",
        "limit": 0.3,
        "percent": 0.5,
    }
    assert {"since", "until"} < told.keys()
    found = {one["code"]: one for one in overview(api)["attention"]}
    assert (
        found["complaint_rate"]["detail"] == "new mail of the stream broadcast is held above 0.3 %"
    )

    checks = program[CheckInstallation]
    bootstrap.run(checks.run())
    findings = {one.name: one for one in bootstrap.run(checks.findings())}
    assert findings["rates"].detail == "New mail is held of acme/app (complaint rate)."
    bootstrap.run(program[Repository].note(SERVERS, server, rate_holds=()))
    api.scene.clock.advance(3_601)
    bootstrap.run(checks.run())
    findings = {one.name: one for one in bootstrap.run(checks.findings())}
    assert (findings["rates"].status.value, findings["rates"].detail) == ("ok", "")


def test_what_is_over_and_was_never_looked_at_again_shows_nowhere(api: ApiWorld) -> None:
    """A server that sends nothing any more, and whose mail was never held, is not looked at."""
    program, now = api.scene.posthorn, int(api.scene.clock.now())
    hold = RateHold(Rate.COMPLAINT, "broadcast", 0.3, 5, 1_000, now, now + 3_600)
    bootstrap.run(program[Repository].note(SERVERS, api.scene.server, rate_holds=(hold,)))
    api.scene.clock.advance(2 * 3_600 - 1)
    assert len(api.manage("GET", SERVER).json["rate_holds"]) == 1
    api.scene.clock.advance(1)
    assert api.manage("GET", SERVER).json["rate_holds"] == []
    (listed,) = api.manage("GET", "/servers?organization=acme").json["data"]
    assert listed["rate_holds"] == []
    assert "complaint_rate" not in {one["code"] for one in overview(api)["attention"]}
    bootstrap.run(program[CheckInstallation].run())
    findings = {one.name: one for one in bootstrap.run(program[CheckInstallation].findings())}
    assert "rates" not in findings or findings["rates"].status.value == "ok"


def test_the_check_names_a_few_of_many(api: ApiWorld) -> None:
    program, now = api.scene.posthorn, int(api.scene.clock.now())
    hold = RateHold(Rate.BOUNCE, "", 5.0, 50, 100, now, now + 3_600)
    for number in range(9):
        body = {"organization": "acme", "name": f"S{number}"}
        assert api.manage("POST", "/servers", body).status == 201
    for server in bootstrap.run(
        program[Repository].all(SERVERS, of_organization(api.scene.organization.id))
    ):
        bootstrap.run(program[Repository].note(SERVERS, server, rate_holds=(hold,)))
    bootstrap.run(program[CheckInstallation].run())
    findings = {one.name: one for one in bootstrap.run(program[CheckInstallation].findings())}
    assert findings["rates"].detail.endswith(" and 5 more.")


def test_without_rates_there_is_no_such_check(api: ApiWorld) -> None:
    checks = api.scene.posthorn[CheckInstallation]
    bootstrap.run(checks.run())
    assert "rates" not in {one.name for one in bootstrap.run(checks.findings())}


def test_the_overview_warns_from_four_fifths_on(api: ApiWorld) -> None:
    change(api, SERVER, {"bounce_rate_limit": 5, "rate_limit_count": 100})
    program, now = api.scene.posthorn, api.scene.clock.now()
    slot = slot_of(api.scene.server.id, Period.HOUR, now)

    def add(number: str, **counts: int) -> dict[str, Any]:
        named = {str(Count(name)): many for name, many in counts.items()}
        bootstrap.run(program[Statistics].add("t", slot, [Addition(number, named)]))
        return {one["code"]: one["detail"] for one in overview(api)["attention"]}

    assert "bounce_rate" not in add("1", sent_messages=960, refused_messages=40)
    told = add("2", refused_messages=5)
    assert told["bounce_rate"] == "4.48 % in 24 hours, and new mail is held above 5 %"


def test_a_change_is_in_the_audit_log(api: ApiWorld) -> None:
    change(api, SERVER, {"bounce_rate_limit": 5})
    change(api, STREAM, {"bounce_rate_limit": 6})
    entries = api.manage("GET", "/audit", None, "acme").json["data"]
    ours = [one for one in entries if one["action"] == "server.update"]
    assert ours[1]["after"] == {"bounce_rate_limit": 5}
    assert ours[0]["after"]["stream_rates"][0]["stream"] == "broadcast"


def test_a_limit_that_is_raised_above_the_rate_holds_nothing_at_once(api: ApiWorld) -> None:
    change(api, SERVER, {"bounce_rate_limit": 5, "rate_limit_count": 1})
    program, now = api.scene.posthorn, api.scene.clock.now()
    slot = slot_of(api.scene.server.id, Period.HOUR, now)
    counts = {str(Count.SENT_MESSAGES): 90, str(Count.REFUSED_MESSAGES): 10}
    bootstrap.run(program[Statistics].add("t", slot, [Addition("1", counts)]))
    hold = RateHold(Rate.BOUNCE, "", 5.0, 10, 100, int(now), int(now) + 3_600)
    bootstrap.run(program[Repository].note(SERVERS, api.scene.server, rate_holds=(hold,)))
    (still,) = change(api, SERVER, {"bounce_rate_limit": 9}).json["rate_holds"]
    assert still["limit"] == 9
    assert change(api, SERVER, {"bounce_rate_limit": 10}).json["rate_holds"] == []
    assert api.manage("GET", SERVER).json["rate_holds"] == []
    # Whether it holds mail that comes is looked at when it comes.
    assert change(api, SERVER, {"bounce_rate_limit": 2}).json["rate_holds"] == []

"""A domain is good as soon as it is added, because the local zone publishes it; told otherwise, a check says what."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import dns.message
import dns.query
import pytest

from tests.dns_zone import DnsZone
from tests.e2e.stack import RunningStack
from tests.patience import PATIENCE

Records = dict[str, dict[str, Any]]


class OwnDomain:
    """A domain of the demo server, and the local zone."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._put: set[str] = set()
        self.name = f"checked-{secrets.token_hex(6)}.example"
        self.published = self._by_purpose(self._manage("POST", "/domains", {"name": self.name}))

    def check(self) -> Records:
        """The records by purpose, as a check finds them."""
        return self._by_purpose(self._manage("POST", f"/domains/{self.name}/check"))

    def put(self, kind: str, name: str, values: list[str] | None) -> None:
        place = f"/_local/dns/{kind}/{quote(name)}"
        self._put.add(place)
        status, answer = self._stack.request("PUT", place, {"values": values})
        assert status == 200, answer

    def undo(self) -> None:
        """Everything that was put."""
        while self._put:
            assert self._stack.request("DELETE", self._put.pop())[0] == 200

    def remove(self) -> None:
        """As if it had not been."""
        self.undo()
        self._manage("DELETE", f"/domains/{self.name}")

    def _manage(self, method: str, path: str, body: object = None) -> Any:
        facts = self._stack.facts
        tenant = "{organization}/{name}".format(**facts["server"])
        headers = {
            "Authorization": f"Bearer {facts['management_key']}",
            "Posthorn-Tenant": tenant,
        }
        status, answer = self._stack.request(method, f"/api/v2{path}", body, headers)
        assert status in (200, 201, 204), (status, answer)
        return json.loads(answer) if answer else None

    def _by_purpose(self, shown: Any) -> Records:
        return {each["purpose"]: each for each in shown["records"]}


@pytest.fixture
def domain(stack: RunningStack) -> Iterator[OwnDomain]:
    own = OwnDomain(stack)
    yield own
    own.remove()


def wrong(records: Records) -> dict[str, str]:
    """The status of each record that is not OK."""
    return {name: each["status"] for name, each in records.items() if each["status"] != "OK"}


def test_what_a_check_finds_is_what_the_zone_answers(domain: OwnDomain) -> None:
    name, published = domain.name, domain.published
    assert wrong(domain.check()) == {}

    domain.put("TXT", name, [published["ownership"]["value"], "v=spf1 -all"])
    domain.put("mx", name, ["10 mx.elsewhere.example."])
    domain.put("CNAME", published["return-path"]["name"], ["elsewhere.example"])
    domain.put("TXT", published["dkim-ed25519"]["name"], None)
    domain.put("TXT", published["dmarc"]["name"], [])
    found = domain.check()
    assert wrong(found) == {
        "spf": "Invalid",
        "mx": "Missing",
        "return-path": "Invalid",
        "dkim-ed25519": "Unknown",
        "dmarc": "Missing",
    }
    assert found["spf"]["found"] == ["v=spf1 -all"]
    assert found["mx"]["found"] == ["10 mx.elsewhere.example"]
    assert "points to elsewhere.example which" in found["return-path"]["text"]
    assert "do not answer" in found["dkim-ed25519"]["text"]

    domain.undo()
    assert wrong(domain.check()) == {}


def test_a_key_may_lie_behind_aliases(domain: OwnDomain) -> None:
    key = domain.published["dkim-rsa"]
    first, second = f"a-{domain.name}", f"b-{domain.name}"
    domain.put("CNAME", key["name"], [f"{first}."])
    domain.put("CNAME", first, [second])
    assert wrong(domain.check()) == {"dkim-rsa": "Missing"}
    domain.put("TXT", second, ["v=DKIM1; p=" + "A" * 2_000])  # over TCP
    assert wrong(domain.check()) == {"dkim-rsa": "Invalid"}
    domain.put("TXT", second, [key["value"]])
    assert wrong(domain.check()) == {}
    domain.put("CNAME", second, [first])
    assert wrong(domain.check()) == {"dkim-rsa": "Missing"}


def test_a_dns_server_of_ones_own_is_asked_alone(start_stack: Callable[..., RunningStack]) -> None:
    with DnsZone() as zone:
        stack = start_stack({"POSTHORN_DNS": zone.server})
        domain = OwnDomain(stack)
        back = domain.published["return-path"]["name"]
        for target in ("first.test", "second.test"):  # which no cache hides
            zone.cname(back, target)
            found = domain.check()
            assert f"points to {target} which" in found["return-path"]["text"]
            assert found["ownership"]["status"] == "Missing"
        zone.txt(domain.name, domain.published["ownership"]["value"])
        assert domain.check()["ownership"]["status"] == "OK"
        zone.fail(domain.name, "SERVFAIL")
        assert domain.check()["spf"]["status"] == "Unknown"

        domain.put("TXT", domain.name, ["put"])
        assert domain.check()["spf"]["status"] == "Unknown"
        host, _, port = stack.facts["dns"].partition(":")
        query = dns.message.make_query(domain.name, "TXT")
        answer = dns.query.udp(query, host, PATIENCE, int(port))
        assert [each.to_text() for each in answer.answer[0]] == ['"put"']

"""The local zone answers what it was told over HTTP, of every type, until that is undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import pytest

from infra.local.dns import Published, Zone, serve
from infra.local.dns_answers import LARGEST, DnsPages, PutAnswers
from infra.local.exchange import Request
from infra.local.plan import any_free_port
from tests.patience import PATIENCE

PUBLISHED = (
    Published("TXT", "acme.test", "v=spf1 -all"),
    Published("CNAME", "psrp.acme.test", "rp.posthorn.test"),
)


class Local:
    """A zone, asked over UDP (TCP where it is cut) and told over HTTP."""

    def __init__(self, pages: DnsPages, port: int) -> None:
        self._pages = pages
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers = ["127.0.0.1"]
        self.resolver.port = self.port = port
        self.resolver.lifetime = 5

    def put(self, kind: str, name: str, values: list[str] | None) -> None:
        status, body = tell(self._pages, "PUT", f"/{kind}/{quote(name)}", {"values": values})
        assert status == 200, body

    def undo(self, kind: str, name: str) -> Any:
        status, body = tell(self._pages, "DELETE", f"/{kind}/{quote(name)}")
        assert status == 200, body
        return body

    def ask(self, name: str, kind: str) -> list[str] | str:
        """Values in order, or the response code."""
        try:
            found = self.resolver.resolve(name, kind)
        except dns.resolver.NoAnswer:
            return []
        except dns.resolver.NXDOMAIN:
            return "NXDOMAIN"
        except dns.resolver.NoNameservers:
            return "SERVFAIL"
        return sorted(each.to_text() for each in found)


def tell(pages: DnsPages, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of a request below `/_local/dns`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = pages(Request(method, f"/_local/dns{path}", {}, content))
    return answer.status, json.loads(answer.body)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    port = any_free_port(set(), udp_too=True)
    zone = Zone((), lambda: PUBLISHED, "psrp", PutAnswers(tmp_path / "dns.json"))
    servers = serve(zone, port)
    yield Local(DnsPages(zone.put), port)
    for server in servers:
        server.stop()
        server.server.server_close()


@pytest.mark.parametrize(
    ("kind", "name", "values", "found"),
    [
        ("A", "acme.test", ["192.0.2.1", "192.0.2.2"], ["192.0.2.1", "192.0.2.2"]),
        ("aaaa", "acme.test", ["2001:DB8::0:1"], ["2001:db8::1"]),
        ("txt", "acme.test", ["v=spf1 +all", ""], ['""', '"v=spf1 +all"']),
        ("Mx", "acme.test", ["5 mx.Example.com.", "0 ."], ["0 .", "5 mx.example.com."]),
        ("cname", "www.acme.test", ["Web.example."], ["web.example."]),
        ("ns", "acme.test", ["ns.example.com"], ["ns.example.com."]),
        ("PTR", "5.2.0.192.in-addr.arpa", ["host.example."], ["host.example."]),
        ("TXT", "_DMARC.Acme.test.", ["v=DMARC1"], ['"v=DMARC1"']),
        ("A", "bücher.test", ["192.0.2.9"], ["192.0.2.9"]),
        ("A", "there.invalid", ["192.0.2.9"], ["192.0.2.9"]),
        ("A", "a.servfail.test", ["192.0.2.9"], ["192.0.2.9"]),
    ],
)
def test_each_type_is_answered_as_put_and_as_before_when_undone(
    local: Local, kind: str, name: str, values: list[str], found: list[str]
) -> None:
    asked = name.encode("idna").decode() if not name.isascii() else name
    before = local.ask(asked, kind)
    local.put(kind, name, values)
    assert local.ask(asked, kind) == found
    local.put(kind, name, [])
    assert local.ask(asked, kind) == []
    local.put(kind, name, None)
    assert local.ask(asked, kind) == "SERVFAIL"
    assert local.undo(kind, name) == {"deleted": 1}
    assert local.ask(asked, kind) == before
    assert local.undo(kind, name) == {"deleted": 0}


def test_other_types_and_names_are_as_before(local: Local) -> None:
    local.put("TXT", "acme.test", None)
    assert local.ask("acme.test", "A") == ["127.0.0.1"]
    assert local.ask("acme.test", "MX") == ["10 inbox.posthorn.test."]
    assert local.ask("sub.acme.test", "TXT") == []
    local.put("A", "there.invalid", ["192.0.2.9"])
    assert local.ask("there.invalid", "TXT") == []
    assert local.ask("elsewhere.invalid", "A") == "NXDOMAIN"


def test_an_alias_wins_over_every_other_type(local: Local) -> None:
    local.put("TXT", "key.acme.test", ["hidden"])
    local.put("TXT", "key.provider.test", ["shown"])
    local.put("CNAME", "key.acme.test", ["key.provider.test"])
    assert local.ask("key.acme.test", "TXT") == ['"shown"']
    assert local.ask("key.acme.test", "A") == ["127.0.0.1"]
    local.put("TXT", "key.provider.test", None)
    assert local.ask("key.acme.test", "TXT") == "SERVFAIL"
    local.put("CNAME", "key.acme.test", ["nowhere.invalid"])
    assert local.ask("key.acme.test", "TXT") == "NXDOMAIN"
    local.put("CNAME", "key.acme.test", [])
    assert local.ask("key.acme.test", "TXT") == ['"hidden"']


def test_a_published_alias_gives_way(local: Local) -> None:
    assert local.ask("psrp.acme.test", "CNAME") == ["rp.posthorn.test."]
    local.put("TXT", "psrp.acme.test", ["own"])
    assert local.ask("psrp.acme.test", "TXT") == ['"own"']
    assert local.ask("psrp.acme.test", "CNAME") == ["rp.posthorn.test."]
    for values in ([], ["elsewhere.test"]):
        local.put("CNAME", "psrp.acme.test", values)
        assert local.ask("psrp.acme.test", "CNAME") == [f"{each}." for each in values]


def test_a_circle_of_aliases_ends(local: Local) -> None:
    local.put("CNAME", "one.test", ["two.test"])
    local.put("CNAME", "two.test", ["one.test"])
    assert local.ask("one.test", "CNAME") == ["two.test."]
    for kind in ("A", "TXT"):
        query = dns.message.make_query("one.test", kind)
        answer = dns.query.udp(query, "127.0.0.1", PATIENCE, local.port)
        assert answer.rcode() == dns.rcode.NOERROR
        assert {each.rdtype for each in answer.answer} == {dns.rdatatype.CNAME}


def test_a_text_may_be_of_any_length(local: Local) -> None:
    text = "é" * 15_000
    local.put("TXT", "long.test", [text])
    [found] = local.resolver.resolve("long.test", "TXT")
    assert b"".join(found.strings) == text.encode()


def test_what_was_put_outlives_the_process_and_is_listed(local: Local, tmp_path: Path) -> None:
    local.put("TXT", "acme.test", ["a"])
    local.put("MX", "acme.test", None)
    again = DnsPages(PutAnswers(tmp_path / "dns.json"))
    assert tell(again, "GET", "")[1] == [
        {"type": "TXT", "name": "acme.test", "values": ["a"]},
        {"type": "MX", "name": "acme.test", "values": None},
    ]
    (tmp_path / "dns.json").write_text('[["A"')
    assert not PutAnswers(tmp_path / "dns.json").all


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/TXT/acme.test", b"", 400),
        ("/TXT/acme.test", b"[" * 100_000, 400),
        ("/TXT/acme.test", b"\xff", 400),
        ("/TXT/acme.test", [], 400),
        ("/TXT/acme.test", {}, 400),
        ("/TXT/acme.test", {"values": "text"}, 400),
        ("/TXT/acme.test", {"values": ["text", 1]}, 400),
        ("/TXT/acme.test", {"values": {}}, 400),
        ("/TXT/acme.test", {"values": [], "ttl": 1}, 400),
        ("/TXT/acme.test", {"values": ["\ud800"]}, 422),
        ("/TXT/acme.test", {"values": ["x" * LARGEST]}, 422),
        ("/SRV/acme.test", {"values": []}, 422),
        ("/TXT/a..test", {"values": []}, 422),
        (f"/TXT/{'x' * 64}.test", {"values": []}, 422),
        ("/TXT/a%20b", {"values": []}, 422),
        ("/TXT/.", {"values": []}, 422),
        ("/A/acme.test", {"values": ["::1"]}, 422),
        ("/AAAA/acme.test", {"values": ["127.0.0.1"]}, 422),
        ("/MX/acme.test", {"values": ["mx.example.com"]}, 422),
        ("/MX/acme.test", {"values": ["65536 mx.example.com"]}, 422),
        ("/MX/acme.test", {"values": ["10 a..b"]}, 422),
        ("/CNAME/acme.test", {"values": ["a.test", "b.test"]}, 422),
        ("/CNAME/acme.test", {"values": [""]}, 422),
        ("/PTR/acme.test", {"values": ["no name"]}, 422),
        ("/TXT", {"values": []}, 404),
        ("/TXT/a/b", {"values": []}, 404),
        ("", {"values": []}, 404),
    ],
)
def test_what_cannot_be_answered_is_refused(path: str, body: object, status: int) -> None:
    pages = DnsPages(PutAnswers())
    found, said = tell(pages, "PUT", path, body)
    assert found == status, said
    assert set(said) == {"message"}
    assert "\n" not in said["message"]
    assert tell(pages, "GET", "") == (200, [])


def test_other_methods_are_refused() -> None:
    assert tell(DnsPages(PutAnswers()), "POST", "/TXT/acme.test", {"values": []})[0] == 405

"""With POSTHORN_DNS another server is asked for everything, and the local zone still answers what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query

from tests.dns_zone import DnsZone
from tests.e2e.stack import ROOT, RunningStack
from tests.patience import PATIENCE


def verify(stack: RunningStack) -> dict[str, dict[str, Any]]:
    """The findings of a check of the demo domain, by purpose."""
    clean = {name: each for name, each in os.environ.items() if not name.startswith("POSTHORN_")}
    done = subprocess.run(
        [sys.executable, "-m", "chalicelib.cli", "--json", "domain", "verify", "demo.test"],
        env=clean | {"POSTHORN_STATE": str(stack.state), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout, done.stderr
    return {each["purpose"]: each for each in json.loads(done.stdout)["findings"]}


def test_checks_ask_it_alone(start_stack: Callable[..., RunningStack]) -> None:
    with DnsZone() as zone:
        stack = start_stack({"POSTHORN_DNS": zone.server})
        zone.cname("psrp.demo.test", "first.test")
        zone.cname("_dmarc.demo.test", "dmarc.provider.test")
        zone.txt("dmarc.provider.test", "v=DMARC1; p=reject")
        for target in ("first.test", "second.test"):  # which no cache hides
            zone.cname("psrp.demo.test", target)
            found = verify(stack)
            assert target in found["return-path"]["text"]
        assert found["dmarc"]["status"] == "OK"
        assert found["ownership"]["status"] == "Missing"
        zone.fail("demo.test", "SERVFAIL")
        assert verify(stack)["spf"]["status"] == "Unknown"
        place = "/_local/dns/TXT/demo.test"
        assert stack.request("PUT", place, {"values": ["put"]})[0] == 200
        host, _, port = stack.facts["dns"].partition(":")
        query = dns.message.make_query("demo.test", "TXT")
        answer = dns.query.udp(query, host, PATIENCE, int(port))
        assert [each.to_text() for each in answer.answer[0]] == ['"put"']
        assert verify(stack)["spf"]["status"] == "Unknown"

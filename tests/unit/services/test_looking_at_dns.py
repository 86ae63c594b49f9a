"""The look-ups of a check: each question once, all at the same time, bounded in number and time, none left behind."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from chalicelib.domain.dns.records import DnsRecord, records_for
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.findings import Finding, Purpose
from chalicelib.ports.name_servers import NameServers
from chalicelib.services.tenancy.published import MOST_POLICIES, TOO_LATE, look_at
from tests.unit.domain.dns.test_records import DOMAIN, NAMES

OURS = "include:spf.ph.example"
ALL = records_for(DOMAIN, NAMES)
SPF = next(one for one in ALL if one.purpose is Purpose.SPF)
DMARC = next(one for one in ALL if one.purpose is Purpose.DMARC)


class Written(NameServers):
    """Name servers that publish texts by name, take their time, and count what they are asked."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("__", "."): (text,) for name, text in texts.items()}
        self.asked: Counter[tuple[str, str]] = Counter()
        self.silent: set[str] = set()
        self.away: set[str] = set()
        self.running = self.most_running = 0

    async def published(self, name: str, kind: str) -> tuple[str, ...]:
        self.asked[name, kind] += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(3_600 if name in self.silent else 0.001)
        finally:
            self.running -= 1
        if name in self.away:
            raise TemporaryFailure(f"The name servers of {name} do not answer.")
        return self.texts.get(name, ())


async def found_of(servers: NameServers, record: DnsRecord) -> Finding:
    (finding,) = await look_at(servers, [record])
    return finding


async def test_no_question_is_asked_twice_and_all_are_asked_at_once() -> None:
    servers = Written()
    findings = await look_at(servers, ALL)
    assert [(one.purpose, one.name) for one in findings] == [(one.purpose, one.name) for one in ALL]
    assert set(servers.asked.values()) == {1}
    assert servers.most_running >= 8
    assert servers.running == 0


async def test_what_has_not_answered_in_time_is_unknown_and_nothing_goes_on() -> None:
    servers = Written()
    servers.silent = {"psrp.acme.example", "acme.example"}
    findings = await look_at(servers, ALL, seconds=0.05)
    unknown = {one.purpose for one in findings if one.text == TOO_LATE}
    assert unknown == {Purpose.OWNERSHIP, Purpose.SPF, Purpose.MX, Purpose.RETURN_PATH}
    assert {one.status for one in findings} == {"Unknown", "Missing"}
    assert servers.running == 0
    assert len(asyncio.all_tasks()) == 1


async def test_a_caller_who_gives_up_leaves_nothing_behind() -> None:
    servers = Written()
    servers.silent = {"acme.example"}
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(look_at(servers, ALL), 0.05)
    assert servers.running == 0


async def test_look_ups_of_included_policies_are_counted_level_by_level() -> None:
    servers = Written(
        acme__example=f"v=spf1 include:a.example {OURS} -all",
        a__example="v=spf1 a mx ptr include:b.example",
        b__example="v=spf1 a mx ptr a:x redirect=c.example",
        c__example="v=spf1 ip4:192.0.2.1",
    )
    finding = await found_of(servers, SPF)
    assert finding.text == (
        "The SPF record of acme.example takes 11 DNS look-ups. There should be at most 10."
    )
    servers.away = {"b.example"}
    assert (await found_of(servers, SPF)).status == "OK"


async def test_a_policy_that_includes_itself_is_wrong() -> None:
    servers = Written(acme__example=f"v=spf1 {OURS} include:acme.example -all")
    finding = await found_of(servers, SPF)
    assert finding.status == "Invalid"
    assert "There should be at most 10." in finding.text


@pytest.mark.parametrize(
    "policy",
    [
        f"v=spf1 {OURS} " + " ".join(f"include:i{n}.example" for n in range(3_000)),
        f"v=spf1 {OURS} include:n0.example",
    ],
    ids=["wide", "deep"],
)
async def test_a_policy_that_leads_everywhere_is_followed_so_far(policy: str) -> None:
    servers = Written(acme__example=policy)
    for number in range(200):
        text = f"v=spf1 include:n{number + 1}.example include:n{number}.example"
        servers.texts[f"n{number}.example"] = (text,)
    finding = await found_of(servers, SPF)
    assert finding.status == "Invalid"
    assert "DNS look-ups. There should be at most 10." in finding.text
    assert sum(servers.asked.values()) <= MOST_POLICIES + 1


async def test_a_parents_dmarc_record_counts_when_it_is_one() -> None:
    servers = Written(_dmarc__example="v=DMARC1; p=reject; psd=y")
    assert (await found_of(servers, DMARC)).status == "OK"
    servers.texts["_dmarc.example"] *= 2
    assert (await found_of(servers, DMARC)).status == "Missing"
    servers.away = {"_dmarc.example"}
    assert (await found_of(servers, DMARC)).status == "Unknown"
    servers.texts["_dmarc.acme.example"] = ("v=DMARC1; p=none",)
    assert (await found_of(servers, DMARC)).status == "OK"

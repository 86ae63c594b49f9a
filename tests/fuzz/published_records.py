"""Fuzz target: whatever is published beside what is wanted, there is a verdict, and our include can be added."""

from __future__ import annotations

from chalicelib.domain.dns import spf
from chalicelib.domain.dns.compare import compare, compare_mx
from chalicelib.domain.dns.records import records_for
from chalicelib.domain.tenancy.findings import MOST_OCTETS, Purpose, RecordStatus
from tests.unit.domain.dns.test_records import DOMAIN, NAMES

ALL = records_for(DOMAIN, NAMES)
MX = [record for record in ALL if record.purpose is Purpose.MX]
SEEDS = (
    *(record.value.encode() for record in ALL),
    b"v=spf1 include:_spf.example.net ip4:192.0.2.0/24 redirect=a.example ?all\nv=spf1",
)
WORDS = (
    b"v=spf1 ", b"include:", b"redirect=", b"all", b" -", b"+", b"%{i}", b"/24", b"\n", b"; ", b"\t",
    b"v=DMARC1", b"v=STSv1", b"p=", b"10 ", b".", b"spf.ph.example", "é".encode(), b"\0", b"\xff",
)  # fmt: skip


def fuzz_published_records(data: bytes) -> None:
    """One text a line, at every name."""
    found = data.decode("utf-8", "replace").split("\n")
    for record in ALL:
        if record.purpose is not Purpose.MX:
            finding = compare(record, found)
            assert (finding.status is RecordStatus.OK) == (finding.text == "")
            assert sum(len(text.encode()) for text in finding.found) <= MOST_OCTETS
    assert len(compare_mx(MX, found)) == len(MX)
    for policy in spf.policies(found):
        assert spf.look_ups(policy, {"a.example": spf.costs(policy)}) >= 0
        added = spf.with_include(policy, NAMES.spf_include)
        assert spf.includes(added, NAMES.spf_include)
        assert spf.policies([added]) == (added,)

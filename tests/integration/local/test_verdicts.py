"""What the inbox says of a signature is what other verifiers say."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.inbox_store import InboxStore
from infra.local.verdict import Judge
from tests.dkim_keys import RECORDS, signed
from tests.dns_zone import DnsZone


@pytest.mark.parametrize("name", [b"From :", b"from\t:", b"From:"])
def test_a_signature_over_a_name_with_blanks_behind_it_passes(tmp_path: Path, name: bytes) -> None:
    store = InboxStore(tmp_path, lambda: 1_700_000_000.5)
    plain = name + b" a@example.com\r\nSubject : x\r\n\r\nno : field\r\n"
    content = b"".join([*signed(plain), plain])
    with DnsZone() as zone:
        for record, text in RECORDS.items():
            zone.txt(record, text)
        judge = Judge(zone.server)
        verdict = judge.judge(store.add("s@x", "r@x", content, "x", "127.0.0.1:5"), content)
        changed = content.replace(b"no : field", b"no: field")
        other = judge.judge(store.add("s@x", "r@x", changed, "x", "127.0.0.1:5"), changed)
    assert (verdict.dkim, [each.valid for each in verdict.signatures]) == ("pass", [True, True])
    assert other.dkim == "fail"

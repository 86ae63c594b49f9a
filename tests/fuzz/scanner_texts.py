"""Fuzz target: whatever a scanner answers, what is kept of it is bounded and can be stored."""

from __future__ import annotations

import json
import math

from chalicelib.domain.incoming.scanner_answers import read_clamd, read_rspamd, read_spamd
from tests.unit.domain.incoming.test_scanner_answers import SPAMD

SEEDS = (
    SPAMD,
    b'{"score": 1.5, "symbols": {"A": {"name": "A", "score": 1, "description": "x"}}}',
    b"stream: Eicar FOUND\0",
)
WORDS = (
    b"\r\n", b"\n", b"Spam: True ; ", b" / 5.0", b"---- --- ---\n", b" 1.0 RULE  text\n", b"1e999", b"NaN",
    b"[", b"{", b'"score":', b'"\\ud800"', b"FOUND", b"OK", b"stream: ", b"\0", b"\xff",
)  # fmt: skip


def fuzz_scanner_answers(data: bytes) -> None:
    """All three readers."""
    for scored in (
        read_spamd(data, is_outgoing=False),
        read_spamd(data, is_outgoing=True),
        read_rspamd(data),
    ):
        if scored is not None:
            assert math.isfinite(scored.score)
            assert len(scored.checks) <= 100
            for check in scored.checks:
                assert math.isfinite(check.score)
                assert len(check.code) + len(check.description) <= 300
                json.dumps([check.code, check.description]).encode()
    threat = read_clamd(data)
    if threat is not None:
        assert 0 < len(threat.details) <= 200

"""Fuzz target of what the API reads before it looks at fields: JSON, base64, and the count of what a value holds."""

from __future__ import annotations

import base64
import json

from chalicelib.api.base64_text import read_base64, without_data_url
from chalicelib.api.json_body import parse_json
from chalicelib.api.v1.envelope import ParameterFault
from chalicelib.api.v1.parameters import decoded
from chalicelib.api.v2.bounds import LONGEST_STEP, excess

SEEDS = (
    b'{"subject": "NaN", "to": ["a@b.test", null], "headers": {"X-A": 1.5e9}}',
    b'["NaN",' + b"[" * 300,
    b"QUJD",
    b"data:text/plain;base64,QU\r\nI=",
    b"QUJ-_w==",
)
WORDS = (
    b"NaN",
    b"Infinity",
    b"[",
    b'{"a":',
    b'"\\ud800"',
    b"1e999",
    b"=",
    b"==",
    b"data:",
    b";base64,",
    b",",
)
DEEPEST = 200


def fuzz_request(data: bytes) -> None:
    """JSON is read or a ValueError; base64 is what the standard library says of it or refused."""
    _json(data)
    _base64(data.decode("latin-1"))


def _json(data: bytes) -> None:
    try:
        value = parse_json(data)
    except ValueError:
        return
    assert json.loads(data) == value
    if isinstance(value, dict | list):
        fault = excess(value)
        steps = [] if fault is None else fault.pointer.split("/")
        assert all(len(step) <= 2 * LONGEST_STEP + 1 for step in steps)
        assert len(steps) <= DEEPEST + 2


def _base64(text: str) -> None:
    try:
        found = read_base64(text)
    except ValueError:
        found = None
    compact = "".join(text.split(" ")).translate(dict.fromkeys(map(ord, "\t\r\n\v\f")))
    if found is not None:
        assert len(compact) == len(base64.b64encode(found))
        assert base64.b64decode(compact, validate=True) == found
    try:
        read = decoded("data", text)
    except ParameterFault:
        return
    assert read in (b"", found) or without_data_url(text) != text

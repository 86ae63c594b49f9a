"""The fuzz targets, one line each: a name, and `module:function` of a function that takes bytes.

The function checks what must hold for any input and raises on a violation. Its module may have `SEEDS`, a tuple of
inputs to start from, and `WORDS`, a tuple of tokens to insert.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

TARGETS = {
    "header": "tests.fuzz.mail_bytes:fuzz_header",
    "encoded words": "tests.fuzz.mail_bytes:fuzz_encoded_words",
    "mime": "tests.fuzz.mail_bytes:fuzz_mime",
    "content": "tests.fuzz.mail_bytes:fuzz_content",
    "payloads": "tests.fuzz.payloads:fuzz_payloads",
    "seven bit": "tests.fuzz.mail_bytes:fuzz_seven_bit",
    "mending": "tests.fuzz.mail_bytes:fuzz_mending",
    "parameters": "tests.fuzz.mail_bytes:fuzz_parameters",
    "address": "tests.fuzz.mail_bytes:fuzz_address",
    "route patterns": "tests.fuzz.route_patterns:fuzz_route_patterns",
    "domain name": "tests.fuzz.domain_names:fuzz_domain_name",
    "destination": "tests.fuzz.destinations:fuzz_destination",
    "dkim": "tests.fuzz.mail_bytes:fuzz_dkim",
    "tokens": "tests.fuzz.mail_bytes:fuzz_tokens",
    "tracking": "tests.fuzz.tracked_content:fuzz_tracking",
    "request": "tests.fuzz.request_texts:fuzz_request",
    "name server answers": "tests.fuzz.name_server_answers:fuzz_name_server_answers",
    "published records": "tests.fuzz.published_records:fuzz_published_records",
    "reports": "tests.fuzz.reports:fuzz_reports",
    "csv": "tests.fuzz.csv_files:fuzz_csv",
    "server replies": "tests.fuzz.server_replies:fuzz_server_replies",
    "incoming head": "tests.fuzz.incoming_head:fuzz_incoming_head",
    "signed fields": "tests.fuzz.signatures_of_others:fuzz_signed_fields",
    "published policies": "tests.fuzz.signatures_of_others:fuzz_policies",
    "scanner answers": "tests.fuzz.scanner_texts:fuzz_scanner_answers",
    "searches": "tests.fuzz.searches:fuzz_searches",
}


@dataclass(frozen=True, slots=True)
class Target:
    """A loaded target."""

    name: str
    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]


def load(name: str) -> Target:
    """Import a target by its name."""
    module_name, _, function = TARGETS[name].partition(":")
    module = importlib.import_module(module_name)
    seeds = getattr(module, "SEEDS", ()) or (b"",)
    return Target(
        name, getattr(module, function), tuple(seeds), tuple(getattr(module, "WORDS", ()))
    )

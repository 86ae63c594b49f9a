"""Causes of refusals: how many a second, against one search of the same texts by a regular expression of all rules."""

from __future__ import annotations

import re

from bench.table import Row, interleaved, print_table
from chalicelib.domain.incoming.causes import PROVIDERS, WORDS, cause_of

REPLIES = (
    (550, "5.1.1", "The email account that you tried to reach does not exist. Please try double-checking"),
    (421, "4.7.0", "[TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume"),
    (550, "", "Requested action not taken: mailbox unavailable"),
    (552, "5.2.2", "<bob@example.com>: mailbox full"),
    (554, "5.7.1", "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"),
    (450, "4.2.0", "<bob@example.com>: Recipient address rejected: Greylisted, see http://example.com"),
    (554, "5.0.0", "Nobody has ever said this, so that each rule is asked before the code is"),
)  # fmt: skip


def of_ours() -> None:
    """The causes of all replies."""
    for reply in REPLIES:
        cause_of(*reply)


def run() -> list[Row]:
    """How long one takes, and how many fit into a second of one processor."""
    pieces = (".*".join(map(re.escape, rule.pieces)) for rule in (*PROVIDERS, *WORDS))
    pattern = re.compile("|".join(pieces))

    def of_pattern() -> None:
        for _, _, text in REPLIES:
            pattern.search(text.lower())

    taken = interleaved({"ours": of_ours, "pattern": of_pattern})
    one = taken["ours"] / len(REPLIES)
    ratio = taken["ours"] / taken["pattern"]
    return [
        Row("cause of a refusal, to one regular expression", one * 1e6, "µs", ratio, "<= 1x", ratio <= 1),
        Row("causes", 1 / one, "1/s"),
    ]  # fmt: skip


if __name__ == "__main__":
    print_table(run())

"""The result of one attempt at sending a message, as one value for the record and for the next
decision.

`output` is hostile text: exactly what the remote said, cut at 250 characters. It promises nothing
about suppression, retries left or webhooks; those are decided by whoever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.transcript import Heard

LONGEST_OUTPUT = 250
LEAST_HOST_SECONDS = 45.0
"""What a host gets to be reached, however many wait: enough for a greeting after 40 s, and for clear text after a
STARTTLS that was never answered."""


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """One attempt. `seconds` is how long it took; `retry_hint` how many seconds the remote asked to wait, in place of
    the schedule, `least_wait` how many are waited at least. `outcome_unknown`: the final dot was sent and no reply was
    read, so the remote may have the message. `about_us`: a failure that says nothing of the recipient. `cause` is why
    it failed (api.md 2.12), empty when it did not or nothing was tried. `remote` and `source` are None when nothing was
    connected to. `provider` is who receives for the recipient's domain, None where nobody asked.
    `heard` is what was said to the host that decided, or the last one."""

    verdict: Verdict
    details: str
    output: str | None = None
    tls: str | None = None
    source: str | None = None
    remote: str | None = None
    seconds: float = 0.0
    retry_hint: int | None = None
    least_wait: int = 0
    outcome_unknown: bool = False
    about_us: bool = False
    cause: str = ""
    provider: str | None = None
    heard: Heard | None = None

    @property
    def sent_with_ssl(self) -> bool:
        """True when the conversation was encrypted."""
        return self.tls is not None

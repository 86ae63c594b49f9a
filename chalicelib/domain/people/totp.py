"""Codes that a person's authenticator app shows: TOTP (RFC 6238) of 6 digits, 30 seconds and SHA-1, which is what every
app can.

A code is taken one step of 30 seconds before and after its own, and once: whoever keeps the step that was last used
gives it to the next look. Nothing here knows the time or makes a seed.
"""

from __future__ import annotations

import base64
import hmac
from urllib.parse import quote, urlencode

SEED_BYTES = 20  # as long as the digest (RFC 4226 section 4)
STEP_SECONDS = 30
DIGITS = 6
_STEPS_BESIDE = 1


def code_of(seed: bytes, step: int) -> str:
    """The code of a step, counted from 1970 (RFC 4226 section 5.3)."""
    digest = hmac.digest(seed, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 0x0F
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(seed: bytes, code: str, now: float, last: int) -> int | None:
    """The step that a code belongs to at this time (epoch seconds), later than the `last` that was used; None for a
    code that is wrong, too old, or was used. Blanks in it do not matter."""
    typed = "".join(code[:32].split())
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return None
    present = int(now // STEP_SECONDS)
    found = None
    for step in range(max(0, present - _STEPS_BESIDE), present + _STEPS_BESIDE + 1):
        # All are compared, so that the time does not tell which one it was.
        if hmac.compare_digest(code_of(seed, step), typed) and step > last and found is None:
            found = step
    return found


def seed_text(seed: bytes) -> str:
    """The seed as people type it into an app."""
    return base64.b32encode(seed).decode().rstrip("=")


def enrolment_uri(seed: bytes, account: str, issuer: str) -> str:
    """What an app reads from a QR code: whose seed it is, and where it is for."""
    issuer = issuer.replace(":", " ")  # the colon parts issuer and account
    label = quote(f"{issuer}:{account}", safe="@")
    query = urlencode(
        {
            "secret": seed_text(seed),
            "issuer": issuer,
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": STEP_SECONDS,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{label}?{query}"

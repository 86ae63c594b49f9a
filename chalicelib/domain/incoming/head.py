"""The head of an incoming message as it is shown and passed on: what was found of it in front, what was forged gone.

In front stand the four X-Postal fields and Authentication-Results (RFC 8601), then the message as it was accepted, its
Received field first. Of what came along, fields of these four names and Authentication-Results that speak with our name
are cut out, wherever in the header they stand; every other byte stays as it is. A name is read in the first 65,536
octets of its field, behind comments that hold others at most 20 deep: a field whose name cannot be read there goes too,
since others may read ours. Linear, for any bytes. Nothing is found out here.
"""

from __future__ import annotations

import re

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.inspection import Authentication, Inspection
from chalicelib.domain.mail.comments import COMMENT
from chalicelib.domain.mail.headers import find_body

# A field with the CRLF in front of it, without its own. Of a block that begins with a CRLF all is found so, quickly.
_REST = rb"[ \t]*+:(?>[^\r]++|\r\n[ \t]|\r(?!\n))*+"
_POSTAL = re.compile(
    rb"\r\nx-postal-(?:spam-threshold|spam-score|spam|threat)" + _REST, re.IGNORECASE
)
_RESULTS = re.compile(rb"\r\nauthentication-results" + _REST, re.IGNORECASE)
_BEFORE = rb"[^:]++:(?>[\s)]|" + COMMENT + rb")*+"
_NOTHING = re.compile(_BEFORE + rb"\Z", re.DOTALL)
_AUTHSERV_ID = re.compile(_BEFORE + rb"(?:\"((?>[^\"\\]++|\\.)*+)|([^\s;\"()]++))", re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
_NO_PHRASE = re.compile(r"[^A-Za-z0-9._ -]")
_LONGEST_VALUE = 255
_LONGEST_BEGINNING = 65_536


def with_head(stored: bytes, inspection: Inspection | None, hostname: str) -> bytes:
    """The message as it is read by people and endpoints.

    `stored` as it was accepted; `hostname` the name that we give ourselves in SMTP, which is our authserv-id. A message
    that was not inspected yet (None) gets nothing in front. Never raises.
    """
    front = fields(inspection, hostname) if inspection else b""
    end = find_body(stored, 0, len(stored))
    block = b"\r\n" + stored[:end]
    kept = _without_forged(block, hostname)
    if not front and len(kept) == len(block):
        return stored
    # Slices of a view copy nothing.
    return b"".join((front, memoryview(kept)[2:], memoryview(stored)[end:]))


def fields(inspection: Inspection, hostname: str) -> bytes:
    """The complete fields that stand in front (api.md 2.10)."""
    spam = inspection.spam
    score = one_decimal(spam.score) if spam.scanner else "0"
    lines = (
        f"X-Postal-Spam: {_yes(spam.score > spam.threshold)}",
        f"X-Postal-Spam-Threshold: {one_decimal(spam.threshold)}",
        f"X-Postal-Spam-Score: {score}",
        f"X-Postal-Threat: {_yes(inspection.threat.found)}",
        f"Authentication-Results: {results(inspection.authentication, hostname)}",
        "",
    )
    return "\r\n".join(lines).encode("ascii")


def results(found: Authentication, hostname: str) -> str:
    """The value of Authentication-Results, and of ARC-Authentication-Results behind its instance: folded, ASCII."""
    spf, dmarc = found.spf, found.dmarc
    said = [_result("spf", spf.result, {"smtp.mailfrom": spf.domain})]
    said += [
        _result("dkim", one.result, {"header.d": one.domain, "header.s": one.selector})
        for one in found.dkim
    ] or ["dkim=none"]
    policy = {"header.from": dmarc.domain, "policy.dmarc": dmarc.policy}
    said.append(_result("dmarc", dmarc.result, policy))
    reason = f' reason="{_NO_PHRASE.sub("_", found.arc_reason)}"' if found.arc_reason else ""
    said.append(_result("arc", found.arc, {}) + reason)
    return ";\r\n\t".join([_token(hostname), *said])


def one_decimal(number: float) -> str:
    """A score or threshold as headers and texts have it: `5.0`."""
    return f"{round(number, 1) + 0.0:.1f}"  # no minus in front of nothing


def _result(method: str, result: str, properties: dict[str, str | None]) -> str:
    told = [f"{name}={_token(value)}" for name, value in properties.items() if value]
    return "\r\n\t".join([f"{method}={_token(result)}", *told])


def _token(text: str) -> str:
    """A stranger's text as a value that needs no quotes and ends nowhere else."""
    return _NO_TOKEN.sub("_", text[:_LONGEST_VALUE])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _without_forged(block: bytes, hostname: str) -> bytes:
    """The block without the fields that only we may write."""
    ours = _comparable(hostname.encode())
    return _RESULTS.sub(
        lambda field: b"" if _authserv_id(field[0]) in (ours, None) else field[0],
        _POSTAL.sub(b"", block),
    )


def _authserv_id(field: bytes) -> str | None:
    """The first word of the field, a quoted one without its quotes (RFC 8601 §2.2, RFC 2045 §5.1), empty where it has
    none; None where its beginning cannot be read."""
    found = _AUTHSERV_ID.match(field, 0, _LONGEST_BEGINNING)
    if found is None:
        return "" if _NOTHING.match(field) else None
    quoted, word = found.groups()
    return _comparable(word if quoted is None else _QUOTED_PAIR.sub(rb"\1", quoted))


def _comparable(name: bytes) -> str:
    """Host names are equal whatever their case, their final dot and the form of their labels (RFC 8616 §5)."""
    text = name.decode("utf-8", "replace")
    return typed_name(text) or text

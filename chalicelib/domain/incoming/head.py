"""The head of an incoming message as it is shown and passed on: what was found of it in front, what was forged gone.

In front stand the four X-Postal fields and Authentication-Results (RFC 8601), then the message as it was accepted, its
Received field first. Of what came along, fields of these four names and Authentication-Results that speak with our name
are cut out, wherever in the header they stand; every other byte stays as it is. Linear, for any bytes. Nothing is
found out here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.inspection import Authentication, Inspection
from chalicelib.domain.mail.comments import without_comments
from chalicelib.domain.mail.headers import find_body, unfold
from chalicelib.domain.mail.splicing import Edit, spliced

_OURS = re.compile(
    rb"^(?:x-postal-(?:spam|spam-threshold|spam-score|threat)|(authentication-results))[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD_END = re.compile(rb"\r\n(?![ \t])")
_FIRST_WORD = re.compile(rb'\s*(?:"((?:[^"\\]|\\.)*+)"?|([^\s;"]++))', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST_VALUE = 255


def with_head(stored: bytes, inspection: Inspection | None, hostname: str) -> bytes:
    """The message as it is read by people and endpoints.

    `stored` as it was accepted; `hostname` the name that we give ourselves in SMTP, which is our authserv-id. A message
    that was not inspected yet (None) gets nothing in front. Never raises.
    """
    cuts = [Edit(start, end, b"") for start, end in _forged(stored, hostname)]
    front = fields(inspection, hostname) if inspection else b""
    if not front and not cuts:
        return stored
    return spliced(stored, [Edit(0, 0, front), *cuts])


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
    said.append(_result("arc", found.arc, {}))
    return ";\r\n\t".join([_token(hostname), *said])


def one_decimal(number: float) -> str:
    """A score or threshold as headers and texts have it: `5.0`."""
    return f"{round(number, 1) + 0.0:.1f}"  # no minus in front of nothing


def _result(method: str, result: str, properties: dict[str, str | None]) -> str:
    told = [f"{name}={_token(value)}" for name, value in properties.items() if value]
    return "\r\n\t ".join([f"{method}={_token(result)}", *told])


def _token(text: str) -> str:
    """A stranger's text as a value that needs no quotes and ends nowhere else."""
    return _NO_TOKEN.sub("_", text[:_LONGEST_VALUE])


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def _forged(content: bytes, hostname: str) -> Iterator[tuple[int, int]]:
    """Where in the header the fields stand that only we may write."""
    body_at = find_body(content, 0, len(content))
    ours = _comparable(hostname.encode())
    at = 0
    while field := _OURS.search(content, at, body_at):
        found_end = _FIELD_END.search(content, field.end(), body_at)
        at = found_end.end() if found_end else body_at
        if _begins_a_line(content, field.start()) and (
            field[1] is None or _authserv_id(content[field.end() : at]) == ours
        ):
            yield field.start(), at


def _begins_a_line(content: bytes, at: int) -> bool:
    """Whether what stands there is a field: a bare LF in front of it makes it none."""
    return at == 0 or content.startswith(b"\r\n", at - 2)


def _authserv_id(value: bytes) -> str:
    """The first word of the field, a quoted one without its quotes (RFC 8601 §2.2, RFC 2045 §5.1)."""
    word = _FIRST_WORD.match(without_comments(unfold(value)))
    if word is None:
        return ""
    return _comparable(_QUOTED_PAIR.sub(rb"\1", word[1]) if word[1] is not None else word[2])


def _comparable(name: bytes) -> str:
    """Host names are equal whatever their case, their final dot and the form of their labels (RFC 8616 §5)."""
    text = name.decode("utf-8", "replace")
    return typed_name(text) or text

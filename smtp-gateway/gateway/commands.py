"""Reads the arguments of MAIL and RCPT (RFC 5321 section 4.1.1, RFC 1870, 3461, 6152, 6531).

Pure: bytes in, a value out, or Rejected with the exact reply. Ordinary addresses take one regular expression; every
other goes through the check of `chalicelib.domain.mail.mailbox`, and comes out with its domain in ASCII. The angle
brackets may be left out, as old clients do. Parameters that EHLO did not announce are refused. Source routes are
refused, because no sender of today needs them and relays have been fooled by them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.domain.mail.mailbox import POSTMASTER, envelope_address
from gateway import replies

LONGEST_ENVID = 100
LONGEST_ORCPT = 500
LONGEST_SIZE_DIGITS = 20

_LABEL = rb"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_PLAIN = re.compile(
    rb"[A-Za-z]+: ?<(?P<address>(?=[^@]{1,64}@[^>]{1,189}>)"
    rb"[A-Za-z0-9!#$%%&'*+/=?^_`{|}~.-]+@%b(?:\.%b)*)>(?: +(?P<parameters>.*))?" % (_LABEL, _LABEL),
    re.DOTALL,
)
_ENCODED = "--"  # in a domain it may be that of `xn--`, which has to be looked at
_PATH = re.compile(
    r'\w+:[ \t]*<(?P<address>(?:"(?:[^"\\]|\\.)*+"|[^">])*+)>(?:[ \t]+(?P<parameters>.*))?',
    re.DOTALL,
)
_BARE_PATH = re.compile(r"\w+:[ \t]*(?P<address>[^\s<>]+)(?:[ \t]+(?P<parameters>.*))?", re.DOTALL)
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+"
_ENVID = re.compile(_XTEXT)
_ORCPT = re.compile(rf"[A-Za-z0-9-]{{1,40}};{_XTEXT}")
_UTF8_ORCPT = re.compile(r"(?i:utf-8);[!-~\u00a1-\ud7ff\ue000-\U0010ffff]+")
_NOTIFY = frozenset({"SUCCESS", "FAILURE", "DELAY"})

_BAD_ADDRESS = (553, "5.1.3", "The address is malformed")
_NEEDS_UTF8 = (553, "5.6.7", "An address beyond ASCII needs SMTPUTF8")


@dataclass(frozen=True, slots=True)
class MailCommand:
    """MAIL FROM. `address` is empty for the null sender, `size` None when none was declared."""

    address: str
    size: int | None = None
    smtputf8: bool = False
    ret: str = ""
    envid: str = ""


@dataclass(frozen=True, slots=True)
class RcptCommand:
    """RCPT TO."""

    address: str
    notify: str = ""
    orcpt: str = ""


def parse_mail(argument: bytes) -> MailCommand:
    """What follows `MAIL `. Rejected carries 501, 553 or 555."""
    if argument[:5].upper() != b"FROM:":
        raise replies.refuse(501, "5.5.4", "Syntax: MAIL FROM:<address>")
    match = _PLAIN.fullmatch(argument)
    if match is not None and _ENCODED not in (address := match["address"].decode("ascii")):
        rest = match["parameters"]
        if not rest:
            return MailCommand(address)
        parameters = _parameters(rest.decode("utf-8", "surrogateescape"))
    else:
        address, parameters = _path(argument, "MAIL FROM:<address>")
    return _mail(address, parameters)


def parse_rcpt(argument: bytes, smtputf8: bool) -> RcptCommand:
    """What follows `RCPT `, in a transaction with or without SMTPUTF8. Rejected carries 501, 553 or 555."""
    if argument[:3].upper() != b"TO:":
        raise replies.refuse(501, "5.5.4", "Syntax: RCPT TO:<address>")
    match = _PLAIN.fullmatch(argument)
    if match is not None and _ENCODED not in (address := match["address"].decode("ascii")):
        rest = match["parameters"]
        if not rest:
            return RcptCommand(address)
        parameters = _parameters(rest.decode("utf-8", "surrogateescape"))
    else:
        address, parameters = _path(argument, "RCPT TO:<address>")
        if not address.strip():
            raise replies.refuse(501, "5.1.3", "RCPT TO should not be empty")
        if "@" in address:
            address = _mailbox(address, smtputf8)
        elif address.lower() != POSTMASTER:  # RFC 5321 section 4.5.1
            raise replies.refuse(501, "5.1.3", "Invalid RCPT TO")
    return _rcpt(address, parameters, smtputf8)


def _path(argument: bytes, syntax: str) -> tuple[str, dict[str, str | None]]:
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise replies.refuse(501, "5.5.4", "The command is not valid UTF-8") from wrong
    match = _PATH.fullmatch(text) or _BARE_PATH.fullmatch(text)
    if match is None:
        raise replies.refuse(501, "5.5.4", f"Syntax: {syntax}")
    return match["address"], _parameters(match["parameters"] or "")


def _mailbox(address: str, smtputf8: bool) -> str:
    """The address as the envelope has it."""
    if address.startswith("@"):
        raise replies.refuse(553, "5.1.3", "Source routes are not accepted")
    if not smtputf8 and not address.isascii():
        raise replies.refuse(*_NEEDS_UTF8)
    mailbox = envelope_address(address)
    if mailbox is None:
        raise replies.refuse(*_BAD_ADDRESS)
    return mailbox


def _parameters(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word in text.split():
        keyword, equals, value = word.partition("=")
        keyword = keyword.upper()
        if keyword in found or (equals and not value):
            raise replies.refuse(501, "5.5.4", "A parameter is repeated or empty")
        found[keyword] = value if equals else None
    return found


def _mail(address: str, parameters: dict[str, str | None]) -> MailCommand:
    smtputf8 = False
    if "SMTPUTF8" in parameters:
        if parameters.pop("SMTPUTF8") is not None:
            raise replies.refuse(501, "5.5.4", "SMTPUTF8 takes no value")
        smtputf8 = True
    if address:
        address = _mailbox(address, smtputf8)
    size = _size(parameters.pop("SIZE", "")) if "SIZE" in parameters else None
    _check_body(parameters)
    ret = (parameters.pop("RET", "") or "").upper() if "RET" in parameters else None
    if ret is not None and ret not in ("FULL", "HDRS"):
        raise replies.refuse(501, "5.5.4", "RET must be FULL or HDRS")
    envid = parameters.pop("ENVID", "") if "ENVID" in parameters else ""
    if envid is None or len(envid) > LONGEST_ENVID or (envid and not _ENVID.fullmatch(envid)):
        raise replies.refuse(501, "5.5.4", "ENVID must be at most 100 characters of xtext")
    parameters.pop("AUTH", None)  # RFC 4954 section 5: who sent it elsewhere plays no part here
    _refuse_unknown(parameters)
    return MailCommand(address, size, smtputf8, ret or "", envid)


def _size(value: str | None) -> int:
    if value is None or not (
        value.isascii() and value.isdigit() and len(value) <= LONGEST_SIZE_DIGITS
    ):
        raise replies.refuse(501, "5.5.4", "SIZE must be a number")
    return int(value)


def _check_body(parameters: dict[str, str | None]) -> None:
    if "BODY" in parameters:
        body = parameters.pop("BODY") or ""
        if body.upper() not in ("7BIT", "8BITMIME"):
            raise replies.refuse(501, "5.5.4", "BODY must be 7BIT or 8BITMIME")


def _rcpt(address: str, parameters: dict[str, str | None], smtputf8: bool) -> RcptCommand:
    notify = _notify(parameters.pop("NOTIFY", None)) if "NOTIFY" in parameters else ""
    orcpt = parameters.pop("ORCPT", None) or "" if "ORCPT" in parameters else ""
    if orcpt and not _is_orcpt(orcpt, smtputf8):
        raise replies.refuse(501, "5.5.4", "ORCPT must be a type, a semicolon and xtext")
    _refuse_unknown(parameters)
    return RcptCommand(address, notify, orcpt)


def _notify(value: str | None) -> str:
    words = (value or "").upper().split(",")
    if words != ["NEVER"] and not (_NOTIFY.issuperset(words) and len(words) == len(set(words))):
        raise replies.refuse(501, "5.5.4", "NOTIFY must be NEVER or of SUCCESS, FAILURE, DELAY")
    return ",".join(words)


def _is_orcpt(value: str, smtputf8: bool) -> bool:
    if len(value.encode("utf-8", "surrogateescape")) > LONGEST_ORCPT:
        return False
    if smtputf8 and _UTF8_ORCPT.fullmatch(value):
        return True
    return _ORCPT.fullmatch(value) is not None


def _refuse_unknown(parameters: dict[str, str | None]) -> None:
    if parameters:
        raise replies.refuse(555, "5.5.4", "A parameter is not recognised or not implemented")

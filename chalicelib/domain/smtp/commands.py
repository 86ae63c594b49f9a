"""The lines an SMTP client says for one message, and what the server's EHLO allows it to say.

Every address and parameter is checked here, so that nothing a client once gave us can end a line
and become a command (RFC 5321 §4.1.1, RFC 1870, RFC 6152, RFC 6531, RFC 3461). It does not decide
whether an address is sensible, and converts no domain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import Rejected
from chalicelib.domain.reply import Reply

NEEDS_SMTPUTF8 = Reply(
    550, "5.6.7", "The receiving server does not support internationalised addresses"
)

NEEDS_8BITMIME = Reply(
    554, "5.6.3", "The receiving server takes no 8-bit content, and the message cannot be converted"
)

_NO_DSN = DsnParameters()
_UNSAFE_PATH = re.compile(r"[\x00-\x1f\x7f-\x9f<>\u2028\u2029\ud800-\udfff]")
_PARAMETER = re.compile(r"[!-<>-~]{0,500}")
_EHLO_NAME = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a server offered in its reply to EHLO: keyword (upper case) → its parameters, upper case
    as well."""

    words: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.words

    @property
    def auth_mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms, upper case."""
        return tuple(self.words.get("AUTH", "").split())


def read_extensions(reply: Reply) -> Extensions:
    """The extensions in a positive EHLO reply; its first line is the greeting. `AUTH=LOGIN` means
    `AUTH LOGIN`."""
    words: dict[str, str] = {}
    for line in reply.text.split("\n")[1:]:
        keyword, _, parameters = line.strip().upper().replace("AUTH=", "AUTH ", 1).partition(" ")
        known = words.get(keyword)
        words[keyword] = f"{known} {parameters}" if known else parameters.strip()
    return Extensions(words)


def ehlo_command(verb: str, name: str) -> bytes:
    """`EHLO name`. Raises Rejected when the configured name could not stand on a command line."""
    if _EHLO_NAME.fullmatch(name) is None:
        raise Rejected(f"{name[:100]!r} cannot be an EHLO name.")
    return f"{verb} {name}\r\n".encode("ascii")


def mail_command(envelope: Envelope, extensions: Extensions, size: int, eight_bit: bool) -> bytes:
    """The MAIL line with the parameters that the server knows. Raises Rejected for an address that
    cannot stand in it."""
    words = [f"MAIL FROM:<{_path(envelope.mail_from)}>"]
    if "SIZE" in extensions:
        words.append(f"SIZE={size}")
    if eight_bit and "8BITMIME" in extensions:
        words.append("BODY=8BITMIME")
    if "SMTPUTF8" in extensions and (envelope.smtputf8 or needs_smtputf8(envelope)):
        words.append("SMTPUTF8")
    dsn = _dsn(envelope, extensions)
    if dsn.ret:
        words.append(f"RET={_parameter(dsn.ret)}")
    if dsn.envid:
        words.append(f"ENVID={_parameter(dsn.envid)}")
    return _line(words)


def rcpt_command(envelope: Envelope, extensions: Extensions) -> bytes:
    """The RCPT line. Raises Rejected for an address that cannot stand in it."""
    if not envelope.rcpt_to:
        raise Rejected("The recipient's address is empty.")
    words = [f"RCPT TO:<{_path(envelope.rcpt_to)}>"]
    dsn = _dsn(envelope, extensions)
    if dsn.notify:
        words.append(f"NOTIFY={_parameter(dsn.notify)}")
    if dsn.orcpt:
        words.append(f"ORCPT={_parameter(dsn.orcpt)}")
    return _line(words)


def needs_smtputf8(envelope: Envelope) -> bool:
    """True when an address of the envelope is not ASCII, or the header is said to need it."""
    return envelope.utf8_header or not (envelope.mail_from.isascii() and envelope.rcpt_to.isascii())


def _dsn(envelope: Envelope, extensions: Extensions) -> DsnParameters:
    return _NO_DSN if envelope.dsn is None or "DSN" not in extensions else envelope.dsn


def _path(address: str) -> str:
    if len(address) > 1_000 or _UNSAFE_PATH.search(address) is not None:
        raise Rejected("The address holds characters that no SMTP command can carry.")
    return address


def _parameter(value: str) -> str:
    if _PARAMETER.fullmatch(value) is None:
        raise Rejected(
            "A delivery status parameter holds characters that no SMTP command can carry."
        )
    return value


def _line(words: list[str]) -> bytes:
    return (" ".join(words) + "\r\n").encode("utf-8")

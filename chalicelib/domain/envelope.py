"""What is said to a receiving server of a message, and where that server is."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.dsn_parameters import DsnParameters


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL FROM and RCPT TO will say. `mail_from` is empty for the null sender. `utf8_header`: the header of the
    message cannot be read without SMTPUTF8."""

    mail_from: str
    rcpt_to: str
    smtputf8: bool = False
    dsn: DsnParameters | None = None
    utf8_header: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One place to deliver to: a host name, one of its addresses and a port."""

    host: str
    address: str
    port: int

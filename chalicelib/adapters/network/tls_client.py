"""The client side of TLS for mail: what a policy asks for, and the contexts that do it.

Between mail servers TLS is opportunistic: no certificate is verified, because the alternative is
clear text, and for the same reason legacy versions and ciphers are taken rather than none (RFC 7435
§3). A smarthost that must be encrypted is verified against the system's authorities (contract
section 5B).
"""

from __future__ import annotations

import functools
import ssl
import warnings
from enum import StrEnum

from chalicelib.domain.errors import Rejected


class TlsMode(StrEnum):
    """When to encrypt. IMPLICIT: from the first byte (port 465)."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    IMPLICIT = "implicit"


_SPELLINGS = {
    "": TlsMode.NONE,
    "none": TlsMode.NONE,
    "auto": TlsMode.OPPORTUNISTIC,
    "opportunistic": TlsMode.OPPORTUNISTIC,
    "required": TlsMode.REQUIRED,
    "starttls": TlsMode.REQUIRED,
    "startls": TlsMode.REQUIRED,  # how existing relay addresses spell it (QUIRK-02)
    "implicit": TlsMode.IMPLICIT,
    "tls": TlsMode.IMPLICIT,
    "ssl": TlsMode.IMPLICIT,
}


def read_tls_mode(text: str) -> TlsMode:
    """The mode that a source's `tls` names, in our words or Postal's. Raises Rejected."""
    mode = _SPELLINGS.get(text.strip().lower())
    if mode is None:
        raise Rejected(f"{text[:20]!r} is no TLS mode: none, opportunistic, required or implicit.")
    return mode


@functools.cache
def opportunistic_context() -> ssl.SSLContext:
    """As `unverified_context`, and down to TLS 1.0: what it does not negotiate goes out in clear text."""
    context = _unverified()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # deprecated against clear text it is not
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


@functools.cache
def unverified_context() -> ssl.SSLContext:
    """Encrypts, with TLS 1.2 or later, without asking who the server is."""
    return _unverified()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


@functools.cache
def verified_context(ca_file: str = "") -> ssl.SSLContext:
    """Encrypts and verifies certificate and host name with the system's authorities, and with those in a file of PEM
    texts. OSError when that cannot be read."""
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    return context

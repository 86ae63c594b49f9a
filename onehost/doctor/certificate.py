"""The certificate with which SMTP clients are met: whether it can be used, for which names, and how long."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from chalicelib.ports.clock import Clock
from onehost.doctor.finding import Findings, failed, ok, warning
from onehost.doctor.host import Host

SOON_DAYS = 14
DAY_SECONDS = 86_400
RENEW = "Renew it where it comes from, as with `certbot renew`; the server takes it within a minute"


async def certificate(host: Host) -> Findings:
    """The files that the settings name."""
    file, name = host.configuration.tls_certificate, host.settings.smtp_hostname
    if not file:
        step = f"Get a certificate for {name}, and set tls_certificate and tls_key"
        return [
            warning("None is set: a self-signed one is used, which clients that check refuse", step)
        ]
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file, host.configuration.tls_key)
        found = x509.load_pem_x509_certificate(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        step = "Set tls_certificate and tls_key to PEM files that belong together and that this user may read"
        return [
            failed(
                f"{file} and {host.configuration.tls_key} cannot be used: {_reason(error)}", step
            )
        ]
    names = _names(found)
    if not any(_covers(one, name.lower()) for one in names):
        text = f"{file} is for {', '.join(names) or 'no name'}, and not for {name}"
        return [failed(text, f"Get one for {name}, or set smtp_hostname to a name of this one")]
    left = (found.not_valid_after_utc.timestamp() - host.program[Clock].now()) / DAY_SECONDS
    end = f"{found.not_valid_after_utc.astimezone(UTC):%Y-%m-%d}"
    if left <= 0:
        return [failed(f"{file} ended on {end}", RENEW)]
    if found.not_valid_before_utc > datetime.fromtimestamp(host.program[Clock].now(), UTC):
        return [failed(f"{file} is not valid yet", "Look at the clock, or use the one before it")]
    if left < SOON_DAYS:
        return [warning(f"{file} ends on {end}, in {left:.0f} days", RENEW)]
    return [ok(f"{file} is for {name}, until {end}")]


def end_of(file: str) -> float:
    """When the certificate ends, epoch seconds; 0 for what is none."""
    try:
        found = x509.load_pem_x509_certificate(Path(file).read_bytes())
    except (OSError, ValueError):
        return 0.0
    return found.not_valid_after_utc.timestamp()


def _names(found: x509.Certificate) -> list[str]:
    try:
        extension = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return []
    names = extension.value
    if not isinstance(names, x509.SubjectAlternativeName):
        return []
    return [one.lower() for one in names.get_values_for_type(x509.DNSName)]


def _covers(pattern: str, name: str) -> bool:
    """RFC 6125 section 6.4.3: a star stands for one label, and for the first alone."""
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)

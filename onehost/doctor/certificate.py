"""The certificate with which SMTP clients are met: whether it can be used, for which names, and how long."""

from __future__ import annotations

import ssl
from pathlib import Path

from chalicelib.ports.clock import Clock
from gateway.tls import check_regular
from onehost.certificates.leaf import SOON_DAYS, Leaf, day_of, read_leaf
from onehost.doctor.finding import Finding, Findings, failed, ok, warning
from onehost.doctor.host import Host

RENEW = "Renew it where it comes from, as with `certbot renew`, and have it taken over: `posthorn certificate install`"
SELF_SIGNED = "is self-signed: nobody else vouches for it, and clients that check refuse it"


async def certificate(host: Host) -> Findings:
    """The files that the settings name."""
    file, name = host.configuration.tls_certificate, host.settings.smtp_hostname
    obtain = f"Get a certificate for {name}, and set tls_certificate and tls_key"
    if not file:
        text = "None is set: a self-signed one is used, which clients that check refuse"
        return [warning(text, obtain)]
    try:
        leaf = _usable(file, host.configuration.tls_key)
    except (OSError, ValueError) as error:
        step = "Set tls_certificate and tls_key to PEM files that belong together and that this user may read"
        text = f"{file} and {host.configuration.tls_key} cannot be used: {_reason(error)}"
        return [failed(text, step)]
    return [_judged(file, leaf, name, host.program[Clock].now())]


def _judged(file: str, leaf: Leaf, name: str, now: float) -> Finding:
    if not leaf.is_for(name):
        text = f"{file} is for {leaf.all_names}, and not for {name}"
        return failed(text, f"Get one for {name}, or set smtp_hostname to a name of this one")
    if leaf.ends_at <= now:
        return failed(f"{file} ended on {leaf.last_day}", RENEW)
    if leaf.starts_at > now:
        text = f"{file} is not valid yet, but from {day_of(leaf.starts_at)}"
        return failed(text, "Look at the clock, or use the one before it")
    if (left := leaf.days_left(now)) < SOON_DAYS:
        return warning(f"{file} ends on {leaf.last_day}, in {left:.0f} days", RENEW)
    if leaf.is_self_signed:
        return warning(f"{file} {SELF_SIGNED}", f"Get one for {name} from an authority")
    return ok(f"{file} is for {name}, until {leaf.last_day}")


def end_of(file: str, key: str) -> float:
    """When the certificate ends, epoch seconds; 0 for a pair that cannot be used."""
    try:
        return _usable(file, key).ends_at
    except (OSError, ValueError):
        return 0.0


def _usable(file: str, key: str) -> Leaf:
    """OSError or ValueError unless TLS can be spoken with the pair."""
    check_regular(Path(file), Path(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key, password="")
    return read_leaf(Path(file))


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no whole PEM text").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)

"""HTTPS at our own names, as a browser meets it: whether the certificates are taken, and how long."""

from __future__ import annotations

import asyncio

from chalicelib.domain.https_seen import ends_soon
from chalicelib.ports.clock import Clock
from chalicelib.services.tracking.certificates import LookAtCertificate
from onehost.browser_names import browser_names
from onehost.certificates.leaf import day_of
from onehost.doctor.finding import Finding, Findings, failed, not_checked, ok, warning
from onehost.doctor.host import Host

AT_CADDY = "Look at the log of the web server in front, as with `journalctl -u caddy`"
NOBODY_IN_FRONT = "no web server in front is named: http_proxy_networks is not set"


async def https(host: Host) -> Findings:
    """Each name at which browsers ask, where a web server stands in front; all at the same time, 5 s at most."""
    if not host.options.http_proxy_networks:
        return [not_checked(NOBODY_IN_FRONT)]
    names = browser_names(host.settings)
    return list(await asyncio.gather(*(_looked_at(host, name) for name in names)))


async def _looked_at(host: Host, name: str) -> Finding:
    seen = await host.program[LookAtCertificate].of_own_name(name)
    if not seen.is_reached:
        # Behind some routers a host does not reach itself.
        return not_checked(f"{name} is not reached from here by HTTPS: {seen.fault.rstrip('.')}")
    if seen.fault:
        step = f"{AT_CADDY}; {name} must lead to this host, and its ports 80 and 443 be open to all"
        return failed(f"{name}: {seen.fault.rstrip('.')}", step)
    if soon := ends_soon(seen.ends_at, host.program[Clock].now()):
        step = f"It should have been renewed by now. {AT_CADDY}"
        return warning(f"{name}: {soon.rstrip('.')}", step)
    return ok(f"{name}, until {day_of(seen.ends_at)}" if seen.ends_at else name)

"""The settings file that `posthorn init` writes: what a host needs to say, with comments, and nothing secret."""

from __future__ import annotations

import json
import os
from pathlib import Path

from chalicelib.domain.errors import PermanentFailure
from onehost.setup.addresses import every_address

DEFAULT_STATE = Path("/var/lib/posthorn")

_TEXT = """\
# Posthorn on this host. Every setting of docs/reference/settings.md may stand here: the name of its variable in lower
# case and without POSTHORN_. Variables of the environment win. Restart posthorn after a change.

# Databases, bodies and the key. Nobody else may look into it, and it must be on a disk of this machine.
state_folder = {state}

# Our names. `posthorn init` prints the DNS records that they need, `posthorn doctor` checks them.
smtp_hostname = {host}
web_hostname = {host}
return_path_domain = {rp}
route_domain = {routes}
spf_include = {spf}
mx_hosts = {host}
track_domain = {track}

# Who reads what concerns this installation: notices go there, by the server and from the address of system mail, which
# must be of a domain that is verified at that server.
{postmaster}
# system_server = "main/main"
# system_from = "posthorn@example.com"

# Where mail comes in: from other servers (bounces), and from clients with STARTTLS and with TLS from the first byte.
# "::" listens on IPv6 and IPv4, "0.0.0.0" on IPv4 alone.
gateway_bind = {bind}
mx_port = 25
submission_port = 587
submissions_port = 465

# A certificate for smtp_hostname, as certbot or Caddy keeps it. Without one a self-signed one is made, which clients
# that check certificates refuse.
# tls_certificate = "/etc/posthorn/certificate.pem"
# tls_key = "/etc/posthorn/key.pem"

# The API and tracked links, for Caddy or nginx in front of it.
http_bind = "127.0.0.1"
http_port = 8000
# Web servers in front whose word about a client's address (X-Forwarded-For) is believed.
http_proxy_networks = "127.0.0.1/32"
"""


def settings_text(host: str, state: Path, postmaster: str = "") -> str:
    """The file for a host of this name, with the address of its postmaster if there is one."""
    line = f"postmaster = {json.dumps(postmaster or 'you@example.com')}"
    names = {name: json.dumps(f"{name}.{host}") for name in ("rp", "routes", "spf", "track")}
    return _TEXT.format(
        state=json.dumps(str(state)),
        host=json.dumps(host),
        bind=json.dumps(every_address()),
        postmaster=line if postmaster else f"# {line}",
        **names,
    )


def write_settings(path: Path, host: str, state: Path, postmaster: str = "") -> None:
    """Write the file, which must not be there; PermanentFailure, with one sentence, when that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(settings_text(host, state, postmaster))
    except OSError as error:
        raise PermanentFailure(
            f"The settings file {path} cannot be written: {error.strerror}; name another with --config"
        ) from error

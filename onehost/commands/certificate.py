"""`posthorn certificate install`: the pair of an ACME client taken over for SMTP."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import click

from chalicelib.cli.commands import Command, Group, options
from chalicelib.cli.terminal import iso, visible
from chalicelib.domain.errors import PermanentFailure
from gateway.configuration import read_configuration
from onehost.certificates.caddy import STORAGE, pair_of
from onehost.certificates.install import PairFiles, install
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.serving import serving

UNSET = "tls_certificate and tls_key are not set, so there is no place for a certificate: write them into the settings"
ONE_FILE = "tls_certificate and tls_key name the same file: name two, since the key is for the server alone"
_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)

certificate_group = Group("certificate", "Take over a certificate for SMTP.")


@certificate_group.command("install", cls=Command, params=[CONFIG, STATE])
@options(
    click.argument("chain", type=_FILE, required=False),
    click.argument("key", type=_FILE, required=False),
    click.option(
        "--caddy",
        type=_FOLDER,
        metavar="FOLDER",
        help=f"Caddy's storage, where no files are named [default: {STORAGE}].",
    ),
)
def install_command(
    session: HostSession, chain: Path | None, key: Path | None, caddy: Path | None
) -> None:
    """Put a certificate and its key where tls_certificate and tls_key name them, and tell the server.

    CHAIN is the certificate with those between it and the authority, KEY its private key, both PEM. Without them those
    that Caddy keeps for smtp_hostname are taken. What cannot be used is refused, and what is there stays.
    """
    name, target = session.settings.smtp_hostname, _target(session)
    if (chain is None) is not (key is None):
        raise click.UsageError("Name both CHAIN and KEY, or neither.")
    named = PairFiles(chain, key) if chain and key else None
    source = named or pair_of(caddy or STORAGE, name)
    done = install(source, target, name, time.time(), session.state_folder)
    is_told = done.is_new and _tell(session.state_folder)
    shown = {
        "certificate": str(target.chain),
        "name": name,
        "ends_at": iso(done.leaf.ends_at),
        "new": done.is_new,
        "told": is_told,
    }
    text = f"The certificate for {name}, until {done.leaf.last_day}, is in {target.chain}"
    more = ", as before" if not done.is_new else "; the server was told" if is_told else ""
    session.show(shown, visible(f"{text}{more}."))


def _target(session: HostSession) -> PairFiles:
    try:
        configuration = read_configuration(session.environment)
    except ValueError as wrong:
        raise PermanentFailure(str(wrong)) from wrong
    if not configuration.tls_certificate:
        raise PermanentFailure(UNSET)
    if configuration.tls_certificate == configuration.tls_key:
        raise PermanentFailure(ONE_FILE)
    return PairFiles(Path(configuration.tls_certificate), Path(configuration.tls_key))


def _tell(state: Path) -> bool:
    """Have the server look now; it looks each minute anyway. Whether it was told. What the folder says is its owner's
    word, by which root sends nothing to programs of others."""
    with suppress(OSError):
        holder = serving(state)
        if holder is not None and holder.pid > 0 and _owner(holder.pid) == state.stat().st_uid:
            os.kill(holder.pid, signal.SIGHUP)
            return True
    return False


def _owner(pid: int) -> int:
    """Whose a process is; nobody's where it is not told."""
    told = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in told if line.startswith("Uid:")), -1)

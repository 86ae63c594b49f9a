"""Authoritative name servers that are not ours: NSD (Debian: nsd), one process for each loopback address.

    with running(Nsd("127.0.0.2", port, {"acme.test": "@ TXT hello"}), folder): ...

A zone is given as lines of a zone file; its start of authority and the end of the line are written for it. Without NSD,
what needs it is skipped.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.patience import PATIENCE

NSD = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin")
needs_nsd = pytest.mark.skipif(NSD is None, reason="nsd is absent (Debian: nsd)")


@dataclass(frozen=True, slots=True)
class Nsd:
    """A server, and the zones that it has: their lines by their names."""

    address: str
    port: int
    zones: Mapping[str, str]


@contextlib.contextmanager
def running(server: Nsd, folder: Path) -> Iterator[None]:
    """Run it until the block ends, with its files in `folder`."""
    assert NSD is not None
    folder.mkdir(parents=True)
    configuration = folder / "nsd.conf"
    configuration.write_text(_configured(server, folder))
    for zone, lines in server.zones.items():
        start = f"$ORIGIN {zone}.\n$TTL 60\n@ SOA ns.{zone}. hostmaster.{zone}. 1 60 60 60 60\n"
        (folder / f"{zone}.zone").write_text(start + lines + "\n")
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            [NSD, "-d", "-c", configuration], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(process, server, folder / "output")
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _configured(server: Nsd, folder: Path) -> str:
    zones = "".join(f"zone:\n  name: {zone}\n  zonefile: {zone}.zone\n" for zone in server.zones)
    return f"""server:
  ip-address: {server.address}@{server.port}
  server-count: 1
  username: ""
  zonesdir: "{folder}"
  pidfile: "{folder}/pid"
  xfrdfile: "{folder}/xfrd"
  xfrdir: "{folder}"
  zonelistfile: "{folder}/list"
  database: ""
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}"""


def _wait_for(process: subprocess.Popen[bytes], server: Nsd, output: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, output.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection((server.address, server.port), timeout=1).close()
            return
        time.sleep(0.02)
    raise AssertionError(output.read_text())

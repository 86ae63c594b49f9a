"""A recorded installation of Postal in a MariaDB, and an installation of ours to bring it into, on either engine."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.postal.config import read_config
from chalicelib.domain.postal.domains import PublicKey
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.keys import KeyMaker
from chalicelib.services.tenancy.servers import Servers
from onehost.postal.address import read_address
from onehost.postal.report import Report
from onehost.postal.run import Import, Source, Wishes
from onehost.storage.progress import Progress
from tests.aws_backend import aws_backend, aws_settings
from tests.mariadb import INSTALL, SERVER, MariaDb, Postal, Tables, golden, running_mariadb
from tests.worlds import KeptKeys

__all__ = ["aws_backend", "aws_settings"]
AT = 1_795_910_000.0  # two hours after the recording
NAMED = {
    "return_path_domain": "rp.postal.example.com",
    "route_domain": "routes.postal.example.com",
    "track_domain": "track.postal.example.com",
    "spf_include": "spf.postal.example.com",
    "mx_hosts": "mx1.postal.example.com,mx2.postal.example.com",
}
QUIET = Progress(lambda text: None)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    if SERVER is None or INSTALL is None:
        pytest.skip("mariadbd is absent (Debian: mariadb-server)")
    folder = Path(tempfile.mkdtemp(prefix="posthorn-mariadb-"))
    try:
        with running_mariadb(folder) as place:
            yield place
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def recorded() -> dict[str, Tables]:
    """Made once: keys take their time."""
    return golden()


@pytest.fixture
def rows(recorded: dict[str, Tables]) -> dict[str, Tables]:
    """What Postal shall hold, to be changed before it is filled."""
    return copy.deepcopy(recorded)


@pytest.fixture
def postal(mariadb: MariaDb, rows: dict[str, Tables]) -> Postal:
    """A Postal that holds what was recorded."""
    found = Postal(mariadb)
    found.fill(rows)
    return found


@dataclass
class Here:
    """An installation of ours, and imports into it."""

    posthorn: Posthorn
    clock: ControlledClock

    def source(self, postal: Postal, key: PublicKey | None = None, **changes: Any) -> Source:
        config = replace(read_config({}), prefix=postal.name, **changes)
        address = read_address(postal.url)
        return Source(address, address, config, key)

    async def bring(
        self, postal: Postal, *, key: PublicKey | None = None, config: Any = None, **wishes: bool
    ) -> Report:
        """One run."""
        source = self.source(postal, key, **(config or {}))
        return await Import(self.posthorn, source, Wishes(**wishes), QUIET).run()

    async def server(self, name: str = "golden") -> Server:
        return await self.posthorn[Servers].get("acme", name)


@pytest.fixture(scope="session")
def aws_session(aws_backend: Any) -> Iterator[AwsSession]:
    session = AwsSession(Meter())
    yield session
    session.close()


@pytest.fixture(params=["files", pytest.param("aws", marks=pytest.mark.aws)])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Here:
    """Called as Postal was."""
    return made(request, tmp_path, NAMED)


def made(request: pytest.FixtureRequest, folder: Path, named: dict[str, str]) -> Here:
    clock = ControlledClock(AT)
    parts: dict[type[Any], Any] = {Clock: clock, KeyMaker: KeptKeys()}
    if request.param == "files":
        settings = Settings(state_folder=str(folder / "state"), **named)  # type: ignore[arg-type]
        return Here(Posthorn(settings, "sqlite", parts), clock)
    settings = replace(request.getfixturevalue("aws_settings"), **named)
    parts[AwsSession] = request.getfixturevalue("aws_session")
    return Here(Posthorn(settings, "aws", parts), clock)

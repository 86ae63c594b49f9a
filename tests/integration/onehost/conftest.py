"""A tenant in a state folder behind the one-host server, and the command line of one host.

`posthorn("status")` runs one command with an environment of its own.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.cli.stack import AWS_VARIABLES
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers
from onehost import settings_file
from onehost.main import main
from onehost.options import Options
from onehost.web.application import Web
from tests.http_api import Reply
from tests.integration.cli.conftest import Outcome, Run
from tests.integration.onehost.dated_backups import DatedHost
from tests.kept_mail import make_host
from tests.patience import PATIENCE
from tests.web_client import serving_web
from tests.worlds import KeptKeys

TRACK_DOMAIN = "track.posthorn.test"


@dataclass
class WebTenant:
    """A server with a key, and the port at which its API is."""

    posthorn: Posthorn
    server: Server
    api_key: str
    port: int = 0

    def call(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request on a connection of its own."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.request(method, target, body, dict(headers or {}))
            answer = client.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            client.close()

    def v1(self, action: str, parameters: Any) -> Any:
        """The envelope of a v1 action."""
        headers = {"content-type": "application/json", "x-server-api-key": self.api_key}
        return self.call("POST", f"/api/v1/{action}", json.dumps(parameters).encode(), headers).json

    def v2(self, method: str, path: str, value: Any = None, **headers: str) -> Reply:
        """A v2 request; `headers` with underscores for hyphens."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        sent.setdefault("authorization", f"Bearer {self.api_key}")
        body = None
        if value is not None:
            sent.setdefault("content-type", "application/json")
            body = json.dumps(value).encode()
        return self.call(method, f"/api/v2{path}", body, sent)


async def make_tenant(folder: Path, track_domain: str = TRACK_DOMAIN, **more: str) -> WebTenant:
    """acme/app with acme.test, in a new state folder; `more` are settings."""
    settings = Settings(state_folder=str(folder), track_domain=track_domain, **more)  # type: ignore[arg-type]  # texts
    posthorn = Posthorn(settings, "sqlite", {KeyMaker: KeptKeys()})
    await posthorn[Installation].ensure()
    organization = await posthorn[Organizations].create("Acme")
    server = await posthorn[Servers].create(organization, "App")
    await posthorn[Domains].trust(await posthorn[Domains].add(server, "acme.test"))
    _, api_key = await posthorn[Credentials].create(server, CredentialKind.API, "api")
    await posthorn[Repository].add(SOURCES, EgressSource("default"))
    return WebTenant(posthorn, server, api_key)


@pytest.fixture
def unserved(tmp_path: Path) -> WebTenant:
    """The tenant that nobody serves yet."""
    return bootstrap.run(make_tenant(tmp_path / "state"))


@pytest.fixture
def tenant(unserved: WebTenant) -> Iterator[WebTenant]:
    """The tenant behind a server that believes proxies on 127.0.0.1."""
    options = Options(http_proxy_networks="127.0.0.0/8")
    with serving_web(Web(unserved.posthorn, options)) as port:
        unserved.port = port
        yield unserved


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting, no AWS, no settings file, and no log on standard output."""
    for name in list(os.environ):
        if name.startswith("POSTHORN_") or name in AWS_VARIABLES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(settings_file, "DEFAULT_PATH", tmp_path / "etc" / "posthorn.toml")
    monkeypatch.setattr(logging.getLogger("posthorn"), "handlers", [])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where the state folder is to be."""
    return tmp_path / "state"


@pytest.fixture
def posthorn(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line."""

    def run_command(*arguments: str) -> Outcome:
        code = main(arguments)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run_command


@pytest.fixture
async def dated(state: Path, tmp_path: Path, posthorn: Run) -> DatedHost:
    """A host that was set up, and an empty folder for its backups."""
    folder = tmp_path / "backups"
    folder.mkdir(mode=0o700)
    return DatedHost(state, folder, posthorn, host=await make_host(state))

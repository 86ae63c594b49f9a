"""OpenID providers that are not ours, each a process at a free port of 127.0.0.1: npm's oidc-provider and Debian's
glewlwyd, whose accounts, client and keys are set up without a browser.

    with running_node_provider(back, folder) as provider:
        answer = provider.sign_in(url, "ada@acme.test")   # what the callback is asked with

Whoever signs in at the former is who they say; glewlwyd knows ada and eve, whose address is not verified. It is no use
for confirmations: it refuses `max_age=0`, and its SQLite never knows when somebody signed in (`auth_time` is 0).
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.loopback import free_port
from tests.patience import PATIENCE
from tests.signed_tokens import private_jwk

CLIENT_ID, CLIENT_SECRET = "posthorn", "open-sesame/&+%"
PASSWORD = "any password"
_CLIENTS = Path(__file__).parent / "clients"
_GLEWLWYD = "/usr/lib/glewlwyd"
_SCHEMA = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
_REDIRECTS = (302, 303)

needs_node_provider = pytest.mark.skipif(
    shutil.which("node") is None or not (_CLIENTS / "node_modules/oidc-provider").is_dir(),
    reason="oidc-provider is missing: npm install in tests/clients",
)
needs_glewlwyd = pytest.mark.skipif(
    shutil.which("glewlwyd") is None or not _SCHEMA.exists(),
    reason="glewlwyd is absent (Debian: glewlwyd)",
)


@dataclass
class Visitor:
    """A browser's cookies and no more: httpx keeps none of `localhost`."""

    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        """One request, without following where it leads."""
        said = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Cookie": said} if said else {}
        answer = httpx.request(method, url, headers=headers, **more)
        for name, value in answer.headers.multi_items():
            if name.lower() == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        return answer


@dataclass
class NodeProvider:
    """npm's oidc-provider. `claims_in_user_info`: the address is told there and not in the token, as the standard says
    for this flow."""

    port: int
    back: str
    folder: Path
    claims_in_user_info: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        """As its tokens have it."""
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        """With a key that it never had before."""
        key = rsa.generate_private_key(65_537, 2_048)
        settings = {
            "port": self.port,
            "redirect_uris": [self.back],
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "jwks": {"keys": [private_jwk(key, f"k{time.time_ns()}", use="sig")]},
            "claims_in_user_info": self.claims_in_user_info,
        }
        command = ["node", str(_CLIENTS / "openid_provider.mjs"), json.dumps(settings)]
        self.process = _started(command, self.port, self.folder)

    def stop(self) -> None:
        """It is gone."""
        if self.process is not None:
            _stopped(self.process)

    def rotate(self) -> None:
        """The same with another key, and no session of anybody."""
        self.stop()
        self.start()

    def sign_in(self, url: str, login: str, visitor: Visitor | None = None) -> dict[str, str]:
        """Go through its pages as somebody does who signs in and agrees; the query of the address that it leads to."""
        visitor = visitor or Visitor()
        for _ in range(20):
            if url.startswith(self.back):
                return dict(parse_qsl(urlsplit(url).query))
            answer = visitor.ask("GET", url)
            if answer.status_code == 200:
                form = re.search(r'action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert form is not None, answer.text
                assert prompt is not None, answer.text
                typed = {"prompt": prompt[1], "login": login, "password": PASSWORD}
                answer = visitor.ask("POST", urljoin(url, form[1]), data=typed)
            assert answer.status_code in _REDIRECTS, answer.text
            url = urljoin(url, answer.headers["location"])
        raise AssertionError(f"{self.issuer} leads nowhere: {url}")


@contextlib.contextmanager
def running_node_provider(back: str, folder: Path, **more: Any) -> Iterator[NodeProvider]:
    """npm's oidc-provider with one client, which comes back at this address."""
    provider = NodeProvider(free_port(), back, folder, **more)
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()


@dataclass
class Glewlwyd:
    """Debian's glewlwyd over a database of its own."""

    port: int
    back: str
    admin: Visitor = field(default_factory=Visitor)

    @property
    def place(self) -> str:
        """Where its API is."""
        return f"http://localhost:{self.port}/api"

    @property
    def issuer(self) -> str:
        """As its tokens have it."""
        return f"{self.place}/oidc"

    def set_up(self) -> None:
        """Plugin, client and accounts."""
        self._ask("POST", "/auth/", {"username": "admin", "password": "password"})
        self._ask("POST", "/mod/plugin/", self._plugin())
        module = self.admin.ask("GET", f"{self.place}/mod/user/database").json()
        readable = {"multiple": False, "read": True, "write": True, "profile-read": True}
        module["parameters"]["data-format"]["verified"] = readable | {"profile-write": False}
        self._ask("PUT", "/mod/user/database", module)
        self._ask("PUT", "/mod/user/database/reset")
        for name, verified in (("ada", "1"), ("eve", "0")):
            account = {"username": name, "password": PASSWORD, "email": f"{name}@acme.test"}
            more = {"name": name, "enabled": True, "scope": ["openid"], "verified": verified}
            self._ask("POST", "/user/", account | more)
        secret = {"password": CLIENT_SECRET, "client_secret": CLIENT_SECRET}
        client = {"client_id": CLIENT_ID, "name": "Posthorn", "confidential": True, **secret}
        more = {"enabled": True, "redirect_uri": [self.back], "authorization_type": ["code"]}
        way = {"token_endpoint_auth_method": ["client_secret_post"], "scope": ["openid"]}
        self._ask("POST", "/client/", client | more | way)

    def rotate(self) -> None:
        """The same with another key."""
        self._ask("PUT", "/mod/plugin/oidc", self._plugin())
        self._ask("PUT", "/mod/plugin/oidc/reset")

    def sign_in(self, url: str, login: str, visitor: Visitor | None = None) -> dict[str, str]:
        """What its pages do for somebody who signs in and agrees; the query of the address that it leads to."""
        visitor = visitor or Visitor()
        known = {"username": login, "password": PASSWORD}
        assert visitor.ask("POST", f"{self.place}/auth/", json=known).status_code == 200
        agreed = f"{self.place}/auth/grant/{CLIENT_ID}"
        assert visitor.ask("PUT", agreed, json={"scope": "openid"}).status_code == 200
        answer = visitor.ask("GET", f"{url}&g_continue")
        assert answer.status_code in _REDIRECTS, answer.text
        assert answer.headers["location"].startswith(self.back), answer.headers["location"]
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def _plugin(self) -> dict[str, Any]:
        key = rsa.generate_private_key(65_537, 2_048)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        verified = {"name": "email_verified", "user-property": "verified", "mandatory": True}
        in_words = {"type": "boolean", "boolean-value-true": "1", "boolean-value-false": "0"}
        parameters = {
            "iss": self.issuer,
            "jwt-type": "rsa",
            "jwt-key-size": "256",
            "key": private.decode(),
            "cert": public.decode(),
            "access-token-duration": 3_600,
            "refresh-token-duration": 3_600,
            "code-duration": 600,
            "auth-type-code-enabled": True,
            "auth-type-id-token-enabled": True,
            "auth-type-refresh-enabled": True,
            "pkce-allowed": True,
            "email-claim": "mandatory",
            "allowed-scope": ["openid"],
            "jwks-show": True,
            "subject-type": "public",
            "scope": [],
            "claims": [verified | in_words],
        }
        named = {"module": "oidc", "name": "oidc", "display_name": "oidc"}
        return named | {"parameters": parameters}

    def _ask(self, method: str, path: str, body: Any = None) -> None:
        more = {} if body is None else {"json": body}
        answer = self.admin.ask(method, f"{self.place}{path}", **more)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)


@contextlib.contextmanager
def running_glewlwyd(back: str, folder: Path) -> Iterator[Glewlwyd]:
    """Debian's glewlwyd with one client, which comes back at this address."""
    port, work = free_port(), folder / "glewlwyd"
    (work / "middleware").mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(work / "db")) as database:
        database.executescript(_SCHEMA.read_text())
    (work / "conf").write_text(f"""
port={port}
bind_address="127.0.0.1"
external_url="http://localhost:{port}"
login_url="login.html"
api_prefix="api"
static_files_path="{work}"
log_mode="console"
log_level="WARNING"
cookie_domain="localhost"
cookie_secure=0
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="{_GLEWLWYD}/user"
user_middleware_module_path="{work}/middleware"
client_module_path="{_GLEWLWYD}/client"
user_auth_scheme_module_path="{_GLEWLWYD}/scheme"
plugin_module_path="{_GLEWLWYD}/plugin"
use_secure_connection=false
secure_connection_key_file="{work}/none"
secure_connection_pem_file="{work}/none"
hash_algorithm="SHA512"
database={{ type="sqlite3" path="{work}/db" }};
""")
    process = _started(["glewlwyd", "-c", str(work / "conf")], port, folder)
    try:
        provider = Glewlwyd(port, back)
        provider.set_up()
        yield provider
    finally:
        _stopped(process)


def _started(command: Sequence[str], port: int, folder: Path) -> subprocess.Popen[bytes]:
    log = folder / f"{Path(command[0]).name}-{port}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return process
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(f"{command[0]} does not start: {log.read_text()[-2_000:]}")
        time.sleep(0.05)


def _stopped(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

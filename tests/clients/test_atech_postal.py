"""npm's @atech/postal, unmodified, sends through API v1 over HTTPS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.http_api import ApiWorld, api_world, serving
from tests.patience import PATIENCE
from tests.peers import certificate, server_context

HERE = Path(__file__).parent
FOLDERS = (
    HERE / "node_modules",
    *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":"))),
)
NODE = shutil.which("node")
MODULES = next((folder for folder in FOLDERS if (folder / "@atech/postal").is_dir()), None)

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        MODULES is None, reason="@atech/postal is missing: npm install in tests/clients"
    ),
]


@pytest.fixture
def served() -> Iterator[tuple[ApiWorld, int]]:
    with api_world() as api, serving(api, server_context()) as port:
        yield api, port


def run(port: int, key: str, sender: str) -> Any:
    environment = os.environ | {
        "NODE_PATH": str(MODULES),
        "NODE_EXTRA_CA_CERTS": str(certificate()[1]),
    }
    done = subprocess.run(
        [str(NODE), str(HERE / "atech_postal.js"), "localhost", str(port), key, sender],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_messages_are_sent(served: tuple[ApiWorld, int]) -> None:
    api, port = served
    outcome = run(port, api.scene.api_key, "App <app@acme.test>")
    assert set(outcome) == {"message", "raw"}, outcome
    assert set(outcome["message"]) == {"john@example.com", "jane@example.com", "hidden@example.com"}
    assert set(outcome["raw"]) == {"raw@example.com"}
    for made in (*outcome["message"].values(), *outcome["raw"].values()):
        assert isinstance(made["id"], int)
        assert len(made["token"]) == 16
    content = api.content(outcome["message"]["john@example.com"]["id"])
    assert b"X-Custom: value\r\n" in content
    assert b'filename="a.txt"' in content
    raw = api.content(outcome["raw"]["raw@example.com"]["id"])
    assert raw == b"From: App <app@acme.test>\r\nSubject: raw\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("key", "sender", "code"),
    [
        ("wrong-key-of-nobody", "app@acme.test", "InvalidServerAPIKey"),
        (None, "app@other.test", "UnauthenticatedFromAddress"),
    ],
)
def test_errors_reach_the_caller(
    served: tuple[ApiWorld, int], key: str | None, sender: str, code: str
) -> None:
    api, port = served
    outcome = run(port, key or api.scene.api_key, sender)
    assert outcome["error"]["code"] == code
    assert outcome["error"]["message"]
    assert api.count() == 0

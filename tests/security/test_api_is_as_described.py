"""schemathesis plays the whole OpenAPI document against a filled tenant: no 5xx, each answer as it is described.

API_FUZZ_SECONDS says how long, as `.ci/run` does. Each operation is asked first what is known to be good, and must have
answered with a 2xx.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from chalicelib.api.v2.route import PREFIX
from chalicelib.api.v2.routes import DOCUMENT, every_route
from chalicelib.config import Settings
from tests.filled_tenant import QUERIES, FilledTenant, good_bodies
from tests.http_api import ApiWorld, Reply, api_world, serving

SECONDS = os.environ.get("API_FUZZ_SECONDS", "")
SECONDS_A_REQUEST = 2
THINGS = 40  # of each kind: some are removed by the requests
# What a path answers to methods that it lacks is held by the tests of the document; a batch tells in a 200 which of its
# messages were wrong.
CONFIGURATION = f"""
[phases.coverage]
unexpected-methods = []
[checks]
positive_data_acceptance.enabled = false
unsupported_method.enabled = false
allow_header_conformance.enabled = false
use_after_free.enabled = false
ensure_resource_availability.enabled = false
object_level_authorization.enabled = false
[[operations]]
include-name = "POST {PREFIX}/emails/batch"
[operations.checks]
negative_data_rejection.enabled = false
"""
# No key is a person.
FOR_PEOPLE = {f"{route.method} {route.path}" for route in every_route() if route.of_people}
MAILING = Settings(system_server="acme/app", system_from="posthorn@acme.test")
# What is only looked at or changed are the first of the things: verbs and removals leave them as they are.
KEPT = 3


def _known(filled: FilledTenant, bodies: dict[tuple[str, str], Any]) -> dict[str, Any]:
    found = {}
    for route in every_route():
        things = filled.named(route) if "{" in route.path else []
        removes = route.method == "DELETE" and route.path.endswith("}")
        own = things[KEPT:] if removes or route.method == "POST" else things[:KEPT]
        key = (route.method, route.path.removeprefix(PREFIX))
        found[f"{route.method} {route.path}"] = {
            "paths": own,
            "body": bodies.get(key),
            "query": QUERIES.get(key, {}),
            "headers": {"Accept": "application/octet-stream"} if route.elsewhere else {},
        }
    return found


class Ticking(ApiWorld):
    """A world in which time goes on, so that no rate of a server is used up for good."""

    def call(self, *request: Any, **more: Any) -> Reply:
        self.scene.clock.advance(SECONDS_A_REQUEST)
        return super().call(*request, **more)


def _play(api: ApiWorld, known: dict[str, Any], folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "filled.json").write_text(json.dumps(known))
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    (folder / "openapi.json").write_bytes(api.call("GET", DOCUMENT).body)
    with serving(Ticking(api.scene)) as port:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", str(folder / "openapi.json"), "--url", f"http://127.0.0.1:{port}"),
            *("--header", f"Authorization: Bearer {api.installation_key}"),
            *("--header", f"Posthorn-Tenant: {api.scene.server.full_name}"),
            *("--continue-on-failure", "--warnings", "off"),
            *("--max-time", SECONDS, "--phases", "examples,coverage,fuzzing"),
            *("--suppress-health-check", "all", "--no-color"),
        ]
        environment = {
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.api_fuzz_hooks",
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "FILLED": str(folder / "filled.json"),
            "ANSWERED": str(folder / "answered"),
        }
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=folder, check=False
        )


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.skipif(not SECONDS, reason="API_FUZZ_SECONDS does not say for how long")
def test_every_answer_is_as_described(tmp_path: Path) -> None:
    with api_world() as other:
        bodies = good_bodies(other)
    with api_world(MAILING) as api:
        filled = FilledTenant(api, THINGS).fill()
        played = _play(api, _known(filled, bodies), tmp_path)
    assert played.returncode == 0, played.stdout[-20_000:] + played.stderr[-2_000:]
    statuses = defaultdict(set)
    for line in (tmp_path / "answered").read_text().splitlines():
        operation, status = json.loads(line)
        statuses[operation].add(status)
    good = {operation for operation, seen in statuses.items() if any(s < 300 for s in seen)}
    bad = {f"{route.method} {route.path}" for route in every_route()} - good
    assert bad == FOR_PEOPLE
    assert all(403 in statuses[operation] for operation in FOR_PEOPLE)

"""A job that is at work ends when somebody stops it; what it has not come to is left as it was."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from tests.e2e.stack import RunningStack, wait_for
from tests.e2e.test_statistics_are_counted import posthorn, tenant

__all__ = ["tenant"]

MANY, IN_A_REQUEST = 400, 50
WITHIN = 60  # seconds, of which 5 are promised


def test_a_job_at_work_is_stopped(stack: RunningStack, tenant: tuple[str, str, str]) -> None:
    server, _, domain = tenant
    # It holds what comes, so that there is something to release.
    holding = ("credential", "create", "api", "--kind", "api", "--hold", "--server", server)
    headers = {"Authorization": f"Bearer {posthorn(stack, *holding)['key']}"}
    there = f"{secrets.token_hex(4)}.example.test"
    for start in range(0, MANY, IN_A_REQUEST):
        people = [f"u{n}@{there}" for n in range(start, start + IN_A_REQUEST)]
        email = {"from": f"a@{domain}", "to": people, "text": "Hello", "subject": "x"}
        status, answer = stack.request("POST", "/api/v2/emails", email, headers)
        assert status == 202, answer

    manager = {
        "Authorization": f"Bearer {stack.facts['management_key']}",
        "Posthorn-Tenant": server,
    }

    def asked(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        code, answer = stack.request(method, f"/api/v2{path}", body, manager)
        assert code in (200, 202), answer
        return json.loads(answer)

    def held() -> int:
        looked = {"type": "release", "filter": {"status": "held"}, "dry_run": True}
        matched: int = asked("POST", "/jobs", looked)["matched"]
        return matched

    wait_for(lambda: held() == MANY, "all to be held", 300)
    job = asked("POST", "/jobs", {"type": "release", "filter": {"status": "held"}})
    path = f"/jobs/{job['id']}"
    wait_for(lambda: asked("GET", path)["done"] > 0, "the job to be at work", 180)
    begun = time.monotonic()
    asked("POST", f"{path}/stop")
    wait_for(lambda: asked("GET", path)["finished_at"], "the job to end", WITHIN)
    print(f"stopped after {time.monotonic() - begun:.1f} s")
    ended = asked("GET", path)
    assert ended["status"] == "stopped"
    assert 0 < ended["done"] < ended["matched"] == MANY
    assert ended["failed"] == 0
    assert held() == MANY - ended["done"]

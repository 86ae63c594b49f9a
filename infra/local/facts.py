"""The facts of a running stack: `stack.json` for tools and the same for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.guard import is_loopback
from infra.local.plan import ADMIN, DOMAIN, HOST, LOCAL_DEFAULTS, ORGANIZATION, SERVER, Plan

SHARED = (
    *LOCAL_DEFAULTS,
    "AWS_ENDPOINT_URL",
    "POSTHORN_STATE",
    "POSTHORN_STATE_FOLDER",
    "POSTHORN_WEB_URL",
    "POSTHORN_DNS_SERVER",
    "POSTHORN_DELIVERY_PORT",
    "POSTHORN_ALLOW_PRIVATE_DELIVERY",
    "POSTHORN_CLOCK_FILE",
    "POSTHORN_TRACK_ADDRESS",
    "POSTHORN_UNSUBSCRIBE_URL",
)


def facts_of(
    plan: Plan, secrets: Mapping[str, str], pids: Mapping[str, int | Sequence[int] | None]
) -> dict[str, Any]:
    """What `stack.json` holds. `environment` lets a tool act as one of the stack's own processes.

    It has the key of our own emulator, and no other key of AWS. The file is believed only in places on this machine, so
    a DNS server elsewhere is left empty.
    """
    environment = plan.environment()
    shared = (*SHARED, *(plan.keys.variables if plan.own_aws else ()))
    if not is_loopback(plan.dns_server):
        environment["POSTHORN_DNS_SERVER"] = ""
    ports = plan.ports
    stands = _deployed(plan)
    aws = {} if plan.is_embedded else {"aws": plan.aws_url}
    return {
        "engine": plan.engine,
        "http": plan.http_url,
        "pages": plan.pages_url,
        "api": stands["api"] if stands else plan.http_url,
        "functions": stands["functions"] if stands else {},
        **aws,
        "smtp": {"host": HOST}
        | {name: ports[name] for name in ("mx", "submission", "submissions")},
        "inbox": {"http": f"{plan.http_url}/_local/inbox", "smtp": ports["inbox"]},
        "dns": f"{HOST}:{ports['dns']}",
        "management_key": secrets.get("management_key", ""),
        "admin": {"email": ADMIN, "password": secrets.get("admin_password", "")},
        "server": {
            "organization": ORGANIZATION,
            "name": SERVER,
            "domain": DOMAIN,
            "from": f"hello@{DOMAIN}",
            "api_key": secrets.get("api_key", ""),
            "smtp_username": f"{ORGANIZATION}/{SERVER}",
            "smtp_key": secrets.get("smtp_key", ""),
        },
        "pids": dict(pids),
        "environment": {name: environment[name] for name in shared if name in environment},
    }


def _deployed(plan: Plan) -> Mapping[str, Any] | None:
    if not plan.deployed:
        return None
    from infra.local.deployed import what_stands  # which is slow to import

    return what_stands(plan.state)


def for_people(facts: Mapping[str, Any], plan: Plan) -> list[str]:
    """The facts as lines of a terminal, which may end in a log: without any key."""
    smtp = facts["smtp"]
    rows = (
        ("pages", f"{facts['pages']} as {facts['admin']['email']}"),
        ("API", facts["http"]),
        ("inbox", facts["inbox"]["http"]),
        (
            "submission",
            f"{HOST}:{smtp['submission']} (STARTTLS), {HOST}:{smtp['submissions']} (TLS)",
        ),
        ("incoming mail", f"{HOST}:{smtp['mx']}"),
        ("send as", f"anything@{facts['server']['domain']}"),
        ("keys, all facts", str(plan.state / "stack.json")),
    )
    return [f"  {name:<16} {value}" for name, value in rows]

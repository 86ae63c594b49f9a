"""Which installation the command talks to: the AWS that the environment names, or else the local stack.

A running local stack describes itself in `stack.json` (see docs/local-stack.md). Nothing here starts one, and an
environment that names AWS is never overruled unless `--stack` asks for it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

# Any of these says that a person has configured AWS on purpose.
AWS_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
REPOSITORY = Path(__file__).resolve().parents[2]
LOCAL = {
    "AWS_ACCESS_KEY_ID": "posthorn",
    "AWS_SECRET_ACCESS_KEY": "posthorn",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class NoStack(Exception):
    """There is nothing to talk to. Its text is what the person at the terminal reads."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running local stack as it describes itself. `environment` configures this process like one of its functions."""

    http: str
    host: str
    submission: int
    api_key: str
    smtp_username: str
    smtp_key: str
    from_address: str
    environment: Mapping[str, str] = field(default_factory=dict)


def find_stack(environment: Mapping[str, str], named: Path | None) -> Stack | None:
    """The local stack to use; None when the environment names AWS. NoStack when there is neither."""
    if named is not None:
        if not named.is_file():
            raise NoStack(f"There is no local stack described in {named}.")
        return read_stack(named)
    if any(environment.get(name) for name in AWS_VARIABLES):
        return None
    for path in _places(environment):
        if path.is_file():
            return read_stack(path)
    raise NoStack(
        "No local stack is running here and no AWS account is configured: start one with `make run`,"
        " or name its stack.json with --stack."
    )


def read_stack(path: Path) -> Stack:
    """The stack that a `stack.json` describes; NoStack when it cannot be read."""
    try:
        facts = json.loads(path.read_text())
        server, smtp = facts["server"], facts["smtp"]
        return Stack(
            http=str(facts["http"]).rstrip("/"),
            host=str(smtp["host"]),
            submission=int(smtp["submission"]),
            api_key=str(server["api_key"]),
            smtp_username=str(server["smtp_username"]),
            smtp_key=str(server["smtp_key"]),
            from_address=str(server["from"]),
            environment=_environment(facts, path),
        )
    except (OSError, ValueError, KeyError, TypeError) as unreadable:
        raise NoStack(f"{path} does not describe a running local stack.") from unreadable


def _environment(facts: Mapping[str, object], path: Path) -> dict[str, str]:
    values = dict(LOCAL)
    values["AWS_ENDPOINT_URL"] = str(facts["aws"])
    values["POSTHORN_DNS_SERVER"] = str(facts.get("dns", ""))
    values["POSTHORN_CLOCK_FILE"] = str(path.resolve().parent / "clock")
    said = facts.get("environment", {})
    if isinstance(said, dict):
        values |= {str(name): str(value) for name, value in said.items()}
    return values


def _places(environment: Mapping[str, str]) -> tuple[Path, ...]:
    state = environment.get("POSTHORN_STATE")
    if state:
        return (Path(state) / "stack.json", REPOSITORY / state / "stack.json")
    return (Path(".local/stack.json"), REPOSITORY / ".local" / "stack.json")

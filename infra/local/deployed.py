"""The local stack with its functions deployed: POSTHORN_FUNCTIONS=deployed, the packaged zip in the emulator's Lambdas.

The emulator polls the queues and fires the rules, API Gateway answers HTTP, and no runner runs. `deploy` brings that
about; `Forward` and `fire_sweep` are what the front does in place of calling the app: it hands requests on to API
Gateway, and wakes the sweeper when the clock was moved, because the emulator's rule follows the wall clock.
"""

from __future__ import annotations

import json
import platform
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from chalicelib.config import Settings
from infra.local.guard import FRONT_HEADER
from infra.local.http_server import Request, Response, json_response
from infra.local.invocation import schedule_event

FACTS = "deployed.json"  # in the state folder: what stands, for the front and for stack.json
PREFIX = "posthorn"
SWEEP = "Sweep"
WAIT_SECONDS = 40.0
NOT_HANDED_ON = {
    "connection",
    "content-length",
    "expect",
    FRONT_HEADER,
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# What every function must know of the world around the stack, by field of `chalicelib.config.Settings`.
SETTINGS = {
    "dns_server": "POSTHORN_DNS_SERVER",
    "delivery_port": "POSTHORN_DELIVERY_PORT",
    "allow_private_delivery": "POSTHORN_ALLOW_PRIVATE_DELIVERY",
    "clock_file": "POSTHORN_CLOCK_FILE",
    "web_hostname": "POSTHORN_WEB_HOSTNAME",
    "smtp_hostname": "POSTHORN_SMTP_HOSTNAME",
    "return_path_domain": "POSTHORN_RETURN_PATH_DOMAIN",
    "route_domain": "POSTHORN_ROUTE_DOMAIN",
    "track_domain": "POSTHORN_TRACK_DOMAIN",
    "track_address": "POSTHORN_TRACK_ADDRESS",
}
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64"}


class _NotFollowed(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer for whoever asked the front."""

    def redirect_request(self, *_: Any) -> None:
        return None


direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NotFollowed)


def deploy(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Package and deploy data plane and functions; raises what `infra.deploy` and `infra.package` raise."""
    from infra import package
    from infra.deploy import deploy as bring_about
    from infra.order import Order
    from infra.targets import Target

    state = Path(environment["POSTHORN_STATE"])
    target = Target(
        "localstack" if environment.get("POSTHORN_EMULATOR") == "localstack" else "local",
        environment["AWS_ENDPOINT_URL"],
        environment["AWS_REGION"],
        (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]),
    )
    architecture = ARCHITECTURES.get(platform.machine(), "x86_64")
    say("packaging the functions")
    packed = package.build(architecture=architecture, folder=state / "build")
    settings = said_settings(environment)
    settings |= {name: environment[variable] for name, variable in SETTINGS.items()}
    made = bring_about(Order(target, PREFIX, packed, settings=settings), say)
    new = state / f"{FACTS}.new"
    new.write_text(json.dumps(asdict(made)))
    new.replace(state / FACTS)


def said_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What the caller of the stack says of settings that follow from nothing else."""
    from infra.options import RESOURCE_NAMES

    named = {one.name for one in fields(Settings)} - RESOURCE_NAMES - {"kill_at"}
    found = {name: environment.get(f"POSTHORN_{name.upper()}", "") for name in sorted(named)}
    return {name: text for name, text in found.items() if text}


def what_stands(state: Path) -> dict[str, Any] | None:
    """What `deploy` made, as the fields of `infra.outputs.Deployed`; None before it is done."""
    try:
        found: dict[str, Any] = json.loads((state / FACTS).read_text())
    except FileNotFoundError:
        return None
    return found


class Forward:
    """Call it with a request: API Gateway's answer to it, or 503 while nothing is deployed."""

    def __init__(self, state: Path, word: str) -> None:
        self._state = state
        self._word = word

    def __call__(self, request: Request) -> Response:
        stands = what_stands(self._state)
        if stands is None:
            return json_response({"message": "the functions are not deployed yet"}, 503)
        return hand_on(request, stands["api"], "API Gateway", self._word)


def hand_on(request: Request, base: str, who: str, word: str, host: str = "") -> Response:
    """What the emulator answers at `base` to the same request, for `host` if given; 502 names `who` is silent.

    `word` shows the emulator's guard that the front has looked at the request; empty where there is no guard.
    """
    headers = {name: value for name, value in request.headers.items() if name not in NOT_HANDED_ON}
    if word:
        headers[FRONT_HEADER] = word
    if host:
        headers["Host"] = host
    onward = urllib.request.Request(  # noqa: S310  # the emulator's address
        base + request.target, request.body or None, headers, method=request.method
    )
    try:
        with direct.open(onward, timeout=WAIT_SECONDS) as answer:
            return _answer_of(answer.status, answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return _answer_of(answer.code, answer)
    except OSError as error:
        return json_response({"message": f"{who} does not answer: {error}"}, 502)


def _answer_of(status: int, answer: Any) -> Response:
    """The emulator's answer as the front's own."""
    kept = [
        (name, value)
        for name, value in answer.headers.items()
        if name.lower() not in NOT_HANDED_ON | {"date", "server"}
    ]
    return Response(status, answer.read(), tuple(kept))


def fire_sweep(state: Path) -> None:
    """Invoke the sweeper and do not wait for it; nothing while nothing is deployed."""
    stands = what_stands(state)
    if stands is None:
        return
    import botocore.session

    client: Any = botocore.session.get_session().create_client("lambda")
    name = stands["functions"][SWEEP]
    event = schedule_event(name, time.time(), stands["region"])
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())

"""The local stack with its functions deployed: POSTHORN_FUNCTIONS=deployed, the packaged zip in the emulator's Lambdas.

The emulator polls the queues and fires the rules, API Gateway answers HTTP, and no runner runs. `deploy` brings that
about; `Deployed` is what the front has in place of the app: it hands requests on, and invokes what has a schedule when
the clock was moved, because the emulator's rules follow the wall clock.
"""

from __future__ import annotations

import json
import platform
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.exchange import HOP_BY_HOP, Request, Response, json_response
from infra.local.folder import write_private
from infra.local.guard import FRONT_HEADER
from infra.local.invocation import schedule_event
from infra.local.loopback import direct

FACTS = "deployed.json"  # in the state folder: what stands, for the front and for stack.json
PREFIX = "posthorn"
SCHEDULED = ("Sweep", "Upkeep")
WAIT_SECONDS = 40.0
NOT_HANDED_ON = HOP_BY_HOP | {"content-length", "expect", "host", FRONT_HEADER}
NOT_HANDED_BACK = NOT_HANDED_ON | {"date", "server"}


def deploy(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Package and deploy data plane and functions; raises what `infra.deploy` and `infra.package` raise."""
    from infra import package
    from infra.deploy import deploy as bring_about
    from infra.options import collect_settings
    from infra.order import Order
    from infra.targets import Target

    state = Path(environment["POSTHORN_STATE"])
    target = Target(
        "localstack" if environment.get("POSTHORN_EMULATOR") == "localstack" else "local",
        environment["AWS_ENDPOINT_URL"],
        environment["AWS_REGION"],
        (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]),
    )
    architecture = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
    say("packaging the functions")
    packed = package.build(architecture=architecture, folder=state / "build")
    settings = collect_settings(target, environment, [])
    made = bring_about(Order(target, PREFIX, packed, settings=settings), say)
    write_private(state / FACTS, json.dumps(asdict(made)))


def what_stands(state: Path) -> dict[str, Any] | None:
    """What `deploy` made, as the fields of `infra.outputs.Deployed`; None before it is done."""
    try:
        found: dict[str, Any] = json.loads((state / FACTS).read_text())
    except FileNotFoundError:
        return None
    return found


@dataclass(frozen=True, slots=True)
class Deployed:
    """The deployed functions as the front reaches them: each request is answered by the emulator at this URL.

    The answer is 503 while nothing is deployed, and 502 when the emulator is silent. `word` shows the emulator's guard
    that the front has looked at the request; empty where there is no guard.
    """

    state: Path
    emulator: str
    word: str

    def api(self, request: Request) -> Response:
        """What API Gateway answers."""
        stands = what_stands(self.state)
        return self._hand_on(request, stands["api"], "API Gateway") if stands else _not_yet()

    def tracking(self, request: Request) -> Response:
        """What the tracking function's URL answers."""
        stands = what_stands(self.state)
        if not stands:
            return _not_yet()
        # The emulators tell function URLs apart by their host, which no name server knows.
        host = urlsplit(stands["outputs"]["TrackingAddress"]).hostname or ""
        return self._hand_on(request, self.emulator, "the function URL", {"Host": host})

    def fire_schedules(self) -> None:
        """Invoke what has a schedule and do not wait for it; nothing while nothing is deployed."""
        if stands := what_stands(self.state):
            import botocore.session

            client: Any = botocore.session.get_session().create_client("lambda")
            for function in SCHEDULED:
                name = stands["functions"][function]
                event = json.dumps(schedule_event(name, time.time(), stands["region"]))
                client.invoke(FunctionName=name, InvocationType="Event", Payload=event.encode())

    def _hand_on(
        self, request: Request, base: str, who: str, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {
            name: value for name, value in request.headers.items() if name not in NOT_HANDED_ON
        }
        headers |= {FRONT_HEADER: self.word} if self.word else {}
        onward = urllib.request.Request(  # noqa: S310  # the emulator's address
            base + request.target,
            request.body or None,
            {**headers, **(more or {})},
            method=request.method,
        )
        try:
            answer = direct.open(onward, timeout=WAIT_SECONDS)
        except urllib.error.HTTPError as refused:
            answer = refused
        except OSError as error:
            return json_response({"message": f"{who} does not answer: {error}"}, 502)
        with answer:
            kept = [
                each for each in answer.headers.items() if each[0].lower() not in NOT_HANDED_BACK
            ]
            return Response(answer.status, answer.read(), kept)


def _not_yet() -> Response:
    return json_response({"message": "the functions are not deployed yet"}, 503)

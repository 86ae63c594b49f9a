"""The local stack with its functions deployed: POSTHORN_FUNCTIONS=deployed, the packaged zip in the emulator's Lambdas.

The emulator polls the queues and fires the rules, API Gateway answers HTTP, and no runner runs. `deploy` brings that
about; `Deployed` is what the front has in place of the app: it hands requests on, and invokes what has a schedule when
the clock was moved, because the emulator's rules follow the wall clock.
"""

from __future__ import annotations

import json
import platform
import re
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
NOT_HANDED_ON = HOP_BY_HOP | {"content-length", "expect", "host", "x-forwarded-host", FRONT_HEADER}
FORWARDED_HOST = "x-forwarded-host"  # which our own function URL believes (functions/view.py)
VIEWS = (
    "/view/"  # where the HTML of mail is shown in frames, at an address that nobody else can make
)
_VERSION = re.compile(r"/api/v[0-9]+(?:/|$)")
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

    def app(self, request: Request) -> Response:
        """What API Gateway answers, or the function URL of views of mail."""
        if request.path.startswith(VIEWS):
            said = {FORWARDED_HOST: request.headers.get("host", "")}
            return self._by_function_url(request, "ViewAddress", said)
        stands = what_stands(self.state)
        if not stands:
            return _not_yet()
        target = without_stage(request.target, stands["api"].split("/")[-2])
        # Pages tell by it whose forms are theirs, and which of our names frames mail.
        host = {"Host": request.headers.get("host", "")}
        return self._hand_on(request, stands["api"] + target, "API Gateway", host)

    def tracking(self, request: Request) -> Response:
        """What the tracking function's URL answers."""
        return self._by_function_url(request, "TrackingAddress", {})

    def _by_function_url(self, request: Request, output: str, more: Mapping[str, str]) -> Response:
        stands = what_stands(self.state)
        if not stands:
            return _not_yet()
        # The emulators tell function URLs apart by their host, which no name server knows.
        host = urlsplit(stands["outputs"][output]).hostname or ""
        url = self.emulator + request.target
        return self._hand_on(request, url, "the function URL", {**more, "Host": host})

    def fire_schedules(self) -> None:
        """Invoke what has a schedule and do not wait for it; nothing while nothing is deployed."""
        if stands := what_stands(self.state):
            import botocore.session

            client: Any = botocore.session.get_session().create_client("lambda")
            for function in SCHEDULED:
                name = stands["functions"][function]
                event = json.dumps(schedule_event(name, time.time(), stands["region"]))
                client.invoke(FunctionName=name, InvocationType="Event", Payload=event.encode())

    def _hand_on(self, request: Request, url: str, who: str, more: Mapping[str, str]) -> Response:
        headers = {
            name: value for name, value in request.headers.items() if name not in NOT_HANDED_ON
        }
        headers |= {FRONT_HEADER: self.word} if self.word else {}
        onward = urllib.request.Request(  # noqa: S310  # the emulator's address
            url,
            request.body or None,
            {**headers, **more},
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


def without_stage(target: str, stage: str) -> str:
    """A target as it stands behind the stage of API Gateway, which pages put in front of their own addresses, and
    which is called as the API's first segment is: what names a version of the API has no stage."""
    path, mark, query = target.partition("?")
    if _VERSION.match(path) or not f"{path}/".startswith(f"/{stage}/"):
        return target
    return (path.removeprefix(f"/{stage}") or "/") + mark + query


def _not_yet() -> Response:
    return json_response({"message": "the functions are not deployed yet"}, 503)

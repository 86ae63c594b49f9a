"""What a deployment gives people and tools: addresses, names, and variables for a shell.

`describe` says it of a deployment that has just ended, `environment_of_current` of one that ended earlier.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn
from chalicelib.config import read_settings
from infra.current_state import CurrentState
from infra.order import Order
from infra.stack import SETTINGS
from infra.targets import Target, WrongOrder, environment_of

# Outputs that people put into their DNS, in the order in which docs/deploy.md names them.
FOR_DNS = {
    "ApiDomainTarget": "API domain",
    "GatewayAddress": "gateway",
    "TrackTarget": "tracking",
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What stands. `api` is the base of all routes (`api + "/api/v1/…"`); `functions` and `queues` are names.

    `environment` makes a process on this machine a part of the installation: the `posthorn` command, or a gateway.
    """

    target: str
    prefix: str
    region: str
    account: str
    api: str
    functions: Mapping[str, str]
    queues: Mapping[str, str]
    environment: Mapping[str, str]
    outputs: Mapping[str, str]


def describe(order: Order, account: str, outputs: Mapping[str, str]) -> Deployed:
    """What a deployment of this order has made, from the outputs of its stacks."""
    url = outputs["EndpointURL"].rstrip("/")
    api = url
    if domain := order.parameters.get("ApiDomain"):  # the other name answers no more
        api = f"https://{domain}"
    if order.target.is_emulated:
        stage = url.rpartition("/")[2]
        api = f"{order.target.endpoint}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"
    queues = {f"deliver-{pool}": f"{order.prefix}-deliver-{pool}" for pool in order.pools}
    return Deployed(
        target=order.target.kind,
        prefix=order.prefix,
        region=order.target.region,
        account=account,
        api=api,
        functions={
            name.removesuffix("Function"): value
            for name, value in outputs.items()
            if name.endswith("Function")
        },
        queues=queues
        | {
            name: f"{order.prefix}-{name}"
            for name in ("incoming", "webhooks", "webhooks-slow", "jobs", "dead")
        },
        environment=_environment(order.target, outputs, order.settings),
        outputs=outputs,
    )


def environment_of_current(state: CurrentState, target: Target, prefix: str) -> dict[str, str]:
    """The variables of `Deployed.environment`; WrongOrder when no installation stands under the prefix."""
    if not state.outputs.keys() >= SETTINGS.keys():
        place = target.endpoint or f"AWS in {target.region}"
        raise WrongOrder(
            f"there is no installation {prefix!r} at {place}; make deploy without --env makes one"
        )
    return _environment(target, state.outputs, state.settings)


def _environment(
    target: Target, outputs: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, str]:
    names = {f"POSTHORN_{setting.upper()}": outputs[name] for name, setting in SETTINGS.items()}
    names |= {f"POSTHORN_{name.upper()}": value for name, value in settings.items()}
    return names | environment_of(target)


def program_of(target: Target, outputs: Mapping[str, str], settings: Mapping[str, str]) -> Posthorn:
    """The installation's services in this process, whose AWS variables become those that lead to the target."""
    os.environ.update(environment_of(target))
    return bootstrap.on_aws(read_settings(_environment(target, outputs, settings)))


def show_environment(environment: Mapping[str, str]) -> None:
    """Print lines that a shell evaluates."""
    for name, value in environment.items():
        print(f"export {name}={shlex.quote(value)}")


def show(made: Deployed, *, as_json: bool) -> None:
    """Print what stands."""
    if as_json:
        print(json.dumps(asdict(made), indent=1))
        return
    print(f"API          {made.api}")
    for title, names in (("functions", made.functions), ("queues", made.queues)):
        print(f"{title:<12} {', '.join(names.values())}")
    for name in ("ControlTable", "MailTable", "Bucket"):
        print(f"{name:<12} {made.outputs[name]}")
    for name, title in FOR_DNS.items():
        if name in made.outputs:
            print(f"{title:<12} {made.outputs[name]} ({name})")
    for name, address in sorted(made.outputs.items()):
        if name.startswith("Deliver") and "Address" in name and "Private" not in name:
            print(f"address      {address} ({name})")

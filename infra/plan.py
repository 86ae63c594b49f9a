"""What a deployment changes, decided before anything is done.

`plan` holds an order against the current state and gives the changes in the order of their making, or says in one
sentence why there are none. It asks nobody and changes nothing; infra/deploy.py carries the changes out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra import egress
from infra.current_state import CurrentState
from infra.order import (
    TRACK_DOMAINS,
    Order,
    check_gateway,
    check_pairs,
    check_tracking,
    settings_of,
)
from infra.stack import data_parameters, time_parameters
from infra.targets import WrongOrder
from infra.templates import Template, for_pools, load, render, with_numbers

VIEW_URL = "POSTHORN_VIEW_URL"


@dataclass(frozen=True, slots=True)
class Change:
    """A stack that is made or changed. `parameters` are its own, besides those of all stacks."""

    part: str
    template: Template
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes in their order, and the parameters of all; the outputs of each change are parameters of the later."""

    parameters: Mapping[str, str]
    changes: Sequence[Change]


def plan(order: Order, state: CurrentState) -> Plan:
    """The changes, each stack once, or twice where infra/egress.py says so; WrongOrder or ValueError says why not."""
    egress.check(order, state.stacks)
    check_pairs(order.parameters)
    check_gateway(order)
    check_tracking(order, state.stacks)
    templates = templates_of(order)
    _check_parameters(order, templates.values())
    changes = [
        Change(part, step, parameters)
        for part, template in templates.items()
        for step, parameters in egress.steps_of(
            order, part, template, state.stacks.get(f"{order.prefix}-{part}")
        )
    ]
    return Plan(_parameters_of_all(order), changes)


def _parameters_of_all(order: Order) -> dict[str, str]:
    bucket = order.parameters.get("BucketName", "")
    return {
        **order.parameters,
        **data_parameters(order.target.endpoint, order.prefix, bucket),
        **time_parameters(settings_of(order.settings)),
        "GatewayImage": order.image,
        "AnswersApart": "true" if order.target.is_emulated else "false",
    }


def templates_of(order: Order) -> dict[str, Template]:
    """The template of each stack that the order asks for, in the order of their making."""
    templates = {"data": for_pools(load("data.yaml"), order.pools)}
    leaving = egress.templates_of(order)
    if order.image or leaving:
        templates["network"] = load("network.yaml")
    templates |= leaving
    templates["functions"] = _functions(order)
    if order.parameters.get(TRACK_DOMAINS):
        templates["tracking"] = load("tracking.yaml")
    if order.image:
        templates["gateway"] = _gateway(order)
    return templates


def _functions(order: Order) -> Template:
    """The functions template with the installation's settings in every function's environment."""
    template: Template = json.loads(render(order.package.template))
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for name, value in order.settings.items():
        variables[f"POSTHORN_{name.upper()}"] = value
    if order.target.is_emulated:
        variables["AWS_ENDPOINT_URL"] = order.target.endpoint
    if order.target.is_emulated or order.settings.get("view_url"):
        # No name server knows the names that emulators give, and what an installation says itself stands above.
        del template["Resources"]["APIHandler"]["Properties"]["Environment"]["Variables"][VIEW_URL]
    # A condition would stand in the API's definition as it is, and so deploy nothing when its answer changes.
    api = template["Resources"]["RestAPI"]["Properties"]
    api["DisableExecuteApiEndpoint"] = bool(order.parameters.get("ApiDomain"))
    return template


def _gateway(order: Order) -> Template:
    """The gateway's template with the installation's settings in its container's environment."""
    template = for_pools(load("gateway.yaml"), order.pools)
    (container,) = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    for name, value in sorted(order.settings.items()):
        container["Environment"].append({"Name": f"POSTHORN_{name.upper()}", "Value": value})
    return template


def _check_parameters(order: Order, templates: Iterable[Template]) -> None:
    """WrongOrder for a parameter that no template has, ValueError for a bad number."""
    declared: set[str] = set()
    for template in templates:
        with_numbers(template, order.parameters)
        declared |= template.get("Parameters", {}).keys()
    if unknown := sorted(order.parameters.keys() - declared - order.kept):
        raise WrongOrder(f"no template has a parameter {unknown[0]}")

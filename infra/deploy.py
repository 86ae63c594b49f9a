"""`make deploy`: brings an installation to where it should be, on an emulator, on LocalStack or on AWS.

`deploy` deploys the data plane, uploads the zip (named by its hash, so the same zip is uploaded once), deploys the
functions, and returns what people and tools need to use them. Doing it again changes nothing; a changed template, zip
or setting updates in place. A failure says what failed, why, and what stands. The data stack's outputs reach the other
stacks as parameters of the same name, which works alike everywhere and locks no stack to another.

It makes no package (infra/package.py does) and never deletes a stack that worked (infra/destroy.py does).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra import pools as standing_pools
from infra import track_front, ways_out
from infra.archive import NotPackaged
from infra.command import read_order
from infra.installation import (
    Deployed,
    describe,
    environment_that_stands,
    show,
    show_environment,
    what_stands,
)
from infra.order import Order, arguments, check_gateway, check_pairs, settings_of
from infra.package import Package
from infra.stack import Stack, StackFailed, data_parameters, time_parameters
from infra.stack import deploy as deploy_stack
from infra.targets import (
    PREFIXES,
    Target,
    WrongOrder,
    check_prefix,
    find_target,
    one_line,
)
from infra.templates import LONGEST_INLINE, Template, for_pools, load, render, with_numbers

Say = Callable[[str], None]


def deploy(order: Order, say: Say) -> Deployed:
    """Bring the installation about; StackFailed or WrongOrder says why not."""
    times = time_parameters(settings_of(order.settings))
    account = order.target.identify()
    standing_pools.check(order)
    ways_out.check(order)
    check_pairs(order.parameters)
    check_gateway(order)
    track_front.check(order)
    templates = templates_of(order)
    _check_parameters(order, templates.values())
    client = order.target.client("cloudformation")
    emulated = order.target.endpoint or None
    bucket = order.parameters.get("BucketName", "")
    known = dict(order.parameters) | data_parameters(emulated, order.prefix, bucket)
    known |= times
    known["GatewayImage"] = order.image
    known["AnswersApart"] = "true" if order.target.is_emulated else "false"
    for part, template in templates.items():
        if part == "functions":
            known["CodeKey"] = upload(order.target, known["CodeBucket"], order.package, say)
        outputs: dict[str, str] = {}
        for step, told in ways_out.steps_of(order, part, template):
            stack = stack_of(order, part, step, known | told)
            outputs = deploy_stack(client, stack, say, order.target.pace)
        known |= ways_out.outputs_for_others(part, outputs)
    made = describe(order, account, known)
    ways_out.bring_sources(order, known, made.environment, say)
    ways_out.tell_forgotten(order, say)
    return made


def templates_of(order: Order) -> dict[str, Template]:
    """The template of each stack that the order asks for, in the order of their making."""
    templates = {"data": for_pools(load("data.yaml"), order.pools)}
    ways = ways_out.templates_of(order)
    if order.image or ways:
        templates["network"] = load("network.yaml")
    templates |= ways
    templates["functions"] = _with_settings(order)
    templates |= track_front.templates_of(order)
    if order.image:
        templates["gateway"] = _gateway(order)
    return templates


def stack_of(order: Order, part: str, template: Template, known: Mapping[str, str]) -> Stack:
    """One stack of the installation; a template that is too long for the request goes through the code bucket."""
    template = with_numbers(template, known)
    text, url = render(template), ""
    if len(text.encode()) > LONGEST_INLINE:
        if "CodeBucket" not in known:
            raise WrongOrder(
                f"the template of the {part} stack is longer than CloudFormation takes where there"
                " is no bucket for it yet; say fewer pools"
            )
        s3, bucket = order.target.client("s3"), known["CodeBucket"]
        key = f"templates/{hashlib.sha256(text.encode()).hexdigest()}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, 3600)
        url = url.partition("?")[0]  # CloudFormation reads it with the caller's own rights
    return Stack(f"{order.prefix}-{part}", text, parameters_of(template, known), url)


def parameters_of(template: Template, known: Mapping[str, str]) -> dict[str, str]:
    """The known values that the template has a parameter for; WrongOrder when one that it needs is not known."""
    declared = template.get("Parameters", {})
    missing = [name for name, one in declared.items() if "Default" not in one and name not in known]
    if missing:
        raise WrongOrder(f"the parameter {missing[0]} is missing; say --parameter {missing[0]}=…")
    return {name: known[name] for name in declared if name in known}


def upload(target: Target, bucket: str, package: Package, say: Say) -> str:
    """Put the zip into the code bucket unless it is there; its key."""
    s3 = target.client("s3")
    key = f"functions/{package.archive.digest}.zip"
    try:
        s3.head_object(Bucket=bucket, Key=key)
        say(f"the zip is in {bucket} already")
    except ClientError as error:
        if error.response["Error"].get("Code") not in {"404", "NoSuchKey", "NotFound"}:
            raise
        say(f"uploading {package.archive.size / 1e6:.1f} MB to {bucket}")
        s3.put_object(Bucket=bucket, Key=key, Body=package.archive.path.read_bytes())
    return key


def _with_settings(order: Order) -> Template:
    """The functions template with the installation's settings in every function's environment."""
    template: Template = json.loads(render(order.package.template))
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for name, value in order.settings.items():
        variables[f"POSTHORN_{name.upper()}"] = value
    if order.target.is_emulated:
        variables["AWS_ENDPOINT_URL"] = order.target.endpoint
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
    """Before anything is made: WrongOrder for a parameter that no template has, ValueError for a bad number."""
    templates = list(templates)
    for template in templates:
        with_numbers(template, order.parameters)
    declared = {name for template in templates for name in template.get("Parameters", {})}
    if unknown := sorted(set(order.parameters) - declared - order.kept):
        raise WrongOrder(f"no template has a parameter {unknown[0]}")


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with one sentence on standard error and another on what stands."""
    try:
        parsed = arguments().parse_args(given)
        target = find_target(parsed.target, os.environ, parsed.endpoint, parsed.region)
        prefix = parsed.prefix or PREFIXES[target.kind]
        check_prefix(prefix)
        if parsed.env:
            target.identify()
            show_environment(environment_that_stands(target, prefix))
            return 0
        made = _deploy_or_explain(read_order(parsed, target, prefix, _say))
    except (WrongOrder, NotPackaged, StackFailed, ValueError) as error:
        return _refuse(one_line(error))
    except (ClientError, BotoCoreError) as error:
        return _refuse(f"{one_line(error)}; nothing was changed")
    show(made, as_json=parsed.json)
    return 0


def _refuse(why: str) -> int:
    print(f"posthorn: {why}", file=sys.stderr)
    return 1


def _deploy_or_explain(order: Order) -> Deployed:
    """Deploy; every failure of AWS becomes a StackFailed that says what stands."""
    try:
        return deploy(order, _say)
    except (StackFailed, ClientError, BotoCoreError) as error:
        advice = "mend the cause and deploy again"
        if "already exists" in str(error) or "BucketAlreadyExists" in str(error):
            advice = "the name is taken: choose another --prefix, or remove what has it"
        try:
            left = what_stands(order.target, order.prefix)
        except (ClientError, BotoCoreError) as silent:
            left = f"what stands cannot be told ({one_line(silent)})"
        raise StackFailed(f"{one_line(error)}; {left}; {advice}") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

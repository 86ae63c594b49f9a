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
from dataclasses import asdict, dataclass

from botocore.exceptions import BotoCoreError, ClientError

from infra import package as packaging
from infra import track_front, ways_out
from infra.archive import NotPackaged
from infra.order import (
    Order,
    arguments,
    collect_settings,
    read_addresses,
    read_hosts,
    read_pairs,
    read_unused,
)
from infra.package import Package
from infra.stack import SETTINGS, Stack, StackFailed, data_parameters
from infra.stack import deploy as deploy_stack
from infra.targets import (
    PREFIXES,
    Target,
    WrongOrder,
    check_prefix,
    environment_of,
    find_target,
    one_line,
    stacks_of,
)
from infra.templates import (
    DEFAULT_POOL,
    LONGEST_INLINE,
    Template,
    for_pools,
    load,
    read_pools,
    render,
    with_numbers,
)

Say = Callable[[str], None]

__all__ = ["Deployed", "Order", "deploy", "main", "read_addresses", "stack_of", "templates_of"]


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


def deploy(order: Order, say: Say) -> Deployed:
    """Bring the installation about; StackFailed or WrongOrder says why not."""
    account = order.target.identify()
    _check_pools(order)
    ways_out.check(order)
    track_front.check(order)
    templates = templates_of(order)
    _check_parameters(order, templates.values())
    client = order.target.client("cloudformation")
    emulated = order.target.endpoint or None
    known = dict(order.parameters) | data_parameters(emulated, order.prefix)
    known["GatewayImage"] = order.image
    known["AnswersApart"] = "true" if order.target.is_emulated else "false"
    for part, template in templates.items():
        if part == "functions":
            known["CodeKey"] = upload(order.target, known["CodeBucket"], order.package, say)
        stack = stack_of(order, part, template, known | ways_out.parameters_of(order, part))
        known |= ways_out.outputs_for_others(part, deploy_stack(client, stack, say))
    made = _describe(order, account, known)
    ways_out.bring_sources(order, known, made.environment, say)
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
    return template


def _gateway(order: Order) -> Template:
    """The gateway's template with the installation's settings in its container's environment."""
    template = load("gateway.yaml")
    (container,) = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    for name, value in sorted(order.settings.items()):
        container["Environment"].append({"Name": f"POSTHORN_{name.upper()}", "Value": value})
    queues = template["Resources"]["GatewayRole"]
    template["Resources"]["GatewayRole"] = for_pools({"Role": queues}, order.pools)["Role"]
    return template


def _check_parameters(order: Order, templates: Iterable[Template]) -> None:
    """Before anything is made: WrongOrder for a parameter that no template has, ValueError for a bad number."""
    templates = list(templates)
    for template in templates:
        with_numbers(template, order.parameters)
    declared = {name for template in templates for name in template.get("Parameters", {})}
    if unknown := sorted(set(order.parameters) - declared):
        raise WrongOrder(f"no template has a parameter {unknown[0]}")


def _check_pools(order: Order) -> None:
    """WrongOrder when a pool would go whose queue still holds wake-ups: their mail would wait for ever."""
    sqs = order.target.client("sqs")
    start = f"{order.prefix}-deliver-"
    for url in sqs.list_queues(QueueNamePrefix=start).get("QueueUrls", []):
        pool = url.rpartition("/")[2].removeprefix(start)
        counts = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{count}" for count in counts]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        if pool not in order.pools and any(int(attributes.get(name, 0)) for name in names):
            raise WrongOrder(
                f"the pool {pool!r} is not among the pools any more, but its queue still holds"
                " wake-ups; keep it until they are done"
            )


def _describe(order: Order, account: str, made: Mapping[str, str]) -> Deployed:
    api = made["EndpointURL"].rstrip("/")
    if order.target.is_emulated:
        stage = api.rpartition("/")[2]
        api = f"{order.target.endpoint}/restapis/{made['RestAPIId']}/{stage}/_user_request_"
    names = {f"POSTHORN_{setting.upper()}": made[output] for output, setting in SETTINGS.items()}
    names |= {f"POSTHORN_{name.upper()}": value for name, value in order.settings.items()}
    queues = {f"deliver-{pool}": f"{order.prefix}-deliver-{pool}" for pool in order.pools}
    return Deployed(
        target=order.target.kind,
        prefix=order.prefix,
        region=order.target.region,
        account=account,
        api=api,
        functions={
            name.removesuffix("Function"): value
            for name, value in made.items()
            if name.endswith("Function")
        },
        queues=queues | {"dead": f"{order.prefix}-dead"},
        environment=names | environment_of(order.target),
        outputs=made,
    )


def what_stands(target: Target, prefix: str) -> str:
    """The stacks of the installation and their states, as one sentence."""
    found = [f"{name} ({state})" for name, state in stacks_of(target, prefix).items()]
    return f"what stands: {', '.join(found)}" if found else "nothing was made"


def show(made: Deployed, *, as_json: bool, as_env: bool) -> None:
    """Print what stands."""
    if as_json:
        print(json.dumps(asdict(made), indent=1))
    elif as_env:
        for name, value in made.environment.items():
            print(f"export {name}='{value}'")
    else:
        print(f"API          {made.api}")
        for title, names in (("functions", made.functions), ("queues", made.queues)):
            print(f"{title:<12} {', '.join(names.values())}")
        for name in ("ControlTable", "MailTable", "Bucket"):
            print(f"{name:<12} {made.outputs[name]}")
        for name, address in sorted(made.outputs.items()):
            if name.startswith("Deliver") and "Address" in name and "Private" not in name:
                print(f"address      {address} ({name})")


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with one sentence on standard error and another on what stands."""
    parsed = arguments().parse_args(given)
    target: Target | None = None
    prefix = parsed.prefix or PREFIXES.get(parsed.target, "")
    try:
        target = find_target(parsed.target, os.environ, parsed.endpoint, parsed.region)
        settings = collect_settings(target, os.environ, parsed.set)
        parameters = read_pairs(parsed.parameter, "--parameter")
        pools = read_pools(parsed.pools or os.environ.get("POSTHORN_POOLS") or DEFAULT_POOL)
        own_addresses = read_addresses(parsed.own_address, pools)
        hosts = read_hosts(parsed.egress_host, pools, own_addresses)
        check_prefix(prefix)
        target.identify()
        _say("packaging")
        package = packaging.build(pools, parsed.architecture)
        order = Order(
            target,
            prefix,
            package,
            pools,
            settings,
            parameters,
            parsed.gateway,
            own_addresses,
            hosts,
            parsed.egress_image,
            read_unused(parsed.own_address, parsed.egress_host),
        )
        made = _deploy_or_explain(order)
    except (WrongOrder, NotPackaged, StackFailed, ValueError) as error:
        print(f"posthorn: {one_line(error)}", file=sys.stderr)
        return 1
    show(made, as_json=parsed.json, as_env=parsed.env)
    return 0


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
        except BotoCoreError:
            left = "what stands cannot be told, because the endpoint no longer answers"
        raise StackFailed(f"{one_line(error)}; {left}; {advice}") from error


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

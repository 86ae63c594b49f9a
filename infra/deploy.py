"""`make deploy`: brings an installation to where it should be, on an emulator, on LocalStack or on AWS.

Three steps: the current state is read once, the changes are planned from it, and they are carried out. The zip is
uploaded named by its hash, so the same zip is uploaded once. Doing it again changes nothing; a changed template, zip
or setting updates in place. A failure says what failed, why, and what stands. The outputs of each stack reach the later
ones as parameters of the same name, which works alike everywhere and locks no stack to another.

It makes no package (infra/package.py does) and never deletes a stack that worked (infra/destroy.py does).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence

from botocore.exceptions import BotoCoreError, ClientError

from infra import egress, pools
from infra.archive import Archive, NotPackaged
from infra.current_state import CurrentState, elastic_ips, read, what_stands
from infra.egress_sources import bring_sources
from infra.options import arguments, complete, installation_of, read_request
from infra.order import Order
from infra.outputs import Deployed, describe, environment_of_current, show, show_environment
from infra.plan import Plan, plan
from infra.recovery import switch_on
from infra.stack import Say, Stack, StackFailed
from infra.stack import deploy as deploy_stack
from infra.targets import Target, WrongOrder, one_line
from infra.templates import LONGEST_INLINE, Template, render, with_numbers


def deploy(order: Order, say: Say) -> Deployed:
    """Bring the installation about, whatever stands; StackFailed or WrongOrder says why not."""
    return bring_about(order, read(order.target, order.prefix), say)


def bring_about(order: Order, state: CurrentState, say: Say) -> Deployed:
    """As `deploy`, from a state that has been read."""
    pools.check(order, state.outputs)
    egress.check_machine(order)
    known = apply(order, plan(order, state), say)
    made = describe(order, order.target.identify(), known)
    bring_sources(order, known, say)
    tell_forgotten(order, say)
    return made


def tell_forgotten(order: Order, say: Say) -> None:
    """Name the Elastic IPs that the installation has no use for any more; nothing else would."""
    for address in elastic_ips(order.target, order.prefix)[1]:
        say(
            f"the Elastic IP {address} is kept though nothing uses it, and costs, until you release it in EC2"
        )


def apply(order: Order, planned: Plan, say: Say) -> dict[str, str]:
    """Carry a plan out; the parameters and outputs of all stacks. StackFailed or WrongOrder says why not."""
    client, known = order.target.client("cloudformation"), dict(planned.parameters)
    for change in planned.changes:
        if change.part == "functions":
            for name, zipped in order.package.archives.items():
                known[name] = upload(order.target, known["CodeBucket"], zipped, say)
        stack = stack_of(order, change.part, change.template, {**known, **change.parameters})
        outputs = deploy_stack(client, stack, say, order.target.pace)
        known |= egress.outputs_for_others(change.part, outputs)
        if change.part == "data" and order.target.is_emulated:
            for table in ("MailTable", "ControlTable"):
                switch_on(order.target.client("dynamodb"), known[table])
    return known


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


def upload(target: Target, bucket: str, zipped: Archive, say: Say) -> str:
    """Put a zip into the code bucket unless it is there; its key."""
    s3 = target.client("s3")
    key = f"functions/{zipped.digest}.zip"
    try:
        s3.head_object(Bucket=bucket, Key=key)
        say(f"the zip is in {bucket} already")
    except ClientError as error:
        if error.response["Error"].get("Code") not in {"404", "NoSuchKey", "NotFound"}:
            raise
        say(f"uploading {zipped.size / 1e6:.1f} MB to {bucket}")
        s3.put_object(Bucket=bucket, Key=key, Body=zipped.path.read_bytes())
    return key


def main(given: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with one sentence on standard error and another on what stands."""
    try:
        options = arguments().parse_args(given)
        target, prefix = installation_of(options)
        if options.env:
            target.identify()
            show_environment(environment_of_current(read(target, prefix), target, prefix))
            return 0
        requested = read_request(options, target)
        target.identify()
        state = read(target, prefix)
        made = _bring_about_or_explain(complete(requested, state, target, prefix, _say), state)
    except (WrongOrder, NotPackaged, StackFailed, ValueError) as error:
        return _refuse(one_line(error))
    except (ClientError, BotoCoreError) as error:
        return _refuse(f"{one_line(error)}; nothing was changed")
    show(made, as_json=options.json)
    return 0


def _refuse(why: str) -> int:
    print(f"posthorn: {why}", file=sys.stderr)
    return 1


def _bring_about_or_explain(order: Order, state: CurrentState) -> Deployed:
    """Bring it about; every failure of AWS becomes a StackFailed that says what stands."""
    try:
        return bring_about(order, state, _say)
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

"""Deploy a CloudFormation stack to any endpoint, with progress and, when it fails, the reason of the first failure.

`deploy` creates the stack or brings it up to date and does nothing when it is; a stack whose creation failed is removed
and made anew. It deletes no stack that ever worked: that is `remove`, which leaves what the template says to retain.
Endpoint, region and credentials are those of the client given, so that emulator and AWS take one path.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.exceptions import ClientError

from chalicelib.config import Settings
from infra.recovery import switch_on
from infra.templates import load, render, with_numbers

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

DATA_TEMPLATE = Path(__file__).with_name("data.yaml")
Say = Callable[[str], None]
# CloudFormation's answers to who asks too often.
THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded"})

# Output of the data stack → field of `chalicelib.config.Settings`.
SETTINGS = {
    "ControlTable": "control_table",
    "MailTable": "mail_table",
    "Bucket": "bucket",
    "QueuePrefix": "queue_prefix",
    "KeyAlias": "key_alias",
}


class StackFailed(Exception):
    """The stack could not be deployed. Its text names the resource and CloudFormation's reason."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two looks at a stack that changes, and seconds after which nobody looks any longer."""

    pause: float
    patience: float


EMULATORS_PACE = Pace(0.2, 900)
# AWS counts calls. A machine that does not start is waited for twice, there and back; the interfaces of a function
# in a network may take most of an hour to go.
PATIENT_PACE = Pace(5, 5400)


@dataclass(frozen=True, slots=True)
class Stack:
    """What to deploy. `url` is where in S3 the template lies too, for one that is too long for the request."""

    name: str
    template: str
    parameters: Mapping[str, str]
    url: str = ""


def deploy_data(
    endpoint: str | None = None,
    prefix: str = "posthorn",
    *,
    visibility_seconds: int = Settings().visibility_seconds,
    say: Say = lambda _: None,
) -> dict[str, str]:
    """Deploy the data plane as stack `<prefix>-data`; its names, by field of `Settings`.

    Without an `endpoint` the standard AWS variables decide. An emulator has a world of its own, where the default name
    of the bucket is free. Wake-ups that were received stay hidden for `visibility_seconds`.
    """
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    parameters = data_parameters(endpoint, prefix)
    parameters["VisibilitySeconds"] = str(visibility_seconds)
    text = render(with_numbers(load(DATA_TEMPLATE.name), parameters))
    stack = Stack(f"{prefix}-data", text, parameters)
    pace = EMULATORS_PACE if endpoint else PATIENT_PACE
    outputs = deploy(cloudformation(endpoint), stack, say, pace)
    if endpoint:
        for table in ("MailTable", "ControlTable"):
            switch_on(_client("dynamodb", endpoint), outputs[table])
    return {field: outputs[output] for output, field in SETTINGS.items()}


def time_parameters(settings: Settings) -> dict[str, str]:
    """The time limits of queue and delivering function, which are those that the functions believe in."""
    return {
        "LeaseSeconds": str(settings.lease_seconds),
        "VisibilitySeconds": str(settings.visibility_seconds),
    }


def data_parameters(endpoint: str | None, prefix: str, bucket: str = "") -> dict[str, str]:
    """What data.yaml is told about where it is deployed."""
    parameters = {"Prefix": prefix}
    if bucket or endpoint:
        parameters["BucketName"] = bucket or f"{prefix}-mail-raw"
    if endpoint and endpoint.startswith("http:"):
        parameters["RequireTls"] = "false"
    return parameters


def cloudformation(endpoint: str | None) -> CloudFormationClient:
    """A client for an endpoint, with the standard AWS variables for the rest."""
    return _client("cloudformation", endpoint)  # type: ignore[no-any-return]  # botocore makes clients at run time


def _client(service: str, endpoint: str | None) -> Any:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return botocore.session.get_session().create_client(
        service, region_name=region, endpoint_url=endpoint
    )


def deploy(
    client: CloudFormationClient,
    stack: Stack,
    say: Say = lambda _: None,
    pace: Pace = EMULATORS_PACE,
) -> dict[str, str]:
    """Create or update the stack and wait for it; its outputs. Raises StackFailed."""
    state, follow = status(client, stack.name), _Follower(client, stack.name, say, pace)
    if state in {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}:
        say(f"{stack.name}: removing what a failed creation left")
        client.delete_stack(StackName=stack.name)
        follow.until({None})
        state, follow = None, _Follower(client, stack.name, say, pace)
    if _start(client, stack, creating=state is None):
        say(f"{stack.name}: {'creating' if state is None else 'updating'}")
        follow.until({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
    described = client.describe_stacks(StackName=stack.name)["Stacks"][0]
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


def remove(
    client: CloudFormationClient,
    name: str,
    say: Say = lambda _: None,
    pace: Pace = EMULATORS_PACE,
) -> bool:
    """Delete the stack and wait for it; False when there is none. Raises StackFailed."""
    if status(client, name) is None:
        return False
    follow = _Follower(client, name, say, pace)
    say(f"{name}: removing")
    client.delete_stack(StackName=name)
    follow.until({None})
    return True


def _start(client: CloudFormationClient, stack: Stack, creating: bool) -> bool:
    """Ask for the change; False when there is nothing to change."""
    request: Any = {
        "StackName": stack.name,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in stack.parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        # What is retained is retained from its owner's errors. What a failed change has just made holds nothing yet,
        # and its name would be in the way of the next attempt. Said here, because not every emulator knows the
        # deletion policy of that name.
        "RetainExceptOnCreate": True,
    }
    request |= {"TemplateURL": stack.url} if stack.url else {"TemplateBody": stack.template}
    try:
        if creating:
            client.create_stack(**request)
        else:
            client.update_stack(**request)
    except ClientError as error:
        text = error.response["Error"].get("Message", "")
        if "No updates are to be performed" in text:
            return False
        raise StackFailed(f"{stack.name}: {text}") from error
    return True


class _Follower:
    """Follows a stack from now on: says what comes to rest, and remembers the failures among it, oldest first."""

    def __init__(self, client: CloudFormationClient, name: str, say: Say, pace: Pace) -> None:
        self._client = client
        self._name = name
        self._say = say
        self._pace = pace
        self._failures: list[str] = []
        self._seen = {event["EventId"] for event in self._events()}

    def until(self, wanted: Collection[str | None]) -> None:
        """Wait until the stack rests, gone as None; StackFailed with the first failure's reason when not as wanted."""
        end = time.monotonic() + self._pace.patience
        while time.monotonic() < end:
            try:
                state = status(self._client, self._name)
            except ClientError as error:
                if error.response["Error"].get("Code") not in THROTTLED:
                    raise
            else:
                self._tell_news()
                if state in wanted:
                    return
                if state is None or not state.endswith("_IN_PROGRESS"):
                    raise StackFailed(f"{self._name}: {self._reason(state or 'the stack is gone')}")
            time.sleep(self._pace.pause)
        why = [f"{self._name}: not done after {self._pace.patience:.0f} s", self._reason("")]
        raise StackFailed("; ".join(filter(None, why)))

    def _tell_news(self) -> None:
        for event in reversed(self._events()):
            if event["EventId"] in self._seen:
                continue
            self._seen.add(event["EventId"])
            state, reason = event.get("ResourceStatus", ""), event.get("ResourceStatusReason", "")
            line = f"{event.get('LogicalResourceId', '')} {state} {reason}".rstrip()
            if not state.endswith("_IN_PROGRESS"):
                self._say(f"{self._name}: {line}")
            if state.endswith("_FAILED") and "cancelled" not in reason:
                self._failures.append(line)

    def _reason(self, otherwise: str) -> str:
        """The first failure; where CloudFormation found it before anything was made, the events only point at it."""
        if any("DescribeEvents" in failure for failure in self._failures):
            # An endpoint that does not validate has no such operation.
            with suppress(ClientError):
                client: Any = self._client
                for event in client.describe_events(StackName=self._name)["OperationEvents"]:
                    reason = event.get("ValidationStatusReason")
                    if event.get("ValidationStatus") == "FAILED" and reason:
                        return f"{event.get('LogicalResourceId', '')} {reason}"
        return self._failures[0] if self._failures else otherwise

    def _events(self) -> list[Any]:
        """The stack's latest events, newest first; none for a stack that is gone."""
        try:
            return list(self._client.describe_stack_events(StackName=self._name)["StackEvents"])
        except ClientError:
            return []


def status(client: CloudFormationClient, name: str) -> str | None:
    """The stack's status; None when there is no such stack."""
    try:
        found: str = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return None if found == "DELETE_COMPLETE" else found
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise

"""What stands of an installation, and what its deployments were told, so that the next one need not be told again.

`look_at` reads the stacks themselves: parameters that differ from the defaults of the template that stands, settings of
the functions, pools, and images. What follows from the installation itself, such as the names of tables, and the ways
out are not among them. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chalicelib.config import Settings
from infra.stack import SETTINGS, data_parameters
from infra.targets import Target, described_stacks, part_of
from infra.templates import DEFAULT_POOL, Template, read

# What a deployment finds out by itself; everything else that has a default is somebody's choice.
COMPUTED = frozenset(
    {
        "Prefix",
        "RequireTls",
        "LeaseSeconds",
        "VisibilitySeconds",
        "AnswersApart",
        "PrivateServices",
        "EgressImageArn",
        "EgressInstanceType",
    }
)
# A name, and the certificate that is of no use without it.
CERTIFICATES = {"TrackDomainNames": "TrackCertificateArn", "ApiDomain": "ApiCertificateArn"}
_UNMADE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What an installation was told. All is empty when nothing stands.

    `outputs` are those of all its stacks but the ways out; `image` is the gateway's, `egress_image` one that hosts run
    in place of it.
    """

    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    pools: tuple[str, ...] = ()
    image: str = ""
    egress_image: str = ""


def look_at(target: Target, prefix: str) -> Standing:
    """What stands there under this prefix; stacks whose creation failed do not count."""
    client = target.client("cloudformation")
    outputs: dict[str, str] = {}
    parameters: dict[str, str] = {}
    settings: dict[str, str] = {}
    images: dict[str, str] = {}
    parts: set[str] = set()
    for stack in described_stacks(target, prefix):
        if stack["StackStatus"] in _UNMADE:
            continue
        part = part_of(stack["StackName"], prefix)
        parts.add(part)
        template = _template(client, stack["StackName"])
        values = _values(stack)
        parameters = dict(_chosen(template, values)) | parameters
        images |= {name: values[name] for name in ("GatewayImage", "EgressImage") if name in values}
        if "-" not in part:
            outputs |= {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
        if part == "functions":
            settings = _settings(template)
    if target.is_emulated and parameters.get("BucketName") == _usual_bucket(target, prefix):
        del parameters["BucketName"]
    image, egress_image = (images.get(name, "") for name in ("GatewayImage", "EgressImage"))
    return Standing(
        outputs,
        _still_true(parameters, parts),
        settings,
        _pools(outputs),
        image,
        egress_image if egress_image != image else "",
    )


def _usual_bucket(target: Target, prefix: str) -> str:
    return data_parameters(target.endpoint, prefix)["BucketName"]


def _values(stack: Mapping[str, Any]) -> dict[str, str]:
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}


def _template(client: Any, stack: str) -> Template:
    body = client.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    return read(body) if isinstance(body, str) else body  # botocore reads JSON by itself


def _chosen(template: Template, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The parameters that were told something else than their template's default."""
    for name, one in template.get("Parameters", {}).items():
        default = one.get("Default")
        asked = default is not None or name in CERTIFICATES.values()
        if asked and name not in COMPUTED and values.get(name, str(default)) != str(default):
            yield name, values[name]


def _still_true(parameters: Mapping[str, str], parts: set[str]) -> dict[str, str]:
    """Without the networks of functions that ways out stand for, and certificates of names that are not used."""
    through = {part.partition("-")[2].capitalize() for part in parts if "-" in part}
    networks = {f"Deliver{pool}{end}" for pool in through for end in ("Subnets", "SecurityGroups")}
    alone = {held for name, held in CERTIFICATES.items() if name not in parameters}
    return {name: parameters[name] for name in sorted(parameters.keys() - networks - alone)}


def _settings(template: Template) -> dict[str, str]:
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    known = {one.name for one in fields(Settings)} - set(SETTINGS.values())
    named = {name: variables.get(f"POSTHORN_{name.upper()}") for name in sorted(known)}
    return {name: value for name, value in named.items() if isinstance(value, str)}


def _pools(outputs: Mapping[str, str]) -> tuple[str, ...]:
    """The pools that have a queue, the default one first."""
    found = {
        name.removeprefix("Deliver").removesuffix("Arn").lower()
        for name in outputs
        if name.startswith("Deliver") and name.endswith("Arn")
    }
    return tuple(sorted(found, key=lambda pool: (pool != DEFAULT_POOL, pool)))

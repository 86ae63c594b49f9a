"""Where a deployment goes: `local` (the emulator of `make run AWS=1`, or any), `localstack`, or `aws` itself.

`find_target` reads the caller's environment; `Target.identify` asks the endpoint who is calling, which proves address,
region and credentials before anything is made. Everything that is wrong becomes `WrongOrder`, one sentence for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserError

from chalicelib.cli.stack import EMBEDDED, KEY, NoStack, read_facts, stack_of
from infra.local.plan import LOCAL_DEFAULTS, ROOT
from infra.stack import EMULATORS_PACE, PATIENT_PACE, Pace

LOCAL, LOCALSTACK, AWS = "local", "localstack", "aws"
KINDS = (LOCAL, LOCALSTACK, AWS)
EMULATOR = "http://127.0.0.1:4566"
# The local stack has the prefix "posthorn-" in its emulator; its runner must not find the queues of deployed functions.
PREFIXES = {LOCAL: "lambda", LOCALSTACK: "posthorn", AWS: "posthorn"}
PREFIX = re.compile(r"[a-z][a-z0-9-]{1,22}[a-z0-9]")  # a load balancer's name has 32 letters
# `acme-nat` has a stack `acme-nat-data`, which would be that of the pool `data` of `acme`; queues alike.
AMBIGUOUS = ("-nat", "-egress", "-deliver")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
RETRIES: Any = {"mode": "standard", "total_max_attempts": 3}
PATIENT_RETRIES: Any = {"mode": "adaptive", "total_max_attempts": 10}
WRONG_CREDENTIALS = {
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "ExpiredTokenException",
    "AccessDenied",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
}


class WrongOrder(Exception):
    """What was asked for cannot be done. Its text is one sentence for people."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to deploy to. `settings` are what functions must know there, such as the DNS of the local stack."""

    kind: str
    endpoint: str
    region: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_emulated(self) -> bool:
        return self.kind != AWS

    @property
    def pace(self) -> Pace:
        """How often, and how long, stacks there are asked about."""
        return EMULATORS_PACE if self.is_emulated else PATIENT_PACE

    def client(self, service: str) -> Any:
        """A client of the service there; on AWS it gives way when it is told to slow down."""
        key, secret = self.credentials or (None, None)
        options: dict[str, Any] = {"ignore_configured_endpoint_urls": not self.is_emulated}
        return _session().create_client(
            service,
            region_name=self.region,
            endpoint_url=self.endpoint or None,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(
                connect_timeout=5,
                retries=RETRIES if self.is_emulated else PATIENT_RETRIES,
                s3={"addressing_style": "path" if self.is_emulated else "auto"},
                **options,
            ),
        )

    def identify(self) -> str:
        """The account number; WrongOrder when the endpoint, the region or the credentials are wrong."""
        place = self.endpoint or f"AWS in {self.region}"
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (NoCredentialsError, PartialCredentialsError):
            raise WrongOrder(
                "there are no AWS credentials; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY"
            ) from None
        except EndpointConnectionError:
            hint = "start it with: make run AWS=1" if self.kind == LOCAL else "is it running?"
            raise WrongOrder(f"nothing answers at {place}; {hint}") from None
        except ClientError as error:
            code = error.response["Error"].get("Code", "")
            if code in WRONG_CREDENTIALS:
                raise WrongOrder(f"{place} does not accept these credentials ({code})") from None
            raise WrongOrder(f"{place} does not say who is calling ({code})") from None
        except ResponseParserError:
            raise WrongOrder(f"what answers at {place} does not speak AWS's language") from None
        except BotoCoreError as error:
            raise WrongOrder(f"{place} cannot be used: {one_line(error)}") from None


def find_target(
    kind: str, environment: Mapping[str, str], endpoint: str = "", region: str = ""
) -> Target:
    """The target that the arguments and the environment name; WrongOrder when they contradict each other."""
    if kind not in KINDS:
        raise WrongOrder(f"there is no target {kind!r}; it is one of {', '.join(KINDS)}")
    region = region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
    if kind == AWS:
        return _aws(environment, endpoint, region)
    stack = _local_stack(environment)
    running = stack.endpoint if stack and kind == LOCAL else EMULATOR
    address = endpoint or environment.get("AWS_ENDPOINT_URL") or running
    if not re.match(r"https?://[^/]+/?$", address):
        raise WrongOrder(f"an endpoint is a URL such as {EMULATOR}, not {address!r}")
    address, region = address.rstrip("/"), _checked_region(region or "us-east-1")
    if stack and stack.endpoint == address:
        return replace(stack, kind=kind, region=region)
    named = environment.get("AWS_ACCESS_KEY_ID") and environment.get("AWS_SECRET_ACCESS_KEY")
    return Target(kind, address, region, None if named else ("test", "test"))


def _aws(environment: Mapping[str, str], endpoint: str, region: str) -> Target:
    if endpoint or environment.get("AWS_ENDPOINT_URL"):
        raise WrongOrder(
            "the target aws takes no endpoint; unset AWS_ENDPOINT_URL, or name the target local or"
            " localstack"
        )
    try:
        region = region or _session().get_config_variable("region") or ""
    except ProfileNotFound as error:
        raise WrongOrder(one_line(error)) from None
    if not region:
        raise WrongOrder("there is no region; say --region or set AWS_REGION")
    region = _checked_region(region)
    known = _session()
    partitions = known.get_available_partitions()
    if not any(region in known.get_available_regions("sqs", name) for name in partitions):
        raise WrongOrder(f"AWS has no region {region!r}")
    return Target(AWS, "", region)


def _checked_region(region: str) -> str:
    if not REGION.fullmatch(region):
        raise WrongOrder(f"{region!r} is no region; one looks like eu-west-1")
    return region


def check_prefix(prefix: str) -> None:
    """WrongOrder unless names can begin so."""
    if not PREFIX.fullmatch(prefix):
        raise WrongOrder(
            f"{prefix!r} is no prefix: 3 to 24 small letters, digits and hyphens, a letter first"
        )
    if prefix.endswith(AMBIGUOUS):
        raise WrongOrder(
            f"{prefix!r} is no prefix: one that ends in {', '.join(AMBIGUOUS)} reads like a part of"
            " another installation"
        )


def _local_stack(environment: Mapping[str, str]) -> Target | None:
    """The emulator of a running local stack, with its key and settings; None when none runs, or one without AWS.

    WrongOrder when what it says is not believed.
    """
    path = ROOT / (environment.get("POSTHORN_STATE") or ".local") / "stack.json"
    if not path.exists():
        return None
    try:
        facts = read_facts(path)
        if facts.get("engine") == EMBEDDED:
            return None
        known = stack_of(facts, path).environment
        settings = {
            "dns_server": str(facts["dns"]),
            "delivery_port": str(facts["inbox"]["smtp"]),  # type: ignore[index]  # any failure is caught
            "allow_private_delivery": "true",
            "allow_private_destinations": "true",
            "clock_file": known["POSTHORN_CLOCK_FILE"],
        }
        for name in (
            "web_hostname",
            "smtp_hostname",
            "return_path_domain",
            "route_domain",
            "mx_hosts",
        ):
            settings[name] = LOCAL_DEFAULTS[f"POSTHORN_{name.upper()}"]
    except NoStack as refused:
        raise WrongOrder(str(refused).rstrip(".")) from refused
    except (KeyError, TypeError) as unreadable:
        raise WrongOrder(f"{path} does not describe a running local stack") from unreadable
    key, secret = (known[name] for name in KEY)
    return Target(LOCAL, known["AWS_ENDPOINT_URL"], known["AWS_REGION"], (key, secret), settings)


def _session() -> Any:
    session = botocore.session.get_session()
    session.register_component("data_loader", _descriptions())
    return session


@cache
def _descriptions() -> Any:
    """What botocore knows of the services: megabytes, which each session would read and parse again."""
    return botocore.loaders.create_loader()


def one_line(error: BaseException) -> str:
    """An error's text as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def environment_of(target: Target) -> dict[str, str]:
    """Variables with which adapters reach the target; a person's own credentials are not repeated."""
    values = {"AWS_REGION": target.region, "AWS_DEFAULT_REGION": target.region}
    if target.is_emulated:
        values |= {"AWS_ENDPOINT_URL": target.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}
        if target.credentials:
            values["AWS_ACCESS_KEY_ID"], values["AWS_SECRET_ACCESS_KEY"] = target.credentials
    return values

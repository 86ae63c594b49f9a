"""Every setting of Posthorn's functions and gateway, read once from environment variables into one frozen value.

Each field is `POSTHORN_` + its name in upper case; the docstring of `Settings` is its documentation. AWS itself is
configured by the standard variables (`AWS_ENDPOINT_URL`, `AWS_REGION`, credentials). Nothing here has a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

# Fields that are names in the DNS; they are shown, put into headers, and handed to shells.
_HOSTNAMES = frozenset(
    {
        "web_hostname",
        "smtp_hostname",
        "return_path_domain",
        "route_domain",
        "spf_include",
        "track_domain",
    }
)
_HOSTNAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\Z")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings with their defaults.

    control_table, mail_table, bucket, queue_prefix, key_alias: names of the AWS resources.
    web_hostname, smtp_hostname: our names in Received fields, greetings and EHLO.
    return_path_domain: where bounces of mail come back to, unless its domain has a return path of its own.
    custom_return_path_prefix: first label of such an own return path. dkim_identifier: first part of DKIM selectors.
    route_domain: domain of the addresses that stand for routes. spf_include: what customers include in their SPF.
    track_domain: the name that customers' track domains are a CNAME for. track_address: host and port that stand in
    tracked links in place of the customer's track domain, without TLS; for the local stack only.
    behind_cloudfront: take a reader's address from CloudFront, in front of the tracking function; only where nothing
    else can call it.
    tracking_days: how long tracked links work, and how long opens and clicks are kept.
    domain_verify_prefix: first word of the TXT record that proves who owns a domain.
    max_message_size: bytes of one message accepted. max_recipients: of one transaction or request.
    max_attempts: failed attempts before HardFail. hold_days, suppression_days: lifetimes.
    resent_sender: prepend Resent-Sender as Postal does (contract 4.18).
    delivery_port: port of receiving servers (25). dns_server: "host:port" in place of the system's resolver.
    allow_private_delivery: let mail go to private and loopback addresses; for the local stack and tests only.
    clock_file: a file holding an offset in seconds to add to the clock; for the local stack and tests only.
    kill_at: a crash point to die at, for fault tests only (see chalicelib.adapters.faults).
    lease_seconds: how long a worker has a message to itself. visibility_seconds: how long its wake-up stays hidden
    meanwhile; longer than the lease.
    """

    control_table: str = "posthorn-control"
    mail_table: str = "posthorn-mail"
    bucket: str = "posthorn-mail-raw"
    queue_prefix: str = "posthorn-"
    key_alias: str = "alias/posthorn"
    web_hostname: str = "posthorn.example.com"
    smtp_hostname: str = "posthorn.example.com"
    return_path_domain: str = "rp.posthorn.example.com"
    custom_return_path_prefix: str = "psrp"
    dkim_identifier: str = "posthorn"
    route_domain: str = "routes.posthorn.example.com"
    spf_include: str = "spf.posthorn.example.com"
    track_domain: str = "track.posthorn.example.com"
    track_address: str = ""
    behind_cloudfront: bool = False
    tracking_days: int = 60
    domain_verify_prefix: str = "posthorn-verification"
    max_message_size: int = 36_700_160
    max_recipients: int = 1_000
    max_attempts: int = 18
    hold_days: int = 7
    suppression_days: int = 30
    resent_sender: bool = True
    delivery_port: int = 25
    dns_server: str = ""
    allow_private_delivery: bool = False
    clock_file: str = ""
    kill_at: str = ""
    lease_seconds: int = 300
    visibility_seconds: int = 360


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from `POSTHORN_*` variables; ValueError names the variable whose text cannot be read."""
    values: dict[str, str | int | bool] = {}
    for field in fields(Settings):
        name = f"POSTHORN_{field.name.upper()}"
        text = environment.get(name)
        if text is None or text == "":
            continue
        if field.name in _HOSTNAMES and not _HOSTNAME.match(text):
            raise ValueError(f"{name} must be a host name, not {text!r}")
        values[field.name] = _read(name, text, type(field.default))
    return Settings(**values)  # type: ignore[arg-type]  # each value has its field's type by construction


def read_flag(name: str, text: str) -> bool:
    """Yes or no; ValueError, with one sentence for people, for anything else."""
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{name} must be true or false, not {text!r}")


def _read(name: str, text: str, kind: type) -> str | int | bool:
    if kind is bool:
        return read_flag(name, text)
    if kind is int:
        if not text.lstrip("-").isdigit():
            raise ValueError(f"{name} must be a whole number, not {text!r}")
        return int(text)
    return text

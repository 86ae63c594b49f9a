"""Every setting of Posthorn's functions and gateway, read once from environment variables into one frozen value.

Each field is `POSTHORN_` + its name in upper case; the docstring of `Settings` is its documentation. AWS itself is
configured by the standard variables (`AWS_ENDPOINT_URL`, `AWS_REGION`, credentials). Nothing here has a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from chalicelib.domain.dns.block_lists import (
    BlockList,
    check_own_lists,
    read_block_lists,
    suspending_lists,
)
from chalicelib.setting_forms import BOUNDS, FORMS, TIME, WHOLE


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings with their defaults.

    state_folder: where one host keeps everything; without it, in the process.
    control_table, mail_table, bucket, queue_prefix, key_alias: names of the AWS resources.
    web_hostname, smtp_hostname: our names in Received fields, greetings and EHLO.
    web_url: what stands in front of links to pages, and on one host of those to bodies and uploads; without it,
    https:// and the web_hostname.
    view_url: what stands in front of views of mail's HTML, which are at a host of their own; without it the function
    URL of views on AWS, elsewhere `view.` before the host at which pages are asked for, and on loopback the other one
    of localhost and 127.0.0.1.
    return_path_domain: where bounces of mail come back to, unless its domain has a return path of its own.
    custom_return_path_prefix: first label of such an own return path. dkim_identifier: first part of DKIM selectors.
    route_domain: domain of the addresses that stand for routes. spf_include: what customers include in their SPF.
    mx_hosts: the hosts that customers' MX must name for mail to come in here, apart by commas.
    track_domain: the name that customers' track domains are a CNAME for. track_address: host and port that stand in
    tracked links in place of the customer's track domain, without TLS; for the local stack only.
    behind_cloudfront: take a reader's address from CloudFront, in front of the tracking function; only where nothing
    else can call it.
    tracking_days: how long tracked links work, and how long opens and clicks are kept.
    unsubscribe_url: what stands in front of /u/ in links to unsubscribe, https; without it, where clients reach us.
    domain_verify_prefix: first word of the TXT record that proves who owns a domain.
    system_server, system_from: the server (org/server) and the address, of a domain that is verified there, by which
    the installation itself writes to people; without them whoever needs such mail is told to come back later, and
    notices are logged. postmaster: the address that notices go to.
    spamd, clamd: host:port of the daemons of SpamAssassin and ClamAV; rspamd: its URL, and it wins over spamd; without
    them nothing is scanned. scan_seconds: what one scan may take; without it 15 for spamd, 10 for the others.
    scan_max_size: bytes of the largest message that is scanned. scan_failure: open lets mail pass when a scanner is in
    trouble, closed tries again later.
    notices are logged. postmaster: the address that notices go to, and mail to postmaster and abuse at our own names;
    without it, or a system_server, that is refused.
    dnsbls: zones of block lists, apart by commas, that are asked for clients of the port for incoming mail that have
    not authenticated; `zone=127.0.0.2;127.0.0.3` believes these answers alone. greylist_seconds: for how long a first
    contact of client network, sender and recipient is told to come back later there; 0 for not at all. mx_rate:
    messages a minute that one client address may send there; 0 for any number.
    reverse_names: require has a source use IPv4 or IPv6 only while its address of that family has a reverse name (PTR)
    that leads back to it, as long as the other family can take its place; ignore has it use both in any case.
    own_dnsbls: zones of block lists, apart by commas, that are asked each hour for the addresses that mail leaves from,
    in the form of dnsbls, and with `rhs:zone` for our own names. suspend_listed: `1` has each list of addresses among
    them suspend a source that it lists while others of its pool are in use, zones apart by commas have these; without
    it none does.
    max_message_size: bytes of one message accepted. max_recipients: of one transaction or request.
    max_attempts: failed attempts before HardFail. bounces_per_hour: of ours to one address.
    complaint_rate_limit, bounce_rate_limit: percent of a server's mail of 24 hours, with at most two decimals, above
    which its new mail is held; where an organization or a server has no limit of its own, and without it none.
    rate_limit_count: of fewer messages no rate is taken.
    hold_days, suppression_days: lifetimes. webhook_days: how long deliveries to webhooks are kept.
    resent_sender: prepend Resent-Sender as Postal does (contract 4.18).
    delivery_port: port of receiving servers (25). dns_server: "host:port" in place of the system's resolver, and of the
    domains' own name servers where records are checked.
    allow_private_delivery: let mail go to private and loopback addresses; for the local stack and tests only.
    allowed_destinations: networks (CIDR) and host names, apart by commas, that endpoints and webhooks may reach
    although they are private. ca_file: PEM of further authorities, beside the system's, for endpoints and webhooks.
    allow_private_destinations: let endpoints and webhooks reach private and loopback addresses, and checks of DNS ask
    name servers there; for the local stack and tests only.
    log_level: of the lines in the log, the least that is written: debug, info, warning or error.
    clock_file: a file holding an offset in seconds to add to the clock; for the local stack and tests only.
    kill_at: a crash point to die at, for fault tests only (see chalicelib.adapters.system.faults).
    bytes_in_hand: bytes of large bodies (over 1 MiB) that a delivering process holds at a time; without it a quarter of
    the function's memory. A single body that is larger is taken alone.
    connect_seconds, greeting_seconds, mail_seconds, rcpt_seconds, data_command_seconds, block_seconds,
    final_dot_seconds: how long a receiving server may take to let us connect; to greet, and to answer EHLO; to answer
    MAIL, RCPT and DATA; to read one block of content; to answer the final dot. RFC 5321 section 4.5.3.2, and each cut
    by what is left of the attempt.
    starttls_seconds: from STARTTLS to the answer to the EHLO after it, where clear text is tried when it takes longer;
    less than the deadline, and less where the server was slow before, since the same comes again in clear text.
    deadline_seconds: all of one attempt, from the look-up of its hosts to the last reply.
    settle_seconds: how long an outcome is tried to be stored before it is handed to the queue.
    lease_seconds: how long a worker has a message to itself; the time limit of the delivering function is the same, and
    longer than deadline and settling together; 900 at most, which is Lambda's limit. `make deploy` and the local stack
    take the function's limit from here. visibility_seconds: how long its wake-up stays hidden meanwhile; longer than
    the lease, and taken from here for the queues.
    """

    state_folder: str = ""
    control_table: str = "posthorn-control"
    mail_table: str = "posthorn-mail"
    bucket: str = "posthorn-mail-raw"
    queue_prefix: str = "posthorn-"
    key_alias: str = "alias/posthorn"
    web_hostname: str = "posthorn.example.com"
    smtp_hostname: str = "posthorn.example.com"
    web_url: str = ""
    view_url: str = ""
    return_path_domain: str = "rp.posthorn.example.com"
    custom_return_path_prefix: str = "psrp"
    dkim_identifier: str = "posthorn"
    route_domain: str = "routes.posthorn.example.com"
    spf_include: str = "spf.posthorn.example.com"
    mx_hosts: str = "mx.posthorn.example.com"
    track_domain: str = "track.posthorn.example.com"
    track_address: str = ""
    behind_cloudfront: bool = False
    tracking_days: int = 60
    unsubscribe_url: str = ""
    domain_verify_prefix: str = "posthorn-verification"
    system_server: str = ""
    system_from: str = ""
    postmaster: str = ""
    spamd: str = ""
    rspamd: str = ""
    clamd: str = ""
    scan_seconds: int = 0
    scan_max_size: int = 5_242_880
    scan_failure: str = "open"
    dnsbls: str = ""
    greylist_seconds: int = 0
    mx_rate: int = 0
    reverse_names: str = "require"
    own_dnsbls: str = ""
    suspend_listed: str = ""
    max_message_size: int = 36_700_160
    max_recipients: int = 1_000
    max_attempts: int = 18
    bounces_per_hour: int = 10
    complaint_rate_limit: str = ""
    bounce_rate_limit: str = ""
    rate_limit_count: int = 100
    hold_days: int = 7
    suppression_days: int = 30
    webhook_days: int = 30
    resent_sender: bool = True
    delivery_port: int = 25
    dns_server: str = ""
    allow_private_delivery: bool = False
    allowed_destinations: str = ""
    ca_file: str = ""
    allow_private_destinations: bool = False
    log_level: str = "info"
    clock_file: str = ""
    kill_at: str = ""
    bytes_in_hand: int = 128 * 1024 * 1024
    connect_seconds: int = 30
    greeting_seconds: int = 300
    mail_seconds: int = 300
    rcpt_seconds: int = 300
    data_command_seconds: int = 120
    block_seconds: int = 180
    final_dot_seconds: int = 600
    starttls_seconds: int = 30
    deadline_seconds: int = 240
    settle_seconds: int = 120
    lease_seconds: int = 420
    visibility_seconds: int = 480

    @property
    def mx_host_names(self) -> tuple[str, ...]:
        """The hosts of `mx_hosts`, lower-case, each once."""
        return tuple(dict.fromkeys(one.strip().lower() for one in self.mx_hosts.split(",")))

    @property
    def block_lists(self) -> tuple[BlockList, ...]:
        """Those of `dnsbls`."""
        return read_block_lists(self.dnsbls)

    @property
    def own_block_lists(self) -> tuple[BlockList, ...]:
        """Those of `own_dnsbls`."""
        return read_block_lists(self.own_dnsbls)

    @property
    def suspending_lists(self) -> frozenset[str]:
        """The names of the lists of addresses that suspend a source."""
        return suspending_lists(self.own_block_lists, self.suspend_listed)

    @property
    def needs_reverse_names(self) -> bool:
        """Whether a source gives up a family whose address has no reverse name."""
        return self.reverse_names == "require"

    @property
    def public_url(self) -> str:
        """The address at which clients reach us, without a final slash."""
        return (self.web_url or f"https://{self.web_hostname}").rstrip("/")

    @property
    def pages_url(self) -> str:
        """The address of the pages for people, without a final slash: on this machine by the one name for which
        browsers take passkeys."""
        return re.sub(r"^http://127\.0\.0\.1(?=:|$)", "http://localhost", self.public_url)

    @property
    def unsubscribe_base(self) -> str:
        """What stands in front of `/u/`, without a final slash."""
        return (self.unsubscribe_url or self.public_url).rstrip("/")


@dataclass(frozen=True, slots=True)
class SubmissionPorts:
    """Where clients submit mail: with STARTTLS, and with TLS from the start."""

    submission: int = 587
    submissions: int = 465


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from `POSTHORN_*` variables; ValueError names the variable whose text cannot be read."""
    values: dict[str, str | int | bool] = {}
    for field in fields(Settings):
        name = f"POSTHORN_{field.name.upper()}"
        text = environment.get(name)
        if text is None or text == "":
            continue
        form, said = FORMS.get(field.name, (None, ""))
        if form is not None and not form.match(text):
            raise ValueError(f"{name} must be {said}, not {text!r}")
        values[field.name] = _read(name, text, type(field.default))
    megabytes = environment.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
    if megabytes.isdigit():
        values.setdefault("bytes_in_hand", int(megabytes) * 1024 * 1024 // 4)
    _check_bounds(values)
    settings = Settings(**values)  # type: ignore[arg-type]  # each value has its field's type by construction
    _check_times(settings)
    check_own_lists(settings.own_block_lists, settings.suspend_listed)
    if bool(settings.system_server) is not bool(settings.system_from):
        raise ValueError(
            "POSTHORN_SYSTEM_SERVER and POSTHORN_SYSTEM_FROM are set together, or neither of them"
        )
    return settings


def _check_times(settings: Settings) -> None:
    """ValueError for times that would let a worker outlive its lease, or a wake-up come back before its worker is
    surely gone (crash rule 8)."""
    longest = settings.deadline_seconds + settings.settle_seconds
    if not longest < settings.lease_seconds < settings.visibility_seconds:
        raise ValueError(
            "POSTHORN_DEADLINE_SECONDS and POSTHORN_SETTLE_SECONDS together must be less than"
            f" POSTHORN_LEASE_SECONDS, and that less than POSTHORN_VISIBILITY_SECONDS; they are"
            f" {settings.deadline_seconds} + {settings.settle_seconds}, {settings.lease_seconds}"
            f" and {settings.visibility_seconds}"
        )
    if settings.starttls_seconds >= settings.deadline_seconds:
        raise ValueError(
            "POSTHORN_STARTTLS_SECONDS must be less than POSTHORN_DEADLINE_SECONDS; they are"
            f" {settings.starttls_seconds} and {settings.deadline_seconds}"
        )


def _check_bounds(values: Mapping[str, str | int | bool]) -> None:
    """ValueError, with one sentence for people, for a number with which nothing would be delivered or kept."""
    for name, value in values.items():
        bounds = BOUNDS.get(name, TIME if name.endswith("_seconds") else None)
        if bounds is not None and isinstance(value, int):
            check_bounds(f"POSTHORN_{name.upper()}", value, *bounds)


def check_bounds(name: str, value: float, least: float, most: float) -> None:
    """ValueError, with one sentence for people, for a number outside; what is no number at all is outside too."""
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {least} to {most}, not {value}")


def read_flag(name: str, text: str) -> bool:
    """Yes or no; ValueError, with one sentence for people, for anything else."""
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError(f"{name} must be true or false, not {text!r}")


def _host_names(text: str) -> tuple[str, ...]:
    names = (one.strip().lower() for one in text.split(","))
    return tuple(dict.fromkeys(filter(None, names)))


def _read(name: str, text: str, kind: type) -> str | int | bool:
    if kind is bool:
        return read_flag(name, text)
    if kind is int:
        if not WHOLE.match(text):
            raise ValueError(f"{name} must be a whole number, not {text!r}")
        return int(text)
    return text

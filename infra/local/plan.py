"""What one run of the local stack is made of: ports, folders and the environment of each process, decided up front.

`make_plan` reads the caller's environment once and touches nothing but the ports that it was asked to choose itself
(a port given as 0, or a DNS port near the default). Every text it refuses becomes a `PlanError` of one sentence.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chalicelib.config import Settings, read_settings
from infra.local.folder import Keys, new_keys

NO_PROXY = "127.0.0.1,localhost,::1"
ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
MAIL_HOSTNAME = "mail.posthorn.test"
INBOX_HOSTNAME = "inbox.posthorn.test"
# The demo tenant.
ORGANIZATION = "demo"
SERVER = "demo"
DOMAIN = "demo.test"
ADMIN = "admin@posthorn.test"
SYSTEM_FROM = f"posthorn@{DOMAIN}"
DEFAULT_PORTS = {
    "http": 8000,
    "mx": 2525,
    "submission": 2587,
    "submissions": 2465,
    "inbox": 2526,
    "aws": 4566,
    "dns": 5354,
}
DNS_ATTEMPTS = 20
# Below those that the kernel lends to outgoing connections: a server that is started again finds its port free.
NEVER_LENT_PORTS = range(15_000, 32_000)
ENGINES = ("sqlite", "aws")
EMULATORS = ("ministack", "localstack")
FUNCTIONS = ("runner", "deployed")
NEED_AWS = ("AWS_ENDPOINT_URL", "POSTHORN_EMULATOR", "POSTHORN_FUNCTIONS")

# Names inside the local installation. A developer's own value of any of these wins.
LOCAL_DEFAULTS = {
    "POSTHORN_WEB_HOSTNAME": "posthorn.test",
    "POSTHORN_SMTP_HOSTNAME": MAIL_HOSTNAME,
    "POSTHORN_RETURN_PATH_DOMAIN": "rp.posthorn.test",
    "POSTHORN_ROUTE_DOMAIN": "routes.posthorn.test",
    "POSTHORN_SPF_INCLUDE": "spf.posthorn.test",
    "POSTHORN_MX_HOSTS": "mx.posthorn.test",
    "POSTHORN_TRACK_DOMAIN": "track.posthorn.test",
    # What the stack itself writes goes into its inbox.
    "POSTHORN_SYSTEM_SERVER": f"{ORGANIZATION}/{SERVER}",
    "POSTHORN_SYSTEM_FROM": SYSTEM_FROM,
    "POSTHORN_POSTMASTER": "postmaster@posthorn.test",
    "POSTHORN_ALLOW_PRIVATE_DESTINATIONS": "1",
    # Everybody who tries the stack comes from one address, load generators too.
    "POSTHORN_MAX_CONNECTIONS_PER_CLIENT": "1000",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# With these, nothing of AWS is looked for outside the environment.
NO_OTHER_CREDENTIALS = {
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
# For an emulator of the caller's own that takes any key. They open nothing here.
DUMMY_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "posthorn", "AWS_SECRET_ACCESS_KEY": "posthorn"}
AWS_KEPT = ("AWS_REGION", "AWS_DEFAULT_REGION")  # of the caller's, when the emulator is ours


class PlanError(Exception):
    """The environment asks for something impossible. Its text is what the person at the terminal reads."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `base` is the caller's environment, `engine` one of ENGINES, `emulator` one of EMULATORS.

    `deployed`: the functions run in the emulator's Lambdas, and there is no runner. `tables_port` is where the tables
    of LocalStack are, 0 without it. `keys` open our own emulator; whoever runs the plan puts those of the state folder
    in place of the ones it is made with. `lease_seconds`: how long an attempt in hand may take.
    """

    base: Mapping[str, str]
    state: Path
    ports: Mapping[str, int]
    dns_server: str
    runners: int
    fresh: bool
    reload: bool
    keys: Keys
    engine: str = ENGINES[0]
    deployed: bool = False
    emulator: str = EMULATORS[0]
    tables_port: int = 0
    lease_seconds: int = Settings().lease_seconds

    @property
    def is_embedded(self) -> bool:
        """Whether it is one program on SQLite and files, without anything of AWS."""
        return self.engine == ENGINES[0]

    @property
    def own_aws(self) -> bool:
        """False when the caller named an AWS endpoint of their own."""
        return not self.is_embedded and not self.base.get("AWS_ENDPOINT_URL")

    @property
    def aws_url(self) -> str:
        return self.base.get("AWS_ENDPOINT_URL") or f"http://{HOST}:{self.ports['aws']}"

    @property
    def is_localstack(self) -> bool:
        """Whether LocalStack stands in place of ministack, which then only keeps the tables."""
        return self.emulator == "localstack"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def http_url(self) -> str:
        return f"http://{HOST}:{self.ports['http']}"

    @property
    def pages_url(self) -> str:
        """Where people look: by the one name of this machine for which browsers take passkeys."""
        return f"http://localhost:{self.ports['http']}"

    @property
    def clock_file(self) -> Path:
        return self.state / "clock"

    def environment(self) -> dict[str, str]:
        """Variables of every child: the caller's, then ours for whatever must be local."""
        values = {**LOCAL_DEFAULTS, **self.base}
        if self.is_embedded:
            values = {name: value for name, value in values.items() if not name.startswith("AWS_")}
            values |= {"POSTHORN_STATE_FOLDER": str(self.state / ENGINES[0])}
            values.setdefault("POSTHORN_HEALTH_PORT", "-1")
        else:
            values = self._with_aws(values)
        values.setdefault("POSTHORN_WEB_URL", self.http_url)
        values |= {f"POSTHORN_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        values.setdefault("POSTHORN_DELIVERY_PORT", str(self.ports["inbox"]))
        # No browser finds a track domain of the local zone, so links name the stack's own address.
        values.setdefault("POSTHORN_TRACK_ADDRESS", f"{HOST}:{self.ports['http']}")
        values.setdefault("POSTHORN_UNSUBSCRIBE_URL", self.http_url)
        values |= {
            "POSTHORN_DNS_SERVER": self.dns_server,
            "POSTHORN_ALLOW_PRIVATE_DELIVERY": "1",
            "POSTHORN_CLOCK_FILE": str(self.clock_file),
            "POSTHORN_STATE": str(self.state),
            "POSTHORN_FUNCTIONS": FUNCTIONS[self.deployed],
            "POSTHORN_EMULATOR": self.emulator,
            "PYTHONPATH": os.pathsep.join(
                map(str, (ROOT, ROOT / "smtp-gateway", ROOT / "clients/python"))
            ),
            "PYTHONUNBUFFERED": "1",
        }
        for name in ("NO_PROXY", "no_proxy"):
            values[name] = ",".join(filter(None, (values.get(name), NO_PROXY)))
        return values

    def _with_aws(self, values: dict[str, str]) -> dict[str, str]:
        """The variables with those of AWS: of our emulator, or as the caller named them."""
        if self.own_aws:
            values = {
                name: value
                for name, value in values.items()
                if name in AWS_KEPT or not name.startswith("AWS_")
            }
            values |= NO_OTHER_CREDENTIALS | self.keys.variables
        elif not any(values.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE")):
            values |= NO_OTHER_CREDENTIALS | DUMMY_CREDENTIALS
        return values | {"AWS_ENDPOINT_URL": self.aws_url}


def make_plan(environment: Mapping[str, str]) -> Plan:
    """Read the caller's variables; PlanError for a text that makes no sense."""
    base = dict(environment)
    try:
        settings = read_settings(base)  # which the processes must be able to read
    except ValueError as wrong:
        raise PlanError(f"{wrong}.") from wrong
    ports = _ports(base)
    engine = _engine(base)
    deployed = _choice(base, "POSTHORN_FUNCTIONS", FUNCTIONS) == "deployed"
    emulator = _choice(base, "POSTHORN_EMULATOR", EMULATORS)
    needs_tables = emulator == "localstack" and not base.get("AWS_ENDPOINT_URL")
    return Plan(
        base=base,
        state=ROOT / (base.get("POSTHORN_STATE") or ".local"),
        ports=ports,
        dns_server=_dns_server(base) or f"{HOST}:{ports['dns']}",
        runners=0 if deployed else _number(base, "POSTHORN_RUNNERS", 1, low=1, high=32),
        fresh=base.get("POSTHORN_FRESH", "") not in {"", "0"},
        reload=base.get("POSTHORN_RELOAD", "1") not in {"", "0"},
        keys=new_keys(),
        engine=engine,
        deployed=deployed,
        emulator=emulator,
        tables_port=any_free_port(set(ports.values())) if needs_tables else 0,
        lease_seconds=settings.lease_seconds,
    )


def _engine(base: Mapping[str, str]) -> str:
    """The one that is named; without a name AWS, if anything else speaks of it."""
    speaks_of_aws = any(base.get(name) for name in NEED_AWS)
    named = base.get("POSTHORN_ENGINE") or (ENGINES[1] if speaks_of_aws else ENGINES[0])
    return _choice({"POSTHORN_ENGINE": named}, "POSTHORN_ENGINE", ENGINES)


def _ports(base: Mapping[str, str]) -> dict[str, int]:
    ports = {
        name: _number(base, f"POSTHORN_{name.upper()}_PORT", default, low=0, high=65535)
        for name, default in DEFAULT_PORTS.items()
    }
    named = [port for port in ports.values() if port]
    if doubled := {port for port in named if named.count(port) > 1}:
        raise PlanError(
            f"port {doubled.pop()} is asked for twice; give each POSTHORN_*_PORT its own."
        )
    if not base.get("POSTHORN_DNS_PORT"):
        near = range(ports["dns"], ports["dns"] + DNS_ATTEMPTS)
        others = {*named} - {ports["dns"]}
        free = (port for port in near if port not in others and is_free(port, udp_too=True))
        if not (found := next(free, 0)):
            raise PlanError(
                f"no DNS port is free from {near[0]} to {near[-1]}; set POSTHORN_DNS_PORT."
            )
        ports["dns"] = found
    for name in [name for name, port in ports.items() if port == 0]:
        ports[name] = any_free_port(set(ports.values()), udp_too=name == "dns")
    return ports


def _number(base: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = base.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise PlanError(f"{name} must be a whole number from {low} to {high}, not {text!r}.")
    return int(text)


def _dns_server(base: Mapping[str, str]) -> str:
    """The DNS server to ask in place of the local zone, empty when none is named."""
    text = base.get("POSTHORN_DNS") or ""
    host, _, port = text.rpartition(":")
    known = host and port.isascii() and port.isdigit() and 0 < int(port) <= 65535
    if text and not known:
        raise PlanError(f"POSTHORN_DNS must be host:port, such as 127.0.0.1:53, not {text!r}.")
    return text


def _choice(base: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    """One of the known words; the first when none is given."""
    text = base.get(name) or known[0]
    if text not in known:
        raise PlanError(f"{name} must be one of {', '.join(known)}, not {text!r}.")
    return text


def is_free(port: int, udp_too: bool = False) -> bool:
    """Whether a listener could bind this loopback port now."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)[: 1 + udp_too]:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def any_free_port(taken: set[int], udp_too: bool = False) -> int:
    """A port of loopback that nobody has, and that is not among those taken; PlanError when none is found."""
    for port in random.sample(NEVER_LENT_PORTS, DNS_ATTEMPTS):
        if port not in taken and is_free(port, udp_too):
            return port
    raise PlanError("no free port was found on the loopback interface.")

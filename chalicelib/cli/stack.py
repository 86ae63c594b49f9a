"""Which installation the command talks to: the state folder or the AWS that the environment names, or else the local
stack.

A running local stack describes itself in `stack.json` (see docs/local-stack.md). Nothing here starts one, and an
environment that names AWS is never overruled unless `--stack` asks for it. Folders come from anywhere, so the file is
believed only if nobody else can have written it, and even then only in settings of Posthorn and in addresses of this
machine: it starts no program, and no key leaves the machine because of it.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.cli.failure import Failure
from chalicelib.cli.own_file import NotOurs, read_own_file

# Any of these says that a person has configured AWS on purpose; so does an endpoint of one service.
AWS_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
SERVICE_ENDPOINT = "AWS_ENDPOINT_URL_"
STATE_FOLDER = "POSTHORN_STATE_FOLDER"
REPOSITORY = Path(__file__).resolve().parents[2]
EMBEDDED = "sqlite"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
KEY = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
ANY_KEY = dict.fromkeys(KEY, "posthorn")  # for a stack whose emulator takes every key
LOCAL = {
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Nothing else may say who calls AWS, and nothing may come between this process and the stack.
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "*",
    "no_proxy": "*",
}
AWS_SAID = frozenset({"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", *KEY})
_URL = re.compile(r"http://([^/:\[\]]+|\[[^\]]+\])(?::[0-9]{1,5})?/?")
_PLACE = re.compile(r"([^/:\[\]]+|\[[^\]]+\]):[0-9]{1,5}")
_HOST = re.compile(r"(.+)")


# What opens a storage that nothing names.
NAME_STORAGE = (
    "name a state folder with --state FOLDER or POSTHORN_STATE_FOLDER, or the settings file with --config FILE or"
    " POSTHORN_CONFIG"
)


class NoStack(Failure):
    """There is nothing to talk to."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A running local stack as it describes itself.

    `environment` has what is believed of the variables of the stack's processes; which of them are settings is for
    `chalicelib.cli.local` to say.
    """

    http: str
    host: str
    submission: int
    api_key: str
    smtp_username: str
    smtp_key: str
    from_address: str
    management_key: str = field(default="", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Where its API is, as an address that no look-up of a name can lead elsewhere."""
        return self.http.replace("//localhost", "//127.0.0.1", 1)


def clock_offset(stack: Stack) -> float:
    """The seconds by which the clock of a stack was moved."""
    with suppress(OSError, ValueError):
        return float(Path(stack.environment["POSTHORN_CLOCK_FILE"]).read_text())
    return 0.0


def find_stack(environment: Mapping[str, str], named: Path | None) -> Stack | None:
    """The local stack to use; None when the environment names a state folder or AWS. NoStack when there is nothing."""
    if named is None and (environment.get(STATE_FOLDER) or names_aws(environment)):
        return None
    return running_stack(environment, named)


def running_stack(environment: Mapping[str, str], named: Path | None = None) -> Stack:
    """The local stack that runs here, or that a file describes; NoStack when there is none."""
    if named is not None:
        if not os.path.lexists(named):
            raise NoStack(f"There is no local stack described in {named}.")
        return read_stack(named)
    for path in _places(environment):
        if os.path.lexists(path):
            return read_stack(path)
    raise NoStack(
        "No API is named, no state folder, no AWS account and no local stack is running here: sign in to one with"
        f" `posthorn login`, {NAME_STORAGE}, start a local stack with `make run`, or name its stack.json with --stack."
    )


def read_stack(path: Path) -> Stack:
    """The stack that a `stack.json` describes; NoStack when it cannot be read or is not believed."""
    return stack_of(read_facts(path), path)


def read_facts(path: Path) -> Mapping[str, object]:
    """What is in a `stack.json` that nobody else can have written; NoStack otherwise."""
    try:
        facts = json.loads(read_own_file(path))
    except NotOurs as refused:
        raise NoStack(f"{path} is not believed: {refused}.") from refused
    except (OSError, ValueError, RecursionError) as unreadable:
        raise _undescribed(path) from unreadable
    if not isinstance(facts, dict):
        raise _undescribed(path)
    return facts


def stack_of(facts: Mapping[str, object], path: Path) -> Stack:
    """The stack of these facts, from the file `path`; NoStack when they are none or lead away from this machine."""
    try:
        server, smtp = _object(facts["server"]), _object(facts["smtp"])
        return Stack(
            http=_here("API", _URL, str(facts["http"]).rstrip("/")),
            host=_here("SMTP server", _HOST, str(smtp["host"])),
            submission=int(str(smtp["submission"])),
            api_key=str(server["api_key"]),
            smtp_username=str(server["smtp_username"]),
            smtp_key=str(server["smtp_key"]),
            from_address=str(server["from"]),
            management_key=str(facts.get("management_key") or ""),
            environment=_environment(facts, path),
        )
    except NotOurs as refused:
        raise NoStack(f"{path} is not believed: {refused}.") from refused
    except (ValueError, KeyError, TypeError) as unreadable:
        raise _undescribed(path) from unreadable


def _environment(facts: Mapping[str, object], path: Path) -> dict[str, str]:
    """The variables of the stack's processes, as far as they are believed; NotOurs when one is not."""
    believed = _known(_object(facts.get("environment", {})))
    embedded = facts.get("engine") == EMBEDDED
    if embedded:
        folder = believed.get("POSTHORN_STATE_FOLDER", "")
        if Path(folder).resolve() != path.resolve().parent / EMBEDDED:
            raise NotOurs("its state is not in the same folder")
    else:
        believed.pop("POSTHORN_STATE_FOLDER", None)
        endpoint = str(facts["aws"])
        for place in (believed.get("AWS_ENDPOINT_URL", endpoint), endpoint):
            believed["AWS_ENDPOINT_URL"] = _here("AWS endpoint", _URL, place)
    server = believed.setdefault("POSTHORN_DNS_SERVER", str(facts.get("dns", "")))
    if server:
        _here("DNS server", _PLACE, server)
    else:
        del believed["POSTHORN_DNS_SERVER"]  # it is for the reader, or the machine, to say
    if not embedded and not believed.keys() & set(KEY):
        believed |= ANY_KEY
    if not embedded and not all(believed.get(name) for name in KEY):
        raise NotOurs("half of its AWS key is missing")
    return LOCAL | believed | {"POSTHORN_CLOCK_FILE": str(path.resolve().parent / "clock")}


def _known(said: Mapping[str, object]) -> dict[str, str]:
    """The variables as texts; NotOurs when there are some that no stack sets, ValueError for a bad text."""
    for name in sorted(said):
        if name not in AWS_SAID and not name.startswith("POSTHORN_"):
            raise NotOurs(f"it sets {name[:60]!r}, which is no setting of Posthorn")
    known = {name: str(said[name]) for name in said}
    if not all(value.isprintable() for value in known.values()):
        raise ValueError
    return known


def _here(what: str, form: re.Pattern[str], place: str) -> str:
    """The place, if it names a loopback address or `localhost`; NotOurs otherwise."""
    found = form.fullmatch(place)
    if found is None or not _is_loopback(found[1].strip("[]")):
        raise NotOurs(f"its {what} is not on this machine")
    return place


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _undescribed(path: Path) -> NoStack:
    return NoStack(f"{path} does not describe a running local stack.")


def names_aws(environment: Mapping[str, str]) -> bool:
    """Whether a person has configured AWS on purpose."""
    if any(environment.get(name) for name in AWS_VARIABLES):
        return True
    return any(value for name, value in environment.items() if name.startswith(SERVICE_ENDPOINT))


def _places(environment: Mapping[str, str]) -> tuple[Path, ...]:
    """Where a stack.json may be: the repository's own before that of the folder in which somebody happens to be."""
    state = environment.get("POSTHORN_STATE") or ".local"
    return (REPOSITORY / state / "stack.json", Path(state) / "stack.json")

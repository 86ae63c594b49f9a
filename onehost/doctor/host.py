"""The host that the checks look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from gateway.configuration import Configuration
from onehost.doctor.finding import Findings
from onehost.options import Options

DEFAULT_MX = "gmail.com"
DEFAULT_TIME = "pool.ntp.org"


@dataclass(frozen=True, slots=True)
class Host:
    """Settings, the program that they make, and what stands for the rest of the world.

    addresses: those under which others know this host, where it cannot tell by itself. mx: the domain, or host:port,
    whose mail server should be reached. time_from: an NTP server, or a URL whose answer has a Date.
    """

    settings: Settings
    configuration: Configuration
    options: Options
    program: Posthorn
    addresses: tuple[str, ...] = ()
    mx: str = DEFAULT_MX
    time_from: str = DEFAULT_TIME

    @property
    def state(self) -> Path:
        """The state folder."""
        return Path(self.settings.state_folder).absolute()


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name, what it looks at, and how."""

    name: str
    about: str
    run: Callable[[Host], Awaitable[Findings]]

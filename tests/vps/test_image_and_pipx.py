"""The other ways to install: the steps of the Dockerfile, played one after the other, and `pipx install`.

Not as with Docker: the base image is Debian's Python in an environment of its own, no layer or namespace stands around
a step, and a volume is a folder.
"""

from __future__ import annotations

import json
import re
import shlex
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.vps.conftest import put_sources, reason_to_skip
from tests.vps.machine import PLAIN, SOURCES, Machine
from tests.vps.page import PAGE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("vps"), pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "infra" / "onehost" / "Dockerfile"
BASE = "/usr/local/base"  # where the base image would have its Python


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with Python and the sources."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    with Machine(tmp_path_factory.mktemp("machine")) as machine:
        put_sources(machine)
        packages = "python3 python3-venv pipx"
        machine.fetch(f"apt-get update; apt-get install --yes --no-install-recommends {packages}")
        yield machine


@dataclass
class Image:
    """What the steps so far have made: variables, folder, user, and the words that are told apart."""

    machine: Machine
    variables: dict[str, str] = field(
        default_factory=lambda: {"PATH": f"{BASE}/bin:{PLAIN['PATH']}"}
    )
    folder: str = "/"
    user: str = "root"
    said: dict[str, str] = field(default_factory=dict)

    def build(self, text: str) -> None:
        """Play all steps."""
        whole = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
        for line in filter(None, map(str.strip, whole.splitlines())):
            word, _, rest = line.partition(" ")
            step = getattr(self, f"do_{word.lower()}", None)
            if step is None:
                self.said[word] = rest.strip()
            else:
                step(rest.strip())

    def do_env(self, rest: str) -> None:
        self.variables |= dict(word.split("=", 1) for word in shlex.split(rest))

    def do_workdir(self, rest: str) -> None:
        self.folder = rest
        self.machine.run(f"mkdir -p {rest}")

    def do_copy(self, rest: str) -> None:
        source, target = rest.split()
        slash = "/." if (ROOT / source).is_dir() else ""
        self.machine.run(f"cd {self.folder}; cp -r {SOURCES}/{source.rstrip('/')}{slash} {target}")

    def do_run(self, rest: str) -> None:
        assert self.user == "root"
        self.machine.fetch(f"cd {self.folder}; {self._exports}; {rest}")

    def do_user(self, rest: str) -> None:
        self.user = rest

    def do_healthcheck(self, rest: str) -> None:
        self.said["HEALTHCHECK"] = rest.partition("CMD ")[2]

    def command(self, *arguments: str) -> str:
        """A command of the image's user with its variables, in its folder."""
        whole = shlex.join(arguments)
        become = f"setpriv --reuid={self.user} --regid={self.user} --init-groups"
        return f"cd {self.folder}; {self._exports}; exec {become} {whole}"

    def entry(self, *arguments: str) -> str:
        """What `docker run` starts with these arguments, or without any."""
        start = json.loads(self.said["ENTRYPOINT"])
        return self.command(*start, *(arguments or json.loads(self.said["CMD"])))

    @property
    def _exports(self) -> str:
        return "export " + " ".join(
            f"{name}={shlex.quote(text)}" for name, text in self.variables.items()
        )


def test_the_dockerfile_makes_what_serves_and_drains(machine: Machine) -> None:
    image = Image(machine)
    machine.run(f"python3 -m venv --copies {BASE}")
    image.build(DOCKERFILE.read_text())
    assert image.user != "root"
    (settings,) = re.findall(
        r"^```text\n(POSTHORN_.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    image.variables |= dict(line.split("=", 1) for line in settings.splitlines())
    made = json.loads(machine.run(image.entry("init", "--domain", "example.com", "--json")))
    assert made["new"]
    check = image.command(*json.loads(image.said["HEALTHCHECK"]))
    assert "refused" in machine.run(check, fails=True)
    served = machine.start(image.entry())
    deadline = time.monotonic() + PATIENCE
    while not machine.succeeds(check):
        assert time.monotonic() < deadline, served.output()
        time.sleep(0.2)
    with machine.inside():
        port = int(image.variables["POSTHORN_MX_PORT"])
        with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=PATIENCE) as client:
            client.ehlo()
            client.mail("somebody@example.net")
            assert "is served already" in machine.run(image.entry(), fails=True)
            served.signal(image.said["STOPSIGNAL"])
            assert client.rcpt("nobody@example.org")[0] >= 500
            client.putcmd("rset")
            assert client.getreply()[0] == 250
            assert client.getreply()[0] == 421
    assert served.ended() == 0, served.output()


def test_pipx_takes_it(machine: Machine) -> None:
    machine.fetch("pipx install .")
    assert "doctor" in machine.run("~/.local/bin/posthorn --help")
    machine.run("install -d -m 0700 /srv/posthorn")
    made = machine.run(
        "~/.local/bin/posthorn --config /srv/posthorn.toml --state /srv/posthorn init"
        " --hostname mail.example.com --json"
    )
    assert json.loads(made)["new"]

"""An installation of each released version, opened by this code: `upgraded`, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import Posthorn, run
from chalicelib.config import Settings
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.rand import Rand
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.organizations import Organizations
from infra.stack import Stack, cloudformation, data_parameters, deploy
from infra.templates import read_template, render, with_numbers
from tests.aws_backend import Backend, aws_backend
from tests.http_api import ApiWorld
from tests.upgrade import kept, story
from tests.upgrade.aws_stored import put
from tests.upgrade.hands import AwsHands, Hands, OneHostHands, PlayedSession, hand_over_stream
from tests.upgrade.story import Facts
from tests.webhook_stage import Receiver
from tests.worlds import Scene

__all__ = ["aws_backend"]
LATER_SHARD = "shardId-00000000000000000002-d4c3b2a1"
ENGINES = [
    "one-host",
    pytest.param("aws", marks=[pytest.mark.aws, pytest.mark.xdist_group("aws")]),
]


@dataclass
class Upgraded:
    """The installation, who works in it, and what is known of it from before."""

    scene: Scene
    hands: Hands
    facts: Facts
    before: dict[str, Any]
    api: ApiWorld
    state: Path
    stream: Any

    @property
    def program(self) -> Posthorn:
        return self.scene.posthorn

    @property
    def receiver(self) -> Receiver:
        """The web servers of the world since the upgrade."""
        found = self.program[HttpClient]
        assert isinstance(found, Receiver)
        return found

    def tell(self) -> None:
        """Tell the outbox: on AWS also, as may happen, much of what it was told before the upgrade."""
        if self.stream is not None:
            records, self.stream = self.stream, None
            hand_over_stream([*records["told"], *records["untold"]], records["shard"])
        self.hands.tell()


@pytest.fixture(params=kept.versions())
def version(request: pytest.FixtureRequest) -> str:
    """Each released version."""
    return str(request.param)


@pytest.fixture(params=ENGINES)
def upgraded(request: pytest.FixtureRequest, version: str, tmp_path: Path) -> Iterator[Upgraded]:
    """An installation of the version, with this code."""
    folder = kept.RELEASES / version / request.param
    facts = Facts(**kept.read_json(folder / "facts.json"))
    before = kept.read_json(folder / "answers.json")
    state, stream = tmp_path / "state", None
    if request.param == "aws":
        hands, stream = _on_aws(folder, request.getfixturevalue("aws_backend"), facts)
    else:
        kept.unpack_state(folder / "state.tar.xz", state)
        settings, parts = Settings(state_folder=str(state)), {Rand: SystemRand()}
        hands = OneHostHands(story.a_program(settings, "sqlite", facts.now, parts))
    scene = opened_scene(hands.program, facts.smtp_key, facts.api_key)
    api = ApiWorld(scene)
    api.__dict__["installation_key"] = facts.management_key
    bootstrap.use(hands.program)
    yield Upgraded(scene, hands, facts, before, api, state, stream)
    bootstrap.use(None)


def _on_aws(folder: Path, backend: Backend, facts: Facts) -> tuple[Hands, Any]:
    """The stack of the version, with all that it had stored, brought up to date."""
    stored = kept.read_stored(folder / "stored.json.xz")
    prefix = f"t{SystemRand().bytes(5).hex()}"
    template = read_template((folder.parent / "templates" / "data.yaml").read_text())
    parameters = data_parameters(backend.endpoint, prefix)
    text = render(with_numbers(template, parameters))
    client = cloudformation(backend.endpoint)
    deploy(client, Stack(f"{prefix}-data", text, parameters))
    session = PlayedSession(lambda: story.time_of(program))
    put(stored, _named(prefix), session)
    settings = backend.settings(prefix)
    program = story.a_program(settings, "aws", facts.now, {Rand: SystemRand(), AwsSession: session})
    hands = AwsHands(program, session, LATER_SHARD)
    hands.look()
    hands.untold.clear()  # that everything was put there
    return hands, stored["stream"]


def _named(prefix: str) -> Settings:
    """The names that the data stack of a prefix gives."""
    return Settings(
        control_table=f"{prefix}-control", mail_table=f"{prefix}-mail", bucket=f"{prefix}-mail-raw"
    )


def opened_scene(program: Posthorn, smtp_key: str, api_key: str = "") -> Scene:
    """The tenant of an installation that was there before, by its key."""
    keys = frozenset((CredentialKind.SMTP,))
    principal = run(program[Authenticate].by_key(smtp_key, keys))
    server = principal.server
    organization = run(program[Organizations].get("acme"))
    domain = run(program[Directory].verified_domain_now(server, "acme.test"))
    assert domain is not None
    return Scene(program, organization, server, domain, principal, smtp_key, api_key)

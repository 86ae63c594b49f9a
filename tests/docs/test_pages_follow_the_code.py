"""What the documentation says about settings, commands, requests and tables is what the code says."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from chalicelib.api.unsubscribe_page import PATH as PAGE
from chalicelib.api.v1.routes import ACTIONS
from chalicelib.api.v2.gateway_responses import TURNED_AWAY, answer_of
from chalicelib.api.v2.management import MANAGEMENT
from chalicelib.api.v2.models import EmailToSend
from chalicelib.api.v2.routes import ELSEWHERE, every_route
from chalicelib.config import Settings
from chalicelib.domain.model import Status
from chalicelib.domain.tenancy.scopes import SCOPES
from chalicelib.web import entry
from docs.generate import descriptions, render_pages
from functions.api import app
from gateway.configuration import Configuration
from infra.local.magic import Trick, manner_of
from onehost.main import whole_command
from onehost.options import Options
from onehost.settings_file import environment_of
from onehost.setup.new_settings import settings_text
from tests.docs.pages import ROOT, blocks, pages, posthorn_lines
from tests.http_api import api_world

SOURCES = ("chalicelib", "functions", "smtp-gateway", "infra", "onehost")
command = whole_command(loaded=True)
# Made up by the code itself from a prefix; the names that come of it are documented one by one.
PREFIXES = {"POSTHORN_", "POSTHORN_RUNNER_"}
# Handed by the supervisor of `posthorn serve` to its processes; nobody else sets them.
BETWEEN_PROCESSES = {"POSTHORN_LISTENERS", "POSTHORN_PROCESS", "POSTHORN_PIPE"}


@pytest.mark.parametrize("page", render_pages(), ids=lambda page: page.name)
def test_generated_pages_are_up_to_date(page: Path) -> None:
    assert page.read_text() == render_pages()[page], "run: python -m docs.generate"


def test_the_page_about_managing_has_every_scope() -> None:
    table = (
        (ROOT / "docs" / "managing.md").read_text().partition("### Scopes")[2].partition("## ")[0]
    )
    told = re.findall(r"`([a-z]+:[a-z…]+|\*)`", table)
    areas = {one.removesuffix("…") for one in told if one.endswith("…")}
    assert all(one in told or one.partition(":")[0] + ":" in areas for one in SCOPES)
    asked = {
        one for each in every_route() for one in (*each.scope.split(), each.installation_scope)
    }
    assert not any(one.startswith(tuple(areas)) for one in asked)


@pytest.mark.parametrize("described", [Settings, Configuration, Options])
def test_every_setting_is_described(described: type) -> None:
    said = descriptions(described)
    assert [field.name for field in fields(described) if not said.get(field.name)] == []


def test_descriptions_are_told_apart() -> None:
    class Example:
        """Settings with their defaults.

        control_table, bucket: names. hold_days: a life
        time. max_recipients (of one request): a number; see mail_table.
        """

    Example.__dataclass_fields__ = {  # type: ignore[attr-defined]  # only its fields are read
        name: Settings.__dataclass_fields__[name]
        for name in ("control_table", "bucket", "hold_days", "max_recipients", "mail_table")
    }
    assert descriptions(Example) == {
        "control_table": "names.",
        "bucket": "names.",
        "hold_days": "a life time.",
        "max_recipients": "a number; see mail_table (of one request).",
        "mail_table": "a number; see mail_table (of one request).",
    }


def test_every_variable_that_the_code_names_is_documented() -> None:
    text = "\n".join(page.read_text() for page in pages())
    named: set[str] = set()
    for folder in SOURCES:
        for file in (ROOT / folder).rglob("*.py"):
            named |= set(re.findall(r"\bPOSTHORN_[A-Z0-9_]*", file.read_text()))
    missing = {
        name for name in named - PREFIXES - BETWEEN_PROCESSES if not re.search(rf"\b{name}\b", text)
    }
    assert missing == set()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_settings_files_in_the_documentation_are_taken(page: Path, tmp_path: Path) -> None:
    for number, text in enumerate(blocks(page, "toml")):
        file = tmp_path / str(number)
        file.write_text(text)
        assert environment_of(file, {})


def test_the_proxy_that_one_host_is_said_to_believe_is_what_init_writes() -> None:
    (said,) = re.findall(
        r"`(http_proxy_networks = [^`]*)`", (ROOT / "docs" / "one-host.md").read_text()
    )
    assert said in settings_text("mail.example.com", Path("/var/lib/posthorn")).splitlines()


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> dict[tuple[str, ...], click.Command]:
    found: dict[tuple[str, ...], click.Command] = {}
    for name, each in group.commands.items():
        found[(*path, name)] = each
        if isinstance(each, click.Group):
            found |= commands(each, (*path, name))
    return found


def test_every_command_and_option_has_help() -> None:
    for path, each in commands(command).items():
        assert each.help, path
        for parameter in each.params:
            if isinstance(parameter, click.Option) and not parameter.show_default:
                assert parameter.help, (path, parameter.name)


LINES = [(page, line) for page in pages() for line in posthorn_lines(page)]


@pytest.mark.parametrize(("page", "line"), LINES, ids=[" ".join(line) for _, line in LINES])
def test_commands_in_the_documentation_exist(page: Path, line: list[str]) -> None:
    words = [word for word in line if word != "--json"]
    path: tuple[str, ...] = ()
    while words and (*path, words[0]) in commands(command):
        path += (words.pop(0),)
    found = commands(command).get(path)
    assert found is not None, line
    if isinstance(found, click.Group):
        assert words == [], line
        return
    context = click.Context(found, info_name="posthorn")
    parser = found.make_parser(context)
    values, left, _ = parser.parse_args(words)
    assert left == []
    assert values is not None


def test_there_are_commands_in_the_documentation() -> None:
    assert len(LINES) > 10


def test_json_in_the_documentation_is_json() -> None:
    found = [text for page in pages() for text in blocks(page, "json")]
    assert found
    for text in found:
        json.loads(text)


def test_requests_in_the_documentation_are_accepted() -> None:
    bodies = []
    for page in pages():
        for text in blocks(page, "sh"):
            bodies += re.findall(r"api/v2/emails\"? .*?-d '(\{.*?\})'", text, re.DOTALL)
    assert len(bodies) >= 2
    for body in bodies:
        EmailToSend.model_validate(json.loads(body), by_alias=True)


def test_every_route_that_the_functions_serve_is_in_the_reference() -> None:
    text = (ROOT / "docs" / "reference" / "api.md").read_text()
    told = re.findall(r"^## (\w+) (/(?:api/v2|.well-known)/\S+)$", text, re.MULTILINE)
    assert sorted(told) == sorted((route.method, route.path) for route in every_route())
    pages_of_people = {PAGE, *(path for _, path in entry.ROUTES)}
    served = {path for path in app.routes if "/api/v1/" not in path} - {ELSEWHERE} - pages_of_people
    assert {path for _, path in told} == served | {route.path for route in MANAGEMENT}


def sections(contract: str) -> set[str]:
    """The numbers of the contract's sections; the steps of sections 4 and 5 have numbers too."""
    found = set(re.findall(r"^##+ (\d+(?:\.\d+|[A-Z])?)\.? ", contract, re.MULTILINE))
    for number in ("4", "5"):
        text = contract.partition(f"\n## {number}. ")[2].partition("\n## ")[0]
        found |= {f"{number}.{step}" for step in re.findall(r"^(\d+)\. ", text, re.MULTILINE)}
    return found


def test_sections_of_the_contract_that_are_cited_exist() -> None:
    known = sections((ROOT / "docs" / "contract" / "postal.md").read_text())
    number = r"\d+(?:\.\d+|[A-Z])?"
    cited: set[str] = set()
    for folder in (*SOURCES, "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            text = " ".join(file.read_text().split())
            for listed in re.findall(
                rf"[Cc]ontract(?: sections?)? ({number}(?:(?:, | and ){number})*)", text
            ):
                cited |= set(re.findall(number, listed))
    assert len(cited) > 30
    assert cited - known == set()


V1 = ROOT / "docs" / "api-v1.md"


def test_every_action_and_error_of_version_1_is_documented() -> None:
    text = V1.read_text()
    assert {path for path in ACTIONS if f"| `{path}` |" not in text} == set()
    known: set[str] = set()
    for file in (ROOT / "chalicelib" / "api" / "v1").glob("*.py"):
        source = file.read_text()
        known |= set(re.findall(r"\bFailure\(\s*f?\"(\w+)[\"{]", source))
        known |= set(re.findall(r"\"code\": \"(\w+)\"", source))
    known.discard("TooMany")  # the beginning of three codes
    known |= {f"TooMany{kind}Addresses" for kind in ("To", "CC", "BCC")}
    answers = [json.loads(answer_of(kind).body) for kind in TURNED_AWAY]
    known |= {answer["data"]["code"] for answer in answers}
    rows = re.findall(r"^\| (`[^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    told = {code for row in rows for code in re.findall(r"`(\w+)`", row) if code[0].isupper()}
    assert len(known) > 10
    assert told == known


def test_the_example_of_version_1_is_answered_as_shown() -> None:
    (sent,) = re.findall(r"send/message\" .*?-d '(\{.*?\})'", V1.read_text(), re.DOTALL)
    (shown,) = blocks(V1, "json")
    with api_world() as api:
        answer = api.v1("send/message", json.loads(sent))
    assert shape(answer) == shape(json.loads(shown))


def shape(value: object) -> object:
    """The keys and kinds of a JSON value."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return type(value)


def test_the_inboxs_tricks_are_documented() -> None:
    text = (ROOT / "docs" / "local-stack.md").read_text()
    addresses = re.findall(r"`(you\+[a-z0-9-]+@example\.com)`", text)
    shown = {manner_of(address).trick for address in addresses}
    assert shown == set(Trick) - {Trick.NONE}


def test_message_statuses_are_documented() -> None:
    text = (ROOT / "docs" / "sending.md").read_text()
    outgoing = set(Status) - {Status.BOUNCED, Status.PROCESSED, Status.ERROR}
    assert {status for status in outgoing if f"| `{status.value}` |" not in text} == set()


def test_indexes_of_the_tables_are_documented() -> None:
    template = (ROOT / "infra" / "data.yaml").read_text()
    text = (ROOT / "docs" / "architecture.md").read_text()
    indexes = re.findall(r"IndexName: (\w+)", template)
    assert indexes
    assert [name for name in indexes if f"| `{name}` |" not in text] == []

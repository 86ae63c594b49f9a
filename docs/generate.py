"""Writes the pages that follow from the code: `python -m docs.generate` from the repository's root.

`render_pages` is pure towards the file system, so that a test can compare without writing. Each page says that it is
generated; what stands in the docstrings of `Settings`, `Configuration`, `Options` and of the commands, and in the
declarations of API v2, is the text to change.
"""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import Field, fields
from itertools import groupby
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "smtp-gateway"), str(ROOT / "clients" / "python")]

from chalicelib.config import Settings  # noqa: E402  # the paths above must be there first
from chalicelib.domain.log_lines import FIELDS  # noqa: E402  # as above
from docs.api_page import render_api  # noqa: E402  # as above
from docs.python_client import write_client  # noqa: E402  # as above
from gateway.configuration import Configuration  # noqa: E402  # as above
from onehost.main import whole_command  # noqa: E402  # as above
from onehost.options import Options  # noqa: E402  # as above

WIDTH = 96
NOTICE = "<!-- Written by `python -m docs.generate`; change the docstrings that it reads. -->\n"

SETTINGS_INTRODUCTION = """\
# Settings

Everything is configured by environment variables; none of them holds a secret. A variable that is absent or empty means
the default. A text that cannot be read stops the process at its start, with one sentence that names the variable.
On one host a settings file may say the same: TOML, with the names in lower case and without `POSTHORN_`, as
`smtp_hostname = "mail.example.com"`. It is the one that `--config` or `POSTHORN_CONFIG` names, or else
`/etc/posthorn/posthorn.toml`; the environment wins over it, and a name that is no setting is refused.
AWS itself is configured by its standard variables (`AWS_REGION`, `AWS_ENDPOINT_URL`, credentials). The variables of the
local stack are in [local-stack.md](../local-stack.md), those of the command in [command-line.md](../command-line.md).
"""
LOG_INTRODUCTION = """# Fields of the log

Functions, gateway and `posthorn serve` write lines of JSON with these fields, none of which holds a mail address,
content or a secret ([what to do with them](../operations.md#the-log)). A line has those that there is something to say
of.
"""
COMMANDS_INTRODUCTION = """\
# The command `posthorn`

`make run` installs it as `.venv/bin/posthorn`. It is a client of the [API](reference/api.md). Which installation it
talks to is said by the first of these that is there:

1. `--local`, `--url URL`, `--profile NAME` or `--stack FILE` in front of the command;
2. `POSTHORN_API_URL`, with the key of `POSTHORN_MANAGEMENT_KEY` or `POSTHORN_API_KEY`;
3. a state folder of this host, that `--state`, `POSTHORN_STATE_FOLDER` or the settings file names: it is opened, no key
   is needed;
4. `POSTHORN_PROFILE`, or the profile `default`;
5. an AWS account that the environment names: its tables are opened;
6. the local stack that runs here, found by `.local/stack.json` (`POSTHORN_STATE` names another folder). The file is
   believed only if it is this user's, nobody else can write it and it leads to this machine.

`posthorn login URL` asks for a key and keeps both as a profile in `~/.config/posthorn/config.toml` (`XDG_CONFIG_HOME`),
mode 600; a file that others can read is refused. `--local` opens the storage that 3, 5 or 6 name instead of asking the
API, with the same commands: for when the API is down. Whoever can open it may do everything, and stands in the audit
log by the name of their account.

* `--json` may stand anywhere and prints JSON for machines; `posthorn tail --json` prints one object a line.
* Where there is only one organization or server, it need not be named. Servers are named `organization/server`.
* A message is named by its number or its token.
* Exit codes: 0 done, 1 it could not be done (one sentence on standard error), 2 wrong usage, 130 stopped with Ctrl-C.
* A list shows everything in a terminal, through `$PAGER` when it is long. Into a pipe or file, and as JSON, long lists
  (messages, the audit log) give a page: `--limit`, `--cursor`; or all with `--all`.
* `--clear FIELD` gives a field its default again. Options that make up a list are repeated.
* JSON is the API's object. Names that the command had before stay beside the API's until 1.0.
* Completion of commands, options and servers: `eval "$(_POSTHORN_COMPLETE=bash_source posthorn)"` in `~/.bashrc`
  (`zsh_source` in `~/.zshrc`).
* Text that came with mail is shown with its control characters escaped, so that it cannot act on your terminal.

| Variable | Meaning |
|---|---|
| `POSTHORN_API_URL` | where the API is |
| `POSTHORN_MANAGEMENT_KEY` | the management key for it |
| `POSTHORN_API_KEY` | a server key for it; that of `posthorn send`, instead of the local stack's |
| `POSTHORN_PROFILE` | the profile to use |
| `POSTHORN_SMTP_KEY` | the SMTP key of `posthorn send --smtp` |
| `POSTHORN_SOURCE_PASSWORD` | the password of `posthorn source`, instead of a prompt |
| `POSTHORN_CONFIG` | the settings file of one host, instead of `/etc/posthorn/posthorn.toml` |
| `POSTHORN_STATE_FOLDER` | the state folder of one host |
| `POSTHORN_STATE` | folder in which the local stack's `stack.json` lies |
| `POSTHORN_DEBUG` | set: show where an unforeseen error happened |

A first look at what became of a message:

```sh
.venv/bin/posthorn send --to you@example.com --subject Hello --text "It works."
.venv/bin/posthorn message list --server demo/demo
.venv/bin/posthorn message show 21 --server demo/demo    # the number that `send` printed
```
"""


def render_pages() -> dict[Path, str]:
    """Each generated page by its path."""
    return {
        ROOT / "docs" / "reference" / "api.md": f"{NOTICE}\n{render_api()}",
        ROOT / "docs" / "reference" / "settings.md": render_settings(),
        ROOT / "docs" / "reference" / "log.md": render_log(),
        ROOT / "docs" / "command-line.md": render_commands(),
    }


def render_settings() -> str:
    """The page of all settings."""
    parts = [
        NOTICE,
        SETTINGS_INTRODUCTION,
        "## Functions and gateway\n",
        _table(Settings),
        "## The gateway alone\n\nSizes are bytes, times seconds.\n",
        _table(Configuration),
        "## One host alone\n",
        _table(Options),
    ]
    return "\n".join(parts)


def render_log() -> str:
    """The page of all fields of the log."""
    rows = [f"| `{name}` | {_cell(meaning)} |" for name, meaning in FIELDS.items()]
    return "\n".join([NOTICE, LOG_INTRODUCTION, "| Field | Meaning |", "|---|---|", *rows, ""])


def render_commands() -> str:
    """The page of all commands."""
    parts = [NOTICE, COMMANDS_INTRODUCTION]
    command = whole_command(loaded=True)
    root = _context(None, "posthorn", command)
    parts.append(_usage("##", "posthorn", command, root))
    for name, each in sorted(command.commands.items()):
        context = _context(root, name, each)
        parts.append(_usage("##", f"posthorn {name}", each, context))
        if isinstance(each, click.Group):
            for verb, leaf in sorted(each.commands.items()):
                title = f"posthorn {name} {verb}"
                parts.append(_usage("###", title, leaf, _context(context, verb, leaf)))
    return "\n".join(parts)


def descriptions(described: type) -> dict[str, str]:
    """What the docstring of a settings class says about each field.

    `one, two (a remark): what it is. three: …` describes three fields; each text ends where the next names begin.
    """
    text = " ".join(inspect.cleandoc(described.__doc__ or "").split())
    name = "|".join(sorted((field.name for field in fields(described)), key=len, reverse=True))
    start = re.compile(
        rf"\b(?P<names>(?:{name})\b(?:, (?:{name})\b)*)(?: \((?P<remark>[^)]*)\))?: "
    )
    found = list(start.finditer(text))
    ends = [each.start() for each in found[1:]] + [len(text)]
    said: dict[str, str] = {}
    for each, end in zip(found, ends, strict=True):
        meaning = text[each.end() : end].strip()
        names = each["names"].split(", ")
        said |= dict.fromkeys(names, meaning)
        if each["remark"]:
            said[names[-1]] = f"{meaning.rstrip('.')} ({each['remark']})."
    for field in fields(described):
        # A field may be told in the words on another one.
        told = (meaning for meaning in said.values() if re.search(rf"\b{field.name}\b", meaning))
        said.setdefault(field.name, next(told, ""))
    return said


def _table(described: type) -> str:
    """One row for each meaning: fields that are described together stand together."""
    said = descriptions(described)
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for meaning, together in groupby(fields(described), key=lambda field: said[field.name]):
        group = list(together)
        names = "<br>".join(f"`POSTHORN_{field.name.upper()}`" for field in group)
        defaults = "<br>".join(_default(field) for field in group)
        rows.append(f"| {names} | {defaults} | {_cell(meaning)} |")
    return "\n".join(rows) + "\n"


def _default(field: Field[Any]) -> str:
    if field.default == "":
        return "empty"
    if isinstance(field.default, bool):
        return "`1`" if field.default else "`0`"
    return f"`{field.default}`"


def _cell(text: str) -> str:
    return (text[:1].upper() + text[1:]).replace("|", "\\|")


def _context(parent: click.Context | None, name: str, each: click.Command) -> click.Context:
    return click.Context(
        each,
        parent=parent,
        info_name=name,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )


def _usage(level: str, title: str, each: click.Command, context: click.Context) -> str:
    lines = [line.rstrip() for line in each.get_help(context).splitlines()]
    return f"{level} {title}\n\n```text\n" + "\n".join(lines) + "\n```\n"


def main() -> None:
    """Write what is generated of the client, which the command imports, and then the pages."""
    write_client()
    for path, text in render_pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()

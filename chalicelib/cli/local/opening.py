"""Opens the installation that the environment, or a local stack, names.

A stack's variables come into this process only if they are settings of Posthorn, beside what AWS needs to be found on
this machine; nothing that the process said of AWS or of a state folder remains then.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, MutableMapping
from dataclasses import fields
from typing import Any, TypeVar

from chalicelib import bootstrap
from chalicelib.bootstrap import Posthorn, posthorn
from chalicelib.cli.failure import Failure
from chalicelib.cli.stack import LOCAL, STATE_FOLDER, Stack
from chalicelib.config import Settings

Result = TypeVar("Result")
# A crash point is not for commands, and the clock's file is the one that stack.py names.
SETTINGS_SAID = frozenset(
    f"POSTHORN_{each.name.upper()}" for each in fields(Settings) if each.name != "kill_at"
)


def open_installation(stack: Stack | None) -> Posthorn:
    """The installation, configured as its functions are. Failure for a setting that cannot be read."""
    if stack is not None:
        enter(stack, os.environ)
    return open_named()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of a coroutine of the installation."""
    return bootstrap.run(work)


def open_named() -> Posthorn:
    """The installation that this process's environment names."""
    try:
        return posthorn()
    except ValueError as unreadable:
        # It names the variable; no setting is a secret.
        raise Failure(str(unreadable)) from unreadable


def enter(stack: Stack, environment: MutableMapping[str, str]) -> None:
    """Make an environment that of a stack."""
    for name in list(environment):
        if name.startswith("AWS_") or name == STATE_FOLDER:
            del environment[name]
    environment.update(
        {
            name: value
            for name, value in stack.environment.items()
            if name in SETTINGS_SAID or name.startswith("AWS_") or name in LOCAL
        }
    )

"""The one place where ports meet adapters and services meet ports.

`posthorn()` is the process's program, built from the environment on first use; each part is loaded and made when it is
first asked for, so that a function pays only for what it uses. `in_memory()` is the one-host program that keeps
nothing, in a scripted world. `run()` executes a coroutine on the process's one background event loop, where connections
survive from call to call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.adapters.families import PORTS, adapter_of, place_of
from chalicelib.config import Settings, read_settings

if TYPE_CHECKING:
    from chalicelib.adapters.aws.meter import Meter

T = TypeVar("T")
Parts = Mapping[type[Any], Any]


class Posthorn:
    """The assembled program, asked for its parts by class: `posthorn[AcceptMail]`, `posthorn[MessageStore]`.

    A port is answered with the adapter that `chalicelib.adapters.families` names for the family, any other class with
    an instance of it. Each is made once, from what the annotations of its constructor name, asked for in the same way;
    an argument with a default keeps it. `parts` stand in place of what would be made, each under the class that it is
    given for and under its own.
    """

    def __init__(self, settings: Settings, family: str, parts: Parts | None = None) -> None:
        self.settings = settings
        self._family = family
        self._parts: dict[type[Any], Any] = {Settings: settings}
        for kind, part in (parts or {}).items():
            self._parts[kind] = self._parts[type(part)] = part
        self._making = threading.RLock()

    def __getitem__(self, kind: type[T]) -> T:
        """The part of this class, or the adapter of this port."""
        if kind not in self._parts:
            with self._making:
                if kind not in self._parts:
                    self._parts[kind] = self._made(kind)
        part: T = self._parts[kind]
        return part

    @property
    def meter(self) -> Meter:
        """What was used of AWS: nothing, where other adapters stand."""
        from chalicelib.adapters.aws.meter import Meter

        return self[Meter]

    def _made(self, kind: Any) -> Any:
        if not isinstance(kind, type) or kind.__module__ == "builtins":
            raise TypeError(f"{kind} is no part of a program: give the argument a default")
        port = place_of(kind)
        if port in PORTS:
            return self._breakable(port, self[adapter_of(port, self._family)])
        wanted = signature(kind, eval_str=True).parameters.values()
        # A class without a constructor may show its base's, whose arguments have no annotations.
        named = [each for each in wanted if each.annotation is not each.empty]
        return kind(
            **{each.name: self[each.annotation] for each in named if each.default is each.empty}
        )

    def _breakable(self, port: str, adapter: Any) -> Any:
        """The adapter, dying where `settings.kill_at` says if that names the file of its port."""
        if not self.settings.kill_at:
            return adapter
        from chalicelib.adapters.system.faults import with_crash_points

        return with_crash_points(adapter, port.partition(".")[0], self.settings.kill_at)


def in_memory(
    settings: Settings | None = None, parts: Parts | None = None, *, live: bool = False
) -> Posthorn:
    """The program on one host's adapters without a state folder, in a scripted world, with `parts` in place of its
    own; `live` with the system's clock and chance."""
    from chalicelib.adapters.scripted.world import scripted_parts

    kept_nowhere = replace(settings or Settings(), state_folder="")
    return Posthorn(kept_nowhere, "sqlite", {**scripted_parts(live=live), **(parts or {})})


def on_aws(settings: Settings, number_block: int = 20) -> Posthorn:
    """The program on AWS adapters, at the endpoint of the standard AWS variables.

    `number_block` is how many message numbers are leased at once: more for a process that accepts much mail.
    """
    from chalicelib.adapters.storage.leased_numbers import NumberBlock

    return Posthorn(settings, "aws", {NumberBlock: NumberBlock(number_block)})


def check_aws() -> None:
    """PermanentFailure says what the environment lacks to ask AWS."""
    from chalicelib.adapters.aws.session import check_environment

    check_environment()


class _Background:
    """The process's event loop, in a thread of its own, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name="posthorn-loop", daemon=True
                )
                thread.start()
            return self._loop


_background = _Background()
_assembled: list[Posthorn] = []
_assembling = threading.Lock()


def run_on(loop: asyncio.AbstractEventLoop) -> None:
    """Have `run` execute on this loop, which runs in another thread than its callers'."""
    _background._loop = loop


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, executed on the background loop. Not to be called from that loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, _background.loop()).result()


def posthorn() -> Posthorn:
    """The process's program, from the environment (or as `use` set it)."""
    with _assembling:
        if not _assembled:
            settings = read_settings(os.environ)
            one_host = bool(settings.state_folder)
            _assembled.append(Posthorn(settings, "sqlite") if one_host else on_aws(settings))
        return _assembled[0]


def use(program: Posthorn | None) -> None:
    """Make `posthorn()` answer with this program; None goes back to the environment."""
    with _assembling:
        _assembled[:] = [] if program is None else [program]

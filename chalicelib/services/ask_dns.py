"""Asks DNS what a pure decision wants to know (`chalicelib.domain.incoming.asking`)."""

from __future__ import annotations

from typing import TypeVar

from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.incoming.asking import Ask, Asking, Kind, NoTelling
from chalicelib.ports.resolver import Resolver

T = TypeVar("T")


class AskDns:
    """Has the resolver answer."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def value_of(self, asking: Asking[T]) -> T:
        """The value of a generator, whose questions are asked one after the other."""
        try:
            ask = next(asking)
            while True:
                try:
                    answer = await self._answer(ask)
                except TemporaryFailure:
                    ask = asking.throw(NoTelling())
                else:
                    ask = asking.send(answer)
        except StopIteration as done:
            value: T = done.value
            return value

    async def _answer(self, ask: Ask) -> tuple[str, ...]:
        try:
            match ask.kind:
                case Kind.TXT:
                    return await self._resolver.txt(ask.name)
                case Kind.ADDRESSES:
                    # SPF says `fail` only of what it knows.
                    return await self._resolver.addresses(ask.name, whole=True)
                case Kind.MX:
                    return tuple(host for _, host in await self._resolver.mx(ask.name))
                case Kind.PTR:
                    return await self._resolver.ptr(ask.name)
                case Kind.EXISTS:
                    await self._resolver.mx(ask.name)
                    return (ask.name,)
        except NotFound:
            return ()

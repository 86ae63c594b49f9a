"""Passwords checked and kept, a few at a time: each takes much time and memory, which is what slows a guesser."""

from __future__ import annotations

import asyncio

from chalicelib.domain.people import passwords
from chalicelib.ports.foreign_passwords import ForeignPasswords
from chalicelib.ports.rand import Rand

AT_A_TIME = 2


class PasswordCheck:
    """Checks and makes what is kept of passwords, apart from the loop."""

    def __init__(self, rand: Rand, foreign: ForeignPasswords) -> None:
        self._rand = rand
        self._foreign = foreign
        self._free = asyncio.Semaphore(AT_A_TIME)
        self._nobodys = ""

    async def keep(self, password: str) -> str:
        """What is kept of a password."""
        salt = self._rand.bytes(passwords.SALT_BYTES)
        async with self._free:
            return await asyncio.to_thread(passwords.hashed, password, salt)

    async def is_right(self, kept: str, password: str) -> bool:
        """Whether it is the password. Where nothing of ours is kept it takes as long as if something were."""
        if len(password) > passwords.MOST:
            password, kept = "", ""
        if passwords.is_foreign(kept):
            async with self._free:
                return await asyncio.to_thread(self._foreign.matches, kept, password)
        if not self._nobodys:
            self._nobodys = await self.keep("nobody has this password")
        async with self._free:
            right = await asyncio.to_thread(passwords.matches, kept or self._nobodys, password)
        return right and bool(kept)

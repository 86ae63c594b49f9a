"""The cookies of pages: read from a request, and written as `Set-Cookie` (RFC 6265).

Each is HttpOnly and SameSite=Lax. Over TLS its name has the prefix `__Host-`, which binds it to one host; on loopback
without TLS it has the plain name (contract section 1.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SESSION = "posthorn"
FLASH = "posthorn-flash"
THEME = "posthorn-theme"
ASKED = "posthorn-asked"  # what is asked for between two pages of a sign-in
PROVIDER = "posthorn-provider"  # on the way to the OpenID provider and back
FORM = "posthorn-form"  # of forms before a sign-in
MOST_READ = 16_384
SECURE = "__Host-"


@dataclass(frozen=True, slots=True)
class Cookies:
    """What a browser sent, and whether it came over TLS."""

    sent: Mapping[str, str]
    is_secure: bool

    @staticmethod
    def of(header: str, *, is_secure: bool) -> Cookies:
        """The cookies of a request; of one name the first."""
        found: dict[str, str] = {}
        for pair in header[:MOST_READ].split(";"):
            name, mark, value = pair.strip().partition("=")
            if mark:
                found.setdefault(name, value)
        return Cookies(found, is_secure)

    def get(self, name: str) -> str:
        """The value of one of ours, empty when it was not sent."""
        return self.sent.get(self._named(name), "")

    def set(self, name: str, value: str, seconds: int | None = None) -> str:
        """The field that keeps it for so long, or (None) until the browser ends."""
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.is_secure else ""
        return f"{self._named(name)}={value}; Path=/{age}; HttpOnly; SameSite=Lax{secure}"

    def ended(self, name: str) -> str:
        """The field that removes it."""
        return self.set(name, "", 0)

    def _named(self, name: str) -> str:
        return SECURE + name if self.is_secure and name != THEME else name

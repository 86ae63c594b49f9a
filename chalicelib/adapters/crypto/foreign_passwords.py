"""The `ForeignPasswords` port by the `bcrypt` package, loaded when somebody first signs in with such a password."""

from __future__ import annotations

import re

from chalicelib.ports.foreign_passwords import ForeignPasswords

_FORM = re.compile(r"\$2[abxy]\$(?P<cost>\d{2})\$[./A-Za-z0-9]{53}")
_HIGHEST_COST = 15  # two seconds; what would take longer was made to keep us busy
_BYTES_READ = 72


class BcryptPasswords(ForeignPasswords):
    """Reads of a password what bcrypt everywhere does: its first 72 bytes."""

    def matches(self, kept: str, password: str) -> bool:
        """See `chalicelib.ports.foreign_passwords.ForeignPasswords.matches`."""
        form = _FORM.fullmatch(kept)
        octets = password.encode("utf-8", "surrogatepass")[:_BYTES_READ]
        if form is None or int(form["cost"]) > _HIGHEST_COST or b"\x00" in octets:
            return False
        import bcrypt

        try:
            return bcrypt.checkpw(octets, kept.encode())
        except ValueError:
            return False

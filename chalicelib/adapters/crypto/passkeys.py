"""The `PasskeyCheck` port by the `webauthn` package.

It is loaded when a passkey is first seen: what it needs to read attestations takes longer to load than all else that a
function has. Attestations are read and not believed, since nobody asked for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.people.passkeys import Passkey
from chalicelib.domain.people.web_authn import NewPasskey, Site
from chalicelib.ports.passkeys import PasskeyCheck

LONGEST_ID = 1_023  # WebAuthn section 7.1, step 26


class WebauthnPasskeyCheck(PasskeyCheck):
    """Checks on the event loop: a check takes less than a millisecond."""

    def made(
        self, credential: Mapping[str, Any], challenge: bytes, site: Site
    ) -> NewPasskey | None:
        """See `chalicelib.ports.passkeys.PasskeyCheck.made`."""
        from webauthn import verify_registration_response

        try:
            found = verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=list(site.origins),
            )
        except Exception:  # of hostile bytes it raises what its parsers do
            return None
        if len(found.credential_id) > LONGEST_ID:
            return None
        return NewPasskey(found.credential_id, found.credential_public_key, found.sign_count)

    def shown(
        self, credential: Mapping[str, Any], challenge: bytes, site: Site, passkey: Passkey
    ) -> int | None:
        """See `chalicelib.ports.passkeys.PasskeyCheck.shown`."""
        from webauthn import verify_authentication_response

        try:
            found = verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=site.rp_id,
                expected_origin=list(site.origins),
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
            )
        except Exception:  # of hostile bytes it raises what its parsers do
            return None
        if found.credential_id != passkey.credential:
            return None
        return found.new_sign_count

"""Where the content of a message lies that had none any more when it was brought here: nothing is there."""

from __future__ import annotations

from chalicelib.domain.model import BlobRef

NO_BODY = BlobRef("gone", 0, 1)

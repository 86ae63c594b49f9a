"""Operations on `/api/v2/uploads`.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from posthorn_client.asking import Asking
from posthorn_client.models.uploads import Upload, UploadToMake
from posthorn_client.request import Request


class UploadsOperations(Asking):
    """Operations on `/api/v2/uploads`."""

    def make_upload(
        self, body: UploadToMake, *, tenant: str | None = None, idempotency_key: str | None = None
    ) -> Upload:
        """Get permission to upload a message, an attachment or a file to import that is too large for a request.

        Needs the scope `emails:send`.
        """
        request = Request(
            "POST",
            "/api/v2/uploads",
            body=body,
            tenant=tenant,
            can_repeat=True,
            idempotency_key=idempotency_key,
        )
        answer: Upload = self._json(request)
        return answer

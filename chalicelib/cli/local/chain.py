"""What of an audit log shows in the storage alone: that its newest entries are gone, to which only the head points."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.session import Session
from chalicelib.services.tenancy.audit_log import AuditLog
from chalicelib.services.tenancy.organizations import Organizations


def broken_in_storage(session: Session, organization: str | None) -> str | None:
    """The id of the first entry that was changed, or before which one is missing, the newest among them."""
    posthorn: Posthorn = session.posthorn
    chain = None
    if organization is not None:
        chain = session.call(posthorn[Organizations].get(organization)).id
    return session.call(posthorn[AuditLog].first_broken(chain))[1]

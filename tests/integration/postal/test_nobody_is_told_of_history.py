"""What is brought is told to no consumer of changes, also while the installation serves; what happens to it then is."""

from __future__ import annotations

import pytest

from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.domain.numbering import MessageId
from chalicelib.services.queue.message_actions import MessageActions
from onehost.upkeep import Upkeep
from tests.integration.postal.conftest import Here
from tests.mariadb import Postal


@pytest.mark.parametrize("here", ["files"], indirect=True)
async def test_only_what_happens_here_is_told(here: Here, postal: Postal) -> None:
    await here.bring(postal, history=True)
    feed = here.posthorn[EventFeed]
    changes, position = feed.read()
    assert changes == [] and position > 0
    await Upkeep(here.posthorn).feed()
    assert feed.position() >= position
    await here.posthorn[MessageActions].cancel((await here.server()).id, MessageId(97))
    changes, _ = feed.read()
    assert changes

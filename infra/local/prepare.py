"""Makes the backend ready, once for each start: `python -m infra.local.prepare`.

Waits for the AWS endpoint, deploys into it the data-plane template, or with POSTHORN_FUNCTIONS=deployed everything, and
seeds the demo tenant. Ends with exit code 0, or with 1 and one sentence on the last line of its output.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local import aws

WAIT_SECONDS = 15.0


class NotPrepared(Exception):
    """The backend could not be made ready. Its text is one sentence for people."""


def prepare(environment: Mapping[str, str]) -> None:
    """Deploy and seed; NotPrepared says what went wrong."""
    # Imported while the emulator starts: that takes as long.
    from botocore.exceptions import BotoCoreError, ClientError

    from chalicelib.bootstrap import posthorn, run
    from chalicelib.domain.errors import MailError
    from infra import stack
    from infra.archive import NotPackaged
    from infra.local import deployed
    from infra.local.seed import seed
    from infra.targets import WrongOrder

    url, deadline = environment["AWS_ENDPOINT_URL"], time.monotonic() + WAIT_SECONDS
    while not aws.is_ready(url):
        if time.monotonic() > deadline:
            raise NotPrepared(f"nothing answers at the AWS endpoint {url}")
        time.sleep(0.02)
    try:
        settings = posthorn().settings
        if environment.get("POSTHORN_FUNCTIONS") == "deployed":
            deployed.deploy(environment, lambda line: print(line, flush=True))
        else:
            stack.deploy_data(url, visibility_seconds=settings.visibility_seconds)
        end_items(url, settings.mail_table, settings.control_table)
        run(seed(posthorn(), Path(environment["POSTHORN_STATE"])))
    except (BotoCoreError, ClientError, stack.StackFailed) as error:
        raise NotPrepared(f"the AWS endpoint {url} refused the set-up: {error}") from error
    except (NotPackaged, WrongOrder) as error:
        raise NotPrepared(str(error)) from error
    except MailError as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise NotPrepared(f"the demo tenant could not be made: {error.public}{cause}") from error


def end_items(url: str, *tables: str) -> None:
    """Let items end by their attribute `x`, where the endpoint has not done what the template says: ministack reads no
    TimeToLiveSpecification."""
    import botocore.session

    client: Any = botocore.session.get_session().create_client("dynamodb", endpoint_url=url)
    for table in tables:
        told = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        if told["TimeToLiveStatus"] == "DISABLED":
            client.update_time_to_live(
                TableName=table,
                TimeToLiveSpecification={"AttributeName": "x", "Enabled": True},
            )


if __name__ == "__main__":
    try:
        prepare(os.environ)
    except NotPrepared as error:
        print(str(error).replace("\n", " "), flush=True)
        sys.exit(1)

"""The one door to AWS: lazily made clients, one thread pool, and failures as values of the error tree.

Promises that no client exists before its first call (a cold start pays only for what it uses), that a call never blocks
the event loop, and that whatever goes wrong arrives as `TemporaryFailure` with a text fit for users — except the codes
that the caller names as expected, which arrive as botocore's `ClientError`. Clients retry throttling, 5xx and broken
connections twice; nothing here retries beyond that. The standard AWS variables give endpoint, region and credentials.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.adapters.aws.meter import Meter
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_T = TypeVar("_T")

_CONNECT_SECONDS = 3
_READ_SECONDS = 15
_ATTEMPTS = 3
_MOST_CALLS = 32  # in flight
_UNAVAILABLE = "The mail store is not available at the moment, try again later"


class AwsSession:
    """Clients of one process; `meter` counts their calls."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._clients: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._session: Any = None
        self._pool = ThreadPoolExecutor(_MOST_CALLS, "aws")

    async def call(
        self,
        service: str,
        operation: str,
        /,
        *,
        expected: tuple[str, ...] = (),
        then: Callable[[Any], Any] | None = None,
        **parameters: Any,
    ) -> Any:
        """Call an operation (`put_item`) in the pool; `then` turns the answer into the result in the same thread.

        Raises ClientError for the `expected` error codes, TemporaryFailure for everything else that goes wrong.
        """

        def work() -> Any:
            from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

            try:
                answer = getattr(self.client(service), operation)(**parameters)
                return then(answer) if then is not None else answer
            except ClientError as error:
                code = error_code(error)
                if code in expected:
                    raise
                raise _unavailable(service, operation, code) from error
            except (BotoCoreError, HTTPClientError, OSError) as error:
                raise _unavailable(service, operation, type(error).__name__) from error

        return await self.run(work)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Run blocking work in the pool."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def client(self, service: str) -> Any:
        """The client of a service, made on first use."""
        client = self._clients.get(service)
        if client is None:
            with self._lock:  # making clients is not safe in parallel; using them is
                client = self._clients.get(service) or self._make(service)
                self._clients[service] = client
        return client

    def close(self) -> None:
        """Close connections and threads; calls in flight finish."""
        self._pool.shutdown(wait=True)
        for client in self._clients.values():
            client.close()

    def _make(self, service: str) -> Any:
        import botocore.session
        from botocore.config import Config

        if self._session is None:
            self._session = botocore.session.get_session()
            self._meter.attach(self._session)
        # A host without names for buckets needs paths; AWS itself prefers names.
        local = any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            max_pool_connections=_MOST_CALLS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            tcp_keepalive=True,
            parameter_validation=False,
            signature_version="s3v4" if service == "s3" else None,
            s3={"addressing_style": "path" if local else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return self._session.create_client(service, region_name=_region(), config=config)


def check_environment() -> None:
    """PermanentFailure says what the environment lacks to ask AWS."""
    import botocore.session
    from botocore.exceptions import BotoCoreError

    session = botocore.session.get_session()
    try:
        if not _region() and not session.get_config_variable("region"):
            raise PermanentFailure("AWS cannot be asked without a region: set AWS_REGION")
        if session.get_credentials() is None:
            raise PermanentFailure(
                "AWS cannot be asked without credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY"
            )
    except BotoCoreError as wrong:
        raise PermanentFailure(f"AWS cannot be asked: {wrong}") from wrong


def _region() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def error_code(error: ClientError) -> str:
    """The service's code of an error, such as `ConditionalCheckFailedException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _unavailable(service: str, operation: str, code: str) -> TemporaryFailure:
    return TemporaryFailure(
        _UNAVAILABLE, aws_service=service, aws_operation=operation, aws_code=code
    )

"""A process that ends instead of one of the things that change files, whichever of them a test names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(
    step: int, patch: pytest.MonkeyPatch, steps: Iterable[tuple[Any, str]]
) -> Iterator[None]:
    """Die instead of the `step`th call of these functions, each named by its owner and its name."""
    left = [step]

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(*args, **options)

        return call

    with patch.context() as patched:
        for owner, name in steps:
            patched.setattr(owner, name, dying(getattr(owner, name)))
        yield

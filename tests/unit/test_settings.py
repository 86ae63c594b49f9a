"""Settings from the environment: what is read, what is refused with one sentence, what follows from where we run."""

from __future__ import annotations

import pytest

from chalicelib.config import Settings, read_settings

MIB = 1024 * 1024


def test_nothing_said_means_the_defaults() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"POSTHORN_DEADLINE_SECONDS": ""}) == Settings()


def test_the_times_that_must_keep_their_order_may_move_together() -> None:
    moved = {"DEADLINE": "600", "SETTLE": "60", "LEASE": "700", "VISIBILITY": "760"}
    settings = read_settings({f"POSTHORN_{name}_SECONDS": text for name, text in moved.items()})
    assert (settings.deadline_seconds, settings.visibility_seconds) == (600, 760)


@pytest.mark.parametrize(
    "moved",
    [
        {"DEADLINE": "300"},
        {"SETTLE": "180"},
        {"LEASE": "360"},
        {"LEASE": "480"},
        {"VISIBILITY": "420"},
        {"VISIBILITY": "60"},
    ],
    ids=str,
)
def test_times_out_of_order_are_refused(moved: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must be less than POSTHORN_LEASE_SECONDS"):
        read_settings({f"POSTHORN_{name}_SECONDS": text for name, text in moved.items()})


@pytest.mark.parametrize("name", [name for name in Settings.__slots__ if name.endswith("_seconds")])
@pytest.mark.parametrize("text", ["0", "-5"])
def test_no_time_is_nothing(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"POSTHORN_{name.upper()} must be 1 or more"):
        read_settings({f"POSTHORN_{name.upper()}": text})


def test_bytes_in_hand_are_a_quarter_of_the_function_s_memory() -> None:
    assert Settings().bytes_in_hand == 128 * MIB
    assert read_settings({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}).bytes_in_hand == 128 * MIB
    assert read_settings({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048"}).bytes_in_hand == 512 * MIB
    said = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "POSTHORN_BYTES_IN_HAND": "1000000"}
    assert read_settings(said).bytes_in_hand == 1_000_000

"""Settings from the environment: what is read, what is refused with one sentence, what follows from where we run."""

from __future__ import annotations

import pytest

from chalicelib.config import Settings, read_settings
from chalicelib.domain.dns.block_lists import BlockList

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
        {"DEADLINE": "400"},
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


NUMBERS = [name for name in Settings.__slots__ if type(getattr(Settings(), name)) is int]
OFF_AT_0 = ("greylist_seconds", "mx_rate", "scan_seconds")
OUTSIDE = [
    (name, text)
    for name in NUMBERS
    for text in ("0", "-3", "99999999999999")
    if text != "0" or name not in OFF_AT_0
]


@pytest.mark.parametrize(("name", "text"), OUTSIDE)
def test_no_number_is_without_a_least_and_a_most(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^POSTHORN_{name.upper()} must be from [0-9]+ to [0-9]+"):
        read_settings({f"POSTHORN_{name.upper()}": text})


@pytest.mark.parametrize("text", ["--5", "²", "1.5", "9" * 5000, "ten", "7\n"])
def test_what_is_no_number_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"POSTHORN_MAX_ATTEMPTS must be a whole number"):
        read_settings({"POSTHORN_MAX_ATTEMPTS": text})


def test_the_function_and_the_queue_have_limits_of_their_own() -> None:
    too_long = {"POSTHORN_LEASE_SECONDS": "901", "POSTHORN_VISIBILITY_SECONDS": "1000"}
    with pytest.raises(ValueError, match="POSTHORN_LEASE_SECONDS must be from 1 to 900, not 901"):
        read_settings(too_long)


@pytest.mark.parametrize("text", ["240", "300"])
def test_clear_text_is_tried_before_the_attempt_ends(text: str) -> None:
    with pytest.raises(ValueError, match="POSTHORN_STARTTLS_SECONDS must be less than POSTHORN_DE"):
        read_settings({"POSTHORN_STARTTLS_SECONDS": text})


def test_bytes_in_hand_are_a_quarter_of_the_function_s_memory() -> None:
    assert Settings().bytes_in_hand == 128 * MIB
    assert read_settings({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"}).bytes_in_hand == 128 * MIB
    assert read_settings({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048"}).bytes_in_hand == 512 * MIB
    said = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "POSTHORN_BYTES_IN_HAND": "1000000"}
    assert read_settings(said).bytes_in_hand == 1_000_000


def test_mx_hosts_are_names_apart_by_commas() -> None:
    settings = read_settings({"POSTHORN_MX_HOSTS": " MX1.acme.test, mx2.acme.test,mx1.acme.test "})
    assert settings.mx_host_names == ("mx1.acme.test", "mx2.acme.test")
    assert Settings().mx_host_names == ("mx.posthorn.example.com",)
    for text in (
        " ",
        ",",
        "mx1.acme.test;mx2.acme.test",
        "mx1 mx2",
        "mx1,",
        "mx1,,mx2",
        "-.\n",
        "a" * 64 + ".test",
    ):
        with pytest.raises(ValueError, match="POSTHORN_MX_HOSTS must be host names"):
            read_settings({"POSTHORN_MX_HOSTS": text})


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "fd00::/8, ::1,hook.internal", "192.168.7.7 , 10.0.0.0/8"]
)
def test_destinations_are_networks_and_names(text: str) -> None:
    assert read_settings({"POSTHORN_ALLOWED_DESTINATIONS": text}).allowed_destinations == text


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8 fd00::/8", "https://hook.internal", "10.0.0.0/888", ",", "a b"]
)
def test_other_destinations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="POSTHORN_ALLOWED_DESTINATIONS must be networks and host"):
        read_settings({"POSTHORN_ALLOWED_DESTINATIONS": text})


def test_block_lists_are_read_with_the_answers_that_count() -> None:
    text = "Zen.list.test, bl.test = 127.0.0.2;127.0.0.3"
    assert read_settings({"POSTHORN_DNSBLS": text}).block_lists == (
        BlockList("zen.list.test"),
        BlockList("bl.test", ("127.0.0.2", "127.0.0.3")),
    )
    assert Settings().block_lists == ()
    for wrong in (
        "a b",
        "bl.test=",
        "bl.test=10.0.0.1",
        ",",
        "a.test,,b.test",
        "a.test=127.0.0.2,",
    ):
        with pytest.raises(ValueError, match="POSTHORN_DNSBLS must be zones"):
            read_settings({"POSTHORN_DNSBLS": wrong})


def test_own_lists_are_told_apart_and_those_that_suspend_are_among_them() -> None:
    lists = "zen.list.test,bl.test=127.0.0.2,rhs:names.test"
    settings = read_settings({"POSTHORN_OWN_DNSBLS": lists, "POSTHORN_SUSPEND_LISTED": "BL.test"})
    assert [one.zone for one in settings.own_block_lists if one.of_names] == ["names.test"]
    assert settings.suspending_lists == {"bl.test"}
    everyone = read_settings({"POSTHORN_OWN_DNSBLS": lists, "POSTHORN_SUSPEND_LISTED": "1"})
    assert everyone.suspending_lists == {"zen.list.test", "bl.test"}
    assert Settings().own_block_lists == ()
    assert Settings().suspending_lists == frozenset()


@pytest.mark.parametrize(
    ("lists", "suspending", "said"),
    [
        ("a b", "", "POSTHORN_OWN_DNSBLS must be zones"),
        ("rhs:", "", "POSTHORN_OWN_DNSBLS must be zones"),
        ("rhs:a.test=10.0.0.1", "", "POSTHORN_OWN_DNSBLS must be zones"),
        # What no list ever answers would look as if nothing were listed.
        ("a.test=127.0.0.300", "", "POSTHORN_OWN_DNSBLS must be zones"),
        ("a.test=127.0.0.2;127.0.0.03", "", "POSTHORN_OWN_DNSBLS must be zones"),
        ("a.test,A.test", "", "each of them once"),
        (",".join(f"l{number}.test" for number in range(21)), "", "up to 20 lists"),
        ("a.test", "b.test", "which b.test is not"),
        ("rhs:a.test", "a.test", "which a.test is not"),
        ("a.test", "a test", "POSTHORN_SUSPEND_LISTED must be 1"),
        ("a." * 20_000 + "!", "", "POSTHORN_OWN_DNSBLS must be zones"),
    ],
)
def test_lists_that_nobody_can_ask_are_refused(lists: str, suspending: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_settings({"POSTHORN_OWN_DNSBLS": lists, "POSTHORN_SUSPEND_LISTED": suspending})


def test_a_rate_has_two_decimals_at_most() -> None:
    said = "POSTHORN_COMPLAINT_RATE_LIMIT must be percent, 0.01 to 100 with at most two decimals"
    with pytest.raises(ValueError, match=said):
        read_settings({"POSTHORN_COMPLAINT_RATE_LIMIT": "0.123"})

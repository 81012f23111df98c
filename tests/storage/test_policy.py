"""What goes into the store, by the policy that held when Kafka appended the record."""

from __future__ import annotations

import pytest

from logverse.errors import WrongSettings
from logverse.settings import Settings
from storage.policy import Policies, Policy, changes


@pytest.mark.parametrize(
    ("text", "kept"),
    [("all", {"ok", "error", "503"}), ("none", set()), ("errors", {"error", "503"}), ("errors+100%", {"ok", "error", "503"})],
)
def test_a_policy_keeps_what_its_name_says(text: str, kept: set[str]) -> None:
    """Errors are what has severity ERROR, or a status of 500 and above."""
    policy = Policy.of(text)
    events = {"ok": (9, 200), "error": (17, None), "503": (9, 503)}

    assert {name for name, (severity, status) in events.items() if policy.keeps(severity, status, "uid")} == kept


def test_a_sample_is_the_same_in_every_replay_and_about_as_large_as_asked_for() -> None:
    """It goes by the uid alone."""
    policy, uids = Policy.of("errors+5%"), [f"file-{number}" for number in range(20_000)]

    kept = [uid for uid in uids if policy.keeps(9, 200, uid)]

    assert kept == [uid for uid in uids if Policy.of("errors+5%").keeps(None, None, uid)]
    assert 900 < len(kept) < 1100


@pytest.mark.parametrize("text", ["", "some", "errors+", "errors+101%", "errors+5", "ALL", "errors + 5%", "all\n"])
def test_what_is_no_policy_is_refused_with_the_settings_name(text: str) -> None:
    """Nothing is guessed: what is not stored is gone."""
    with pytest.raises(WrongSettings) as found:
        Policy.of(text, where="store_http")

    assert "store_http" in str(found.value)


def test_each_record_is_judged_by_the_policy_of_its_time() -> None:
    """So a replay of old records stores what was stored then."""
    policies = Policies({"http": [(0, "all"), (1000, "none"), (2000, "errors")]})

    kept = [policies.keeps("http", at, 9, status, "u") for at, status in ((999, 200), (1000, 503), (1999, 200), (2000, 200), (2000, 500))]

    assert kept == [True, False, False, False, True]


def test_a_type_without_any_policy_is_stored() -> None:
    """Nothing is lost by what nobody wrote down."""
    assert Policies({}).keeps("http", 0, 9, 200, "u")


def test_only_a_changed_policy_makes_an_epoch() -> None:
    """The first one holds from the beginning, a change from when it was made."""
    first = changes({}, Settings(store_http="errors"), since=500)
    epochs = {log_type: [(since, text)] for log_type, since, text in first}

    assert sorted(first) == [("activity", 0, "all"), ("error", 0, "all"), ("http", 0, "errors")]
    assert changes(epochs, Settings(store_http="errors"), since=600) == []
    assert changes(epochs, Settings(store_http="all"), since=600) == [("http", 600, "all")]

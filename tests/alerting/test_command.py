"""`logverse alerts list | show | deliver --check`, on topics in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from alerting.message import Notification
from alerting.notification_log import Outcome, Record
from logverse import instant
from logverse.alert import Alert
from logverse.cli.main import logverse
from logverse.errors import Refused, WrongSettings
from logverse.settings import Settings
from tests.alerting.stand_ins import MINUTE, NOON, alert

HOUR = 60 * MINUTE


class Message:
    """What a consumer hands over."""

    def __init__(self, value: bytes) -> None:
        self._value = value

    def value(self) -> bytes:
        return self._value


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[bytes]]:
    """What the topics hold, by name; the time is one hour after noon."""
    held: dict[str, list[bytes]] = {"alerts": [], "alerts.state": [], "notifications": [], "feedback": []}

    def read_to_end(settings: Settings, topic: str) -> Iterator[Message]:
        return map(Message, held[topic])

    monkeypatch.setattr("logverse.topic_reader.read_to_end", read_to_end)
    monkeypatch.setattr(instant, "now", lambda: NOON + HOUR)
    return held


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(logverse, ["--home", str(tmp_path), "alerts", *arguments])

    return invoke


def happened(topics: dict[str, list[bytes]], *alerts: Alert) -> None:
    for each in alerts:
        topics["alerts"].append(each.to_json())
        topics["alerts.state"].append(each.to_json())


def told(topics: dict[str, list[bytes]], about: Alert, status: Outcome, channel: str = "console", attempt: int = 1) -> None:
    record = Record.of(Notification(about, "ops", channel), status, attempt, about.at + 1000, "550 no" if status == "refused" else "")
    topics["notifications"].append(record.to_json())


def listed(result: Result) -> dict[str, str]:
    """Group → whether it was delivered, as JSON says it."""
    return {row["group"]["service.name"]: row["delivered"] for row in orjson.loads(result.stdout)}


def test_nothing_there_says_so(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """Empty topics are no error, and the sentence says what is empty."""
    assert run("list").stdout == "no alert was ever raised\n"
    happened(topics, alert("pending"), alert("inactive", after=MINUTE))

    assert run("list").stdout == "nothing is active or ended lately; --all shows more\n"
    assert run("list", "--firing").stdout == "nothing fires\n"


def test_the_list_has_the_last_state_of_each(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """One row an alert: what fires, and what ended lately; attackers' text is shown and not obeyed."""
    happened(topics, alert(service="web"), alert("resolved", service="web", after=MINUTE), alert(service="shop\x1b[2J"))
    told(topics, alert(service="web"), "delivered")

    lines = run("list").stdout.splitlines()

    assert lines[0].split() == ["ID", "SEVERITY", "STATUS", "RULE", "GROUP", "SINCE", "LASTED", "ACTUAL", "(THRESHOLD)", "DELIVERED"]
    assert [line.split()[1:5] for line in lines[1:]] == [
        ["critical", "resolved", "http-5xx-share", "web"],
        ["critical", "firing", "http-5xx-share", "shop\\x1b[2J"],
    ]
    assert lines[1].endswith("18.4 % (threshold: > 5 %)  yes")


def test_the_list_is_narrowed_as_asked(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """--firing has what fires, --since how far back ended ones go, --all everything; both at once is a mistake."""
    happened(topics, alert(service="web"), alert("resolved", service="old", after=MINUTE), alert("inactive", service="never"))

    assert set(listed(run("list", "--firing", "-o", "json"))) == {"web"}
    assert set(listed(run("list", "-o", "json"))) == {"web", "old"}
    assert set(listed(run("list", "--since", "30m", "-o", "json"))) == {"web"}
    assert set(listed(run("list", "--all", "-o", "json"))) == {"web", "old", "never"}
    assert run("list", "--all", "--firing").exit_code == 2


def test_the_list_tells_whether_people_know(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """What needs somebody comes first: refused, still tried, too old, not yet served."""
    for service in ("known", "refused", "trying", "gone", "new"):
        happened(topics, alert(service=service))
    told(topics, alert(service="known"), "attempt")
    told(topics, alert(service="known"), "delivered")
    told(topics, alert(service="refused"), "delivered")
    told(topics, alert(service="refused"), "refused", "email/ops@example.org")
    told(topics, alert(service="trying"), "attempt", attempt=7)
    told(topics, alert(service="gone"), "expired")

    assert listed(run("list", "-o", "json")) == {
        "known": "yes",
        "refused": "NOT delivered: email/ops@example.org",
        "trying": "trying: console (7 tries)",
        "gone": "no, too old",
        "new": "not yet",
    }


def test_show_has_everything(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """Explanation, course and notifications of one occurrence, by the beginning of its id or fingerprint."""
    firing, over = alert(after=30_000, sample="GET /\x1b[31m"), alert("resolved", after=4 * MINUTE, reason="rule paused")
    story = (alert("pending", after=0), firing, over)
    happened(topics, *story, alert(service="shop"))
    told(topics, firing, "delivered")
    told(topics, over, "refused", "email/ops@example.org")

    shown = run("show", story[0].id[:6]).stdout

    assert shown == run("show", story[0].fingerprint[:8].upper()).stdout
    for part in (
        "RESOLVED · web · ", "why          5xx share is 18.4 % (limit 5 %)", "      76  POST /pay on web-2, status 503", "  GET /\\x1b[31m",
        "  2026-11-21 12:00:00  pending ", "  2026-11-21 12:04:00  resolved    18.4 % (threshold: > 5 %)  (rule paused)",
        "firing to ops/console  delivered, 1 try\n", "resolved to ops/email/ops@example.org  refused, 1 try: 550 no\n",
    ):  # fmt: skip
        assert part in shown
    assert "\x1b" not in shown


def test_show_of_a_fingerprint_is_the_last_occurrence(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """The same alert a day later is what people mean; the older one is found by its id."""
    older, newer = alert(), alert(since=NOON + HOUR)
    happened(topics, older, newer)

    assert newer.id in run("show", older.fingerprint).stdout
    assert older.id in run("show", older.id).stdout


def test_a_beginning_that_is_unknown_or_not_enough(topics: dict[str, list[bytes]], run: Callable[..., Result]) -> None:
    """The message has the alerts that come near, or the way to see them."""
    empty = run("show", "5f0c").exception
    happened(topics, *(alert(service=f"s{number}") for number in range(40)))
    first = alert(service="s0")

    ambiguous = run("show", first.fingerprint[:1]).exception
    unknown = run("show", first.fingerprint[:5] + "z").exception
    nothing = run("show", "zzzz").exception

    assert isinstance(empty, Refused) and "topic alerts is empty" in str(empty)
    assert isinstance(ambiguous, Refused) and "type more of it" in str(ambiguous) and len(str(ambiguous).splitlines()) > 2
    assert isinstance(unknown, Refused) and first.fingerprint[:16] in str(unknown)
    assert isinstance(nothing, Refused) and "logverse alerts list --all" in str(nothing)


def test_check_reads_the_configuration_and_starts_nothing(tmp_path: Path, run: Callable[..., Result]) -> None:
    """`deliver --check` says who would be told, or what is wrong; it needs no Kafka."""
    assert run("deliver", "--check").stdout == "receiver console → console\n"
    (tmp_path / "alerting.yaml").write_text("route: {receiver: ops}\nreceivers: [{name: ops, mail_configs: []}]")

    wrong = run("deliver", "--check").exception

    assert isinstance(wrong, WrongSettings)
    assert "alerting.yaml:2 receivers[0].mail_configs: unknown field\n  → did you mean email_configs?" in str(wrong)

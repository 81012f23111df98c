"""`logverse query` over the twin in memory: each form of the answer, how to go on, and what is said when there is nothing."""

from __future__ import annotations

import csv
import io
import json

import pytest

from logverse import instant
from logverse.cli.main import main
from logverse.errors import TryAgain
from storage import history as history_module
from storage.history import EventId, History
from storage.memory import MemoryStore
from storage.rows import StoredAlert, StoredAnomaly
from tests.contracts.store_contract import DAY, NOON, event

HOSTILE = "=cmd|' /C calc'!A0\x1b[31m\x07\r\n\u202e\x9b2J\U000e0001é漢 is longer than an id"
FROM = ("--since", "2023-11-01")


class Asked:
    def __init__(self, monkeypatch, capfdbinary):
        self.store = MemoryStore()
        self._capture = capfdbinary
        monkeypatch.setattr(history_module, "opened", lambda settings: History(self.store, lambda: NOON))
        monkeypatch.setattr(instant, "now", lambda: NOON + DAY)

    def __call__(self, *arguments, code=0):
        with pytest.raises(SystemExit) as ended:
            main(["query", *arguments])
        done = self._capture.readouterr()
        assert ended.value.code == code, done.err.decode()
        return done.out if "parquet" in arguments else done.out.decode(), done.err.decode()

    def say(self, count=3, **columns):
        saved = [event("web", NOON - n * 1000, f"{n:04x}" * 8, record=body(f"line {n}"), **columns) for n in range(count)]
        self.store.save_events(saved)
        return saved


def body(text, **more):
    return json.dumps({"body": text, **more}).encode()


@pytest.fixture
def query(monkeypatch, capfdbinary, tmp_path):
    monkeypatch.setenv("LOGVERSE_HOME", str(tmp_path))
    return Asked(monkeypatch, capfdbinary)


def test_a_table_for_people(query):
    """Time, severity, what it was, and the id that `query event` takes."""
    query.say(1, severity_number=17)
    query.store.save_events(
        [event("web", NOON + 1, "f" * 32, status_code=503, client_address="10.0.0.1", severity_number=9,
               record=body("…", **{"http.request.method": "POST", "url.path": "/pay", "http.server.request.duration": 30.0}))]
    )  # fmt: skip

    out, err = query("events", "--service", "web", *FROM)

    lines = out.splitlines()
    assert lines[0].split()[:3] == ["TIME", "(UTC)", "SEVERITY"]
    assert lines[1] == "2023-11-15 00:00:00.001  INFO      http:web:1700006400001:ffff~ffffffff  503 POST /pay 30 s 10.0.0.1"
    assert lines[2].endswith("http:web:1700006400000:0000~00000000  line 0")
    assert err == ""


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_log_text_is_never_obeyed(query, form):
    """Whatever a line holds, nothing but printable characters and line ends reaches a terminal."""
    query.store.save_events([event(HOSTILE, NOON, HOSTILE, "error", route=HOSTILE, record=body(HOSTILE, **{HOSTILE: HOSTILE}))])
    query.store.save_alerts([StoredAlert(NOON, "t", HOSTILE, HOSTILE, "firing", HOSTILE, HOSTILE, body(HOSTILE))])
    query.store.save_anomalies([StoredAnomaly(NOON, HOSTILE, HOSTILE, HOSTILE, body(HOSTILE, reasons=[HOSTILE]))])
    asked = [("events", "--service", HOSTILE, *FROM), ("alerts", *FROM), ("anomalies", *FROM)]

    shown = [query(*each, "-o", form)[0] for each in asked]
    shown += query("event", str(EventId("error", HOSTILE, NOON, HOSTILE)))
    shown += query("alerts", "--id", HOSTILE)

    assert all(shown[:4])
    assert [line for text in shown for line in text.split("\n") if not line.isprintable()] == []


def test_json_lines_hold_the_record(query):
    """One object a line: the record's own fields, the id, and the stored time; special characters as they were."""
    query.store.save_events([event("web", NOON, "a", record=body(HOSTILE, **{"http.route": "/x", "timestamp": "soon"}))])
    query.say(2)

    out, _ = query("events", "--service", "web", *FROM, "-o", "json")

    rows = [json.loads(line) for line in out.splitlines()]
    assert len(rows) == 3
    first = next(row for row in rows if row["log.record.uid"] == "a")
    assert (first["body"], first["http.route"]) == (HOSTILE, "/x")
    assert (first["id"], first["timestamp"]) == (f"http:web:{NOON}:a", "2023-11-15T00:00:00.000Z")


def test_no_cell_of_a_spreadsheet_runs(query):
    """Text that begins as a formula gets a quote before it; numbers stay numbers."""
    for place, start in enumerate(("=1+1", "+1", "-1", "@SUM(A1)", " =1", 'plain, "quoted"')):
        query.store.save_events([event("web", NOON - place, str(place), status_code=200, route=start, record=body(start))])

    out, _ = query("events", "--service", "web", *FROM, "-o", "csv")

    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["body"] for row in rows] == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "' =1", 'plain, "quoted"']
    assert [row["route"] for row in rows] == [row["body"] for row in rows]
    assert {(row["status"], row["user"]) for row in rows} == {("200", "")}
    assert rows[0]["timestamp"] == "2023-11-15T00:00:00.000Z"


def test_parquet_for_tools(query):
    """Typed columns; text as it was."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    query.store.save_events([event("web", NOON + 5, "a", status_code=503, record=body(HOSTILE))])
    query.say(30)

    out, _ = query("events", "--service", "web", *FROM, "--limit", "0", "-o", "parquet")

    table = parquet.read_table(io.BytesIO(out))
    assert table.num_rows == 31
    first = table.slice(0, 1).to_pylist()[0]
    assert (first["status"], first["body"], first["timestamp"].timestamp() * 1000) == (503, HOSTILE, NOON + 5)
    assert table.column("user").null_count == 31


def test_going_on_with_the_token(query):
    """A full page says how to see what is older; all of them together are the whole."""
    query.say(5)
    arguments = ("events", "--service", "web", *FROM, "--limit", "2", "-o", "json")

    seen, token = [], []
    while True:
        out, err = query(*arguments, *token)
        seen += [json.loads(line)["body"] for line in out.splitlines()]
        if "--continue" not in err:
            break
        token = err.strip().split()[-2:]

    assert seen == [f"line {n}" for n in range(5)]


def test_all_of_them_page_after_page(query, monkeypatch):
    """--limit 0 shows everything, a page in memory at a time."""
    monkeypatch.setattr("logverse.cli.query.PAGE", 7)
    query.say(50)

    out, err = query("events", "--service", "web", *FROM, "--limit", "0", "-o", "json")

    assert (len(out.splitlines()), err) == (50, "")


def test_looking_in_vain_ends(query, monkeypatch):
    """After --max-scan events that do not fit it stops, and says how to go on."""
    monkeypatch.setattr("storage.query_scan.ROWS", 10)
    query.say(1000)

    out, err = query("events", "--service", "web", *FROM, "--grep", "nowhere", "--max-scan", "300")

    assert out == ""
    assert "0 shown of 512 looked at" in err
    assert "--continue " in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--service", "wep"), 2, "did you mean web?"),
        (("--service", "web", "--since", "1h"), 0, "no events of web from 2023-11-15T23:00:00.000Z on; history has some from"),
        (("--service", "web", *FROM, "--status", "5xx"), 0, "no event fits; 3 of that time were looked at"),
        ((), 2, "--service: no service given"),
        (("--service", "web", "--since", "3000y"), 2, "--since: '3000y' is beyond the calendar"),
        (("--service", "web", "--since", "soon"), 2, "--since: 'soon' is no time"),
        (("--service", "web", "--since", "1h", "--until", "2h"), 2, "is not before"),
        (("--service", "web", "--status", "6x"), 2, "--status: '6x' is not known"),
        (("--service", "web", "--continue", "x"), 2, "the token was not given by LogVerse"),
        (("--service", "web", "--follow", "--until", "now"), 2, "--follow goes on for ever"),
    ],
)  # fmt: skip
def test_mistakes_and_nothing(query, arguments, code, said):
    """One message that names what to do, no stack trace; nothing to show is no failure."""
    query.say(3)

    out, err = query("events", *arguments, code=code)

    assert out == ""
    assert said in err


def test_following(query, monkeypatch):
    """What is stored meanwhile is shown once, oldest first; a store that is away is waited for and said; Ctrl-C ends it."""
    at = NOON + DAY - 5_000
    later = [lambda: query.store.save_events([event("web", at + n, f"n{n}", record=body(f"new {n}")) for n in (2, 1)]), away, None]

    def sleep(seconds):
        step = later.pop(0)
        if step is None:
            raise KeyboardInterrupt
        monkeypatch.setattr(query.store, "services", lambda: [("web", "http")])
        if step is away:
            monkeypatch.setattr(query.store, "services", away)
        else:
            step()

    monkeypatch.setattr("logverse.cli.query.time.sleep", sleep)
    query.store.save_events([event("web", at, "old", record=body("old")), event("web", NOON, "x", record=body("too old"))])

    out, err = query("events", "--service", "web", "--follow", "-o", "json", code=130)

    assert [json.loads(line)["body"] for line in out.splitlines()] == ["old", "new 1", "new 2"]
    assert err.rstrip() == "waiting: Cassandra is away"


def away():
    raise TryAgain("Cassandra is away")


def test_one_event_whole(query):
    """Every field, a stack trace line by line, and where to look further; for scripts the columns and the record."""
    trace = "Error: x\n  at a.py:1\n\x1b[2J  at b.py:2"
    query.store.save_events([event("web", NOON, "ab", "error", trace_id="t 1", record=body("boom", **{"exception.stacktrace": trace}))])

    out, _ = query("event", f"error:web:{NOON}:a")
    whole, _ = query("event", f"error:web:{NOON}:a", "-o", "json")

    assert "    \\x1b[2J  at b.py:2" in out.splitlines()
    assert "same trace:  logverse query events --service web --since 2023-11-14T23:50:00.000Z --trace 't 1'" in out.splitlines()
    assert json.loads(whole)["record"]["exception.stacktrace"] == trace
    assert query("event", f"error:web:{NOON}:x", code=1)[1].startswith("error: no such event")


@pytest.mark.parametrize("at", [instant.BEGINNING, instant.END])
def test_an_event_at_the_end_of_the_calendar(query, at):
    """What lies about it is offered within the calendar."""
    query.store.save_events([event("web", at, "a", trace_id="t")])

    out, _ = query("event", f"http:web:{at}:a")

    since = "0001-01-01T00:00:00.000Z" if at == instant.BEGINNING else "9999-12-31T23:49:59.999Z"
    assert f"same trace:  logverse query events --service web --since {since} --trace t" in out


def test_the_course_of_an_alert(query):
    """All its transitions, oldest first, and the command that shows the lines behind it."""
    course = [
        StoredAlert(NOON + 1000 * n, f"t{n}", "ab" * 16, "5xx share", status, "critical", "web", body("", explanation={"sentence": "18 %"}))
        for n, status in enumerate(("pending", "firing", "resolved"))
    ]
    query.store.save_alerts(course)

    out, _ = query("alerts", "--id", "abab")

    lines = out.splitlines()
    assert [line.split()[2] for line in lines[1:4]] == ["pending", "firing", "resolved"]
    assert lines[1].endswith("18 %")
    assert lines[4].endswith("logverse query events --service web --since 2023-11-14T23:59:00.000Z --until 2023-11-15T00:01:02.000Z")
    assert [json.loads(line)["explanation"] for line in query("alerts", *FROM, "--status", "firing", "-o", "json")[0].splitlines()] == [
        {"sentence": "18 %"}
    ]
    assert "no alert from" in query("alerts", "--since", "1h")[1]


def test_anomalies_in_a_table(query):
    """What was strange, against what is usual."""
    record = body("", score=0.99, actual=12, expected=[1, 3.5], reasons=["four times the usual"])
    query.store.save_anomalies([StoredAnomaly(NOON, "a", "rate", "web", record)] * 2)
    query.say(1)

    out, err = query("anomalies", *FROM, "--service", "web")

    assert out.splitlines()[0].split()[2:] == ["RULE", "SERVICE", "SCORE", "ACTUAL", "USUAL", "WHY"]
    assert out.splitlines()[1] == "2023-11-15 00:00:00.000  rate  web      0.99   12      1 to 3.5  four times the usual"
    assert err == ""

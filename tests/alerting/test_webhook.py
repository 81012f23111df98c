"""The webhook: Alertmanager's body, and what each answer means."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerting import message
from alerting.channels.http_config import Authorization, BasicAuth, HttpConfig
from alerting.channels.webhook import Webhook, WebhookConfig, body_of
from alerting.message import Notification
from logverse.errors import Refused, TryAgain
from tests.alerting.stand_ins import NOON, HttpServer, alert


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer().serving() as found:
        yield found


def firing() -> Notification:
    return Notification(alert(labels={"team": "pay"}), "ops.team", "webhook")


def test_the_body_is_alertmanagers_version_4() -> None:
    """Every field of Alertmanager's webhook message, with its names, its types, and its zero time while an alert fires."""
    labels = {"alertname": "http-5xx-share", "service_name": "web", "severity": "critical", "team": "pay"}
    annotations = {"summary": "5xx share is 18.4 % (limit 5 %)", "description": message.text(firing().alert)}

    body = body_of(firing())

    assert body == {
        "version": "4",
        "groupKey": '{}:{alertname="http-5xx-share", service_name="web", severity="critical", team="pay"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "ops\\.team",
        "groupLabels": labels,
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": "2026-11-21T12:00:30.000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "",
                "fingerprint": firing().alert.fingerprint[:16],
            }
        ],
    }


def test_the_end_has_the_same_group_and_its_time() -> None:
    """A receiver pairs the end of an alert with its beginning by group key and fingerprint."""
    start = body_of(firing())

    end = body_of(Notification(alert("resolved", after=60_000, labels={"team": "pay"}), "ops.team", "webhook"))

    assert (end["status"], end["alerts"][0]["status"], end["alerts"][0]["endsAt"]) == ("resolved", "resolved", "2026-11-21T12:01:00.000Z")
    assert (end["groupKey"], end["alerts"][0]["fingerprint"]) == (start["groupKey"], start["alerts"][0]["fingerprint"])


def test_every_try_carries_the_same_key(server: HttpServer) -> None:
    """The idempotency key is in a header, the same on every try."""
    server.answers.append((500, {}, b""))
    hook = Webhook(WebhookConfig(url=server.url))

    with pytest.raises(TryAgain):
        hook.send(firing())
    hook.send(firing())

    assert server.keys == [firing().key] * 2
    assert server.requests[1].body == body_of(firing())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_answers_that_pass_are_tried_again(server: HttpServer, status: int) -> None:
    """Busy, limited and broken far sides get it again."""
    server.answers.append((status, {}, b""))

    with pytest.raises(TryAgain, match=str(status)):
        Webhook(WebhookConfig(url=server.url)).send(firing())


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 422])
def test_answers_that_stay_are_refused(server: HttpServer, status: int) -> None:
    """A far side that understood and said no is believed; a redirection is not followed with what may be secret."""
    server.answers.append((status, {"Location": "http://192.0.2.1/"}, b""))

    with pytest.raises(Refused, match=str(status)):
        Webhook(WebhookConfig(url=server.url)).send(firing())


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("7", 7.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("Sat, 21 Nov 99999999999999999999 12:00:00 GMT", None),
        ("Sat, 21 Nov 12026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_read(server: HttpServer, written: str, seconds: float | None) -> None:
    """The far side's wish, as a number or as a date, reaches whoever waits; nonsense is no wish."""
    server.answers.append((429, {"Retry-After": written}, b""))

    with pytest.raises(TryAgain) as caught:
        Webhook(WebhookConfig(url=server.url), clock=lambda: NOON).send(firing())

    assert caught.value.after_s == seconds


def test_a_dropped_connection_is_tried_again(server: HttpServer) -> None:
    """A far side that hangs up, or is not there, is tried again."""
    server.answers.append((0, {}, b""))

    with pytest.raises(TryAgain):
        Webhook(WebhookConfig(url=server.url)).send(firing())
    with pytest.raises(TryAgain):
        Webhook(WebhookConfig(url="http://127.0.0.1:1/hook/s3cret")).send(firing())


def test_the_address_is_in_no_error(server: HttpServer) -> None:
    """Addresses of chat services are secrets: neither a refusal that repeats it nor a failed connection shows it."""
    server.answers.append((404, {}, b"invalid_payload at " + server.url.encode() + b" /hook/s3cret"))

    with pytest.raises(Refused, match="invalid_payload") as refused:
        Webhook(WebhookConfig(url=server.url)).send(firing())
    with pytest.raises(TryAgain) as away:
        Webhook(WebhookConfig(url="http://127.0.0.1:1/hook/s3cret")).send(firing())

    assert "s3cret" not in f"{refused.value} {away.value}"


def test_secrets_come_from_files_at_each_send(server: HttpServer, tmp_path: Path) -> None:
    """A token, a password and an address that were rotated work without a restart; one that is gone is waited for."""
    token, password, address = tmp_path / "token", tmp_path / "password", tmp_path / "address"
    token.write_text("t1\n"), password.write_text("pä\n"), address.write_text(server.url + "\n")
    bearer = Webhook(WebhookConfig(url=server.url, http_config=HttpConfig(Authorization(str(token)))))
    basic = Webhook(WebhookConfig(url_file=str(address), http_config=HttpConfig(basic_auth=BasicAuth("ann", str(password)))))

    bearer.send(firing())
    token.write_text("t2")
    bearer.send(firing())
    basic.send(firing())
    address.unlink()

    with pytest.raises(TryAgain, match="address cannot be read"):
        basic.send(firing())
    sent = [request.headers["Authorization"] for request in server.requests]
    assert sent == ["Bearer t1", "Bearer t2", "Basic " + base64.b64encode("ann:pä".encode()).decode()]

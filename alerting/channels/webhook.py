"""Channel `webhook`: Alertmanager's webhook body, version 4, so that everything which takes its webhooks takes ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests

from alerting import message
from alerting.channels.channel import Kind, secret
from alerting.channels.http_config import HttpConfig, authorization_of
from alerting.message import Notification
from logverse import __version__, instant
from logverse.alert import Alert
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.identity import digest
from logverse.instant import Millis
from logverse.printable import printable

_TIMEOUT_S = (5.0, 10.0)  # to connect, and for each wait on an answer
_BUSY = (408, 425, 429)  # the 4xx answers that say "later"
_ZERO_TIME = "0001-01-01T00:00:00Z"  # Go's zero time: how Alertmanager writes "not over yet"
_SHOWN_ANSWER = 200  # bytes of a refusal that go to the log


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """An item of `webhook_configs`. The address may itself be a secret (chat services): it is in no repr and no log."""

    url: str = field(default="", repr=False)
    url_file: str = field(default="", metadata={"file": True})
    send_resolved: bool = True
    http_config: HttpConfig = field(default_factory=HttpConfig)

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.url_file):
            raise WrongSettings("needs an address", remedy="give exactly one of url and url_file")
        problem = self.url and _problem(self.url)
        if problem:
            raise WrongSettings(problem, where="url", remedy="url: https://HOST/PATH")


@dataclass(frozen=True)
class Webhook:
    """Posts JSON. 2xx is delivered; 408, 425, 429, 5xx and a network that fails are TryAgain; every other answer is Refused."""

    config: WebhookConfig
    clock: Callable[[], Millis] = instant.now

    @property
    def name(self) -> str:
        config = self.config
        return f"webhook/{_host(config.url) if config.url else 'url_file'}/{digest(config.url, config.url_file)[:8]}"

    @property
    def send_resolved(self) -> bool:
        return self.config.send_resolved

    def send(self, notification: Notification) -> None:
        url = self.config.url or secret(self.config.url_file)
        if problem := _problem(url):
            raise TryAgain(f"{self.config.url_file}: {problem}")
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"logverse/{__version__}",
            "Idempotency-Key": notification.key,
            **authorization_of(self.config.http_config),
        }
        try:
            # A session of its own: no proxy or .netrc of the environment, and no connection that died while nothing happened.
            with requests.Session() as session:
                session.trust_env = False
                body = orjson.dumps(body_of(notification))
                with session.post(url, data=body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False, stream=True) as answer:
                    self._judge(answer, url)
        except requests.RequestException as error:
            # Its text holds the path of the address, which may be a secret: say only its kind.
            raise TryAgain(f"{_host(url)}: {type(error).__name__}") from None

    def _judge(self, answer: requests.Response, url: str) -> None:
        status = answer.status_code
        if 200 <= status < 300:
            return
        said = f"{_host(url)} answered {status}"
        if status in _BUSY or status >= 500:
            raise TryAgain(said, after_s=_retry_after(answer.headers.get("Retry-After", ""), self.clock()))
        if 300 <= status < 400:
            raise Refused(f"{said}: redirections are not followed, put the final address into the configuration")
        raise Refused(f"{said}: {_said(answer, url)}".rstrip(": "))


def body_of(notification: Notification) -> dict[str, Any]:
    """Alertmanager's message, version 4, as with `group_by: ['...']`: one alert a group, and all its labels are the group's. Of a rule
    that storms, as with `group_by: [alertname]`.

    From Alertmanager's notify/webhook/webhook.go (Message) and template/template.go (Data, Alert). Its `fingerprint` has 16
    hexadecimal digits: ours is the beginning of our fingerprint, which `logverse alerts show` takes.
    """
    alerts = [_alert(alert) for alert in notification.alerts]
    common = _common([alert["labels"] for alert in alerts])
    group = {"alertname": notification.alert.rule} if notification.others else common
    return {
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f"{name}={orjson.dumps(group[name]).decode()}" for name in sorted(group)) + "}",
        "truncatedAlerts": 0,
        "status": notification.alert.status,
        "receiver": re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", notification.receiver),  # it quotes it as for a regular expression
        "groupLabels": group,
        "commonLabels": common,
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": "",  # no page yet
        "alerts": alerts,
    }


def _alert(alert: Alert) -> dict[str, Any]:
    over = alert.status == "resolved"
    return {
        "status": alert.status,
        "labels": message.labels_of(alert),
        "annotations": message.annotations_of(alert),
        "startsAt": instant.written(alert.active_at if alert.starts_at is None else alert.starts_at),
        "endsAt": instant.written(alert.at if alert.ends_at is None else alert.ends_at) if over else _ZERO_TIME,
        "generatorURL": "",
        "fingerprint": alert.fingerprint[:16],
    }


def _common(several: Sequence[dict[str, str]]) -> dict[str, str]:
    """What all of them say alike."""
    first, *rest = several
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in rest)}


def _problem(url: str) -> str:
    """Why no notification can go to this address; empty when one can."""
    try:
        parts = urlsplit(url)
        port = parts.port  # raises for one that is no number
    except ValueError as error:
        return f"not an address: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not url.isprintable():
        return "not an http:// or https:// address"
    if parts.username is not None:
        return "a password in an address: use http_config.basic_auth with a password_file"
    return ""


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _retry_after(value: str, now: Millis) -> float | None:
    """Seconds the far side wants us to wait: RFC 9110 section 10.2.3 has a number or a date."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        then = parsedate_to_datetime(value)
        return max(0.0, then.replace(tzinfo=then.tzinfo or UTC).timestamp() - now / 1000)
    except (ValueError, OverflowError):  # no date, or one of a year that no calendar here has
        return None


def _said(answer: requests.Response, url: str) -> str:
    """The beginning of a refusal, without our address in it."""
    try:
        text = next(answer.iter_content(_SHOWN_ANSWER), b"").decode(errors="replace")
    except requests.RequestException:
        return ""
    for ours in (url, urlsplit(url).path, urlsplit(url).query):
        text = text.replace(ours, "…") if len(ours) > 1 else text
    return printable(text)


WEBHOOK = Kind(WebhookConfig, lambda config: [Webhook(config)])

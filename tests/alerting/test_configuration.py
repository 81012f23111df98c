"""`alerting.yaml`: Alertmanager's words, and what is said when they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting import configuration
from alerting.channels.mail import Mail
from alerting.channels.webhook import Webhook
from logverse.errors import WrongSettings


def file(folder: Path, text: str) -> Path:
    path = folder / "alerting.yaml"
    path.write_text(text)
    return path


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(WrongSettings) as caught:
        configuration.read(file(folder, text), must_exist=True)
    return str(caught.value).replace(str(folder), "")


def test_without_a_file_the_console_is_told(tmp_path: Path) -> None:
    """A fresh installation tells somebody without a line of configuration; a file that was named must be there."""
    receiver = configuration.read(tmp_path / "alerting.yaml", must_exist=False)

    assert [channel.name for channel in receiver.channels] == ["console"]
    with pytest.raises(WrongSettings, match="no such file"):
        configuration.read(tmp_path / "alerting.yaml", must_exist=True)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    """All fields reach the channels; secrets' files are found relative to the configuration."""
    for name in ("token", "password", "address"):
        (tmp_path / name).write_text("https://chat.example.org/x")
    path = file(
        tmp_path,
        """
route: {receiver: ops}
receivers:
  - name: dev
    console_configs: [{}]
  - name: ops
    webhook_configs:
      - url: https://hooks.example.org:8443/a
        send_resolved: false
        http_config: {authorization: {type: Token, credentials_file: token}}
      - url_file: address
        http_config: {basic_auth: {username: ann, password_file: password}}
    email_configs:
      - {to: "ops@example.org, chief@example.org", from: log@example.org, smarthost: "mail.example.org:587",
         auth_username: log, auth_password_file: password, require_tls: false, send_resolved: true}
    console_configs: [{}]
""",
    )

    receiver = configuration.read(path, must_exist=True)

    assert receiver.name == "ops"
    hook, secret_hook, *mails = (channel for channel in receiver.channels if isinstance(channel, Webhook | Mail))
    assert isinstance(hook, Webhook) and hook.config.http_config.authorization and not hook.send_resolved
    assert hook.config.http_config.authorization.credentials_file == str(tmp_path / "token")
    assert isinstance(secret_hook, Webhook) and secret_hook.config.url_file == str(tmp_path / "address") and secret_hook.send_resolved
    assert [mail.name for mail in mails] == ["email/ops@example.org", "email/chief@example.org"]
    assert isinstance(mails[0], Mail) and mails[0].send_resolved and not mails[0].config.require_tls


def test_the_example_in_the_documentation_is_one(tmp_path: Path) -> None:
    """What the module shows as a configuration is one."""
    for name in ("chat-address", "mail-password"):
        (tmp_path / name).write_text("https://chat.example.org/x")
    text = (configuration.__doc__ or "").partition("\n\n")[2]

    receiver = configuration.read(file(tmp_path, text), must_exist=True)

    assert {channel.name.partition("/")[0] for channel in receiver.channels} == {"webhook", "email", "console"}


def test_all_mistakes_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    """A misspelled field, a wrong type, a missing one, a missing file and an unknown receiver: line, field and remedy of each."""
    text = """route:
  reciever: ops
  routes: []
receivers:
  - name: ops
    webhook_configs:
      - urll: https://a.example.org/
      - url: 8080
      - url: ftp://a.example.org/
        send_resolved: "yes"
    email_configs:
      - to: ops@example.org
        smarthost: mail.example.org
        auth_password_file: nowhere
  - console_configs: {}
  - name: nobody
"""

    said = complaint(tmp_path, text)

    assert [line for line in said.split("\n") if not line.startswith("  →")] == [
        "/alerting.yaml:2 route.reciever: unknown field",
        "/alerting.yaml:2 route.receiver: missing",
        "/alerting.yaml:3 route.routes: unknown field",
        "/alerting.yaml:7 receivers[0].webhook_configs[0].urll: unknown field",
        "/alerting.yaml:8 receivers[0].webhook_configs[1].url: must be text",
        "/alerting.yaml:10 receivers[0].webhook_configs[2].send_resolved: must be true or false",
        "/alerting.yaml:12 receivers[0].email_configs[0].from: missing",
        "/alerting.yaml:14 receivers[0].email_configs[0].auth_password_file: /nowhere cannot be read: No such file or directory",
        "/alerting.yaml:15 receivers[1].name: missing",
        "/alerting.yaml:15 receivers[1].console_configs: must be a list",
        "/alerting.yaml:15 receivers[1]: reaches nobody",
        "/alerting.yaml:16 receivers[2]: reaches nobody",
    ]
    assert "  → did you mean url?" in said
    assert "  → did you mean receiver?" in said


HOOK: dict[str, Any] = {"url": "https://hooks.example.org/a"}
MAIL: dict[str, Any] = {"to": "a@b.example", "from": "c@d.example", "smarthost": "mail.example.org:25"}


@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("webhook", {}, "needs an address"),
        ("webhook", {"url": "file:///etc/passwd"}, "not an http:// or https:// address"),
        ("webhook", {"url": "https://ann:pw@hooks.example.org/"}, "a password in an address"),
        ("webhook", {"url": "https://[broken/"}, "not an address"),
        (
            "webhook",
            HOOK | {"http_config": {"authorization": {"type": "a b", "credentials_file": "secret"}}},
            "is no type of authorization",
        ),
        ("webhook", HOOK | {"http_config": {"authorization": {"type": "Bearer"}}}, "credentials_file: missing"),
        ("webhook", HOOK | {"http_config": None}, "must be a mapping"),
        ("email", MAIL | {"to": "nobody"}, "'nobody' is no mail address"),
        ("email", MAIL | {"to": "a..b@example.org"}, "'a..b@example.org' is no mail address"),
        ("email", MAIL | {"from": ".a@example.org"}, "is no mail address"),
        ("email", MAIL | {"auth_username": "ann", "auth_password_file": "exotic"}, "auth_password_file: "),
        ("email", MAIL | {"auth_username": "änn", "auth_password_file": "secret"}, "auth_username: holds characters outside ASCII"),
        ("webhook", HOOK | {"http_config": {"authorization": {"credentials_file": "exotic"}}}, "/exotic holds characters outside ASCII"),
        ("email", MAIL | {"to": "a@b.example\nBcc: c@d.example"}, "is no mail address"),
        ("email", MAIL | {"from": "a@b.example, c@d.example"}, "more than one sender"),
        ("email", MAIL | {"smarthost": "mail.example.org"}, "is no HOST:PORT"),
        ("email", MAIL | {"smarthost": "mail.example.org:70000"}, "is no HOST:PORT"),
        ("email", MAIL | {"auth_username": "ann"}, "one of user name and password file alone"),
        ("console", {"colour": True}, "unknown field"),
    ],
)
def test_values_that_cannot_work_are_found_at_the_start(tmp_path: Path, kind: str, item: dict[str, Any], said: str) -> None:
    """Nobody learns at three in the morning that an address was wrong."""
    (tmp_path / "secret").write_text("x")
    (tmp_path / "exotic").write_text("пароль", encoding="utf-8")
    text = yaml.safe_dump({"route": {"receiver": "ops"}, "receivers": [{"name": "ops", f"{kind}_configs": [item]}]})

    found = complaint(tmp_path, text)

    assert said in found
    assert "hooks.example.org/a" not in found and ":pw@" not in found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("[1, 2]", ":1: must be a mapping"),
        ("route: {receiver: a\nreceivers: []", ":2: not YAML"),
        ("receivers: [{name: a, console_configs: [{}]}]", "route: missing"),
        ("route: {receiver: b}\nreceivers: [{name: a, console_configs: [{}]}]", "no receiver 'b'\n  → one of a"),
        ("route: {receiver: a}\nreceivers: [{name: a, console_configs: [{}, {}]}]", "the same address again: console"),
        ("route: {receiver: a}\nreceivers: [{name: a, console_configs: [{}]}, {name: a, console_configs: [{}]}]", "a second receiver 'a'"),
        ("route: {receiver: a, receiver: a}\nreceivers: [{name: a, console_configs: [{}]}]", "given twice"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path: Path, text: str, said: str) -> None:
    """Whatever stands in the file, the answer is a sentence with a place, never a trace."""
    assert said in complaint(tmp_path, text)

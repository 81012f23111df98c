"""What every channel of CHANNELS must do, whatever it reaches people by. A new one needs a far side in FAR_SIDES."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from alerting import message
from alerting.channels import CHANNELS
from alerting.channels.channel import Channel
from alerting.channels.console import Console, ConsoleConfig
from alerting.channels.mail import EmailConfig, Mail
from alerting.channels.webhook import Webhook, WebhookConfig
from alerting.message import Notification
from logverse.alert import Alert
from logverse.errors import Refused, TryAgain
from tests.alerting.stand_ins import HttpServer, MailServer, alert

HOSTILE = "\x1b[31m\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>‮ ​ \x00 %s ${x} {{x}} é漢" + "A" * 5000


@dataclasses.dataclass
class FarSide:
    """A channel and the other end of it: what people saw there, and how to make it busy or say no."""

    channel: Channel
    shown: Callable[[], list[str]]  # the lines that people saw, of all messages
    refuse: Callable[[], object]
    be_busy: Callable[[], object] | None = None  # None: this one never is


@contextmanager
def console() -> Iterator[FarSide]:
    out = io.StringIO()
    yield FarSide(Console(ConsoleConfig(), lambda: out), lambda: out.getvalue().splitlines(), refuse=out.close)


@contextmanager
def webhook() -> Iterator[FarSide]:
    with HttpServer().serving() as server:
        yield FarSide(
            Webhook(WebhookConfig(url=server.url)),
            lambda: [line for each in server.requests for line in each.body["alerts"][0]["annotations"]["description"].split("\n")],
            refuse=lambda: server.answers.append((400, {}, b"no")),
            be_busy=lambda: server.answers.append((503, {}, b"later")),
        )


@contextmanager
def email() -> Iterator[FarSide]:
    with MailServer().serving() as server:
        config = EmailConfig("ops@example.org", "logverse@example.org", server.smarthost, require_tls=False)

        def answer(said: str) -> None:
            server.answer, server.at = said, "DATA"

        def shown() -> list[str]:
            texts = [body.get_content() for mail in server.mails if (body := mail.get_body(("plain",)))]
            return [line for text in texts for line in text.replace("\r\n", "\n").split("\n")]

        yield FarSide(Mail(config, "ops@example.org"), shown, lambda: answer("554 no"), lambda: answer("451 later"))


FAR_SIDES: dict[str, Callable[[], AbstractContextManager[FarSide]]] = {"console": console, "webhook": webhook, "email": email}


@pytest.fixture(params=CHANNELS)
def far_side(request: pytest.FixtureRequest) -> Iterator[FarSide]:
    with FAR_SIDES[request.param]() as found:
        yield found


def notification(about: Alert, channel: Channel) -> Notification:
    return Notification(about, "ops", channel.name)


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_people_see_the_message(far_side: FarSide, status: str) -> None:
    """What is sent arrives: the headline and every line below it."""
    about = alert(status)  # type: ignore[arg-type]

    far_side.channel.send(notification(about, far_side.channel))

    seen = [line.strip() for line in far_side.shown()]
    assert [line for line in message.text(about).split("\n") if line.strip() not in seen] == []


def test_a_far_side_that_says_no_is_refused(far_side: FarSide) -> None:
    """A message that the far side does not want is not tried again."""
    far_side.refuse()

    with pytest.raises(Refused):
        far_side.channel.send(notification(alert(), far_side.channel))


def test_a_busy_far_side_is_tried_again(far_side: FarSide) -> None:
    """A far side that is busy now has nothing yet, and gets the same message when it is asked again."""
    if far_side.be_busy is None:
        assert isinstance(far_side.channel, Console), "only a console is never busy"
        return
    far_side.be_busy()

    with pytest.raises(TryAgain):
        far_side.channel.send(notification(alert(), far_side.channel))


def test_log_text_is_never_obeyed(far_side: FarSide) -> None:
    """Attackers' text in any place of an alert arrives as visible characters."""
    about = alert(
        rule=HOSTILE, severity=HOSTILE, group={"user_agent.original": HOSTILE}, sentence=HOSTILE, sample=HOSTILE,
        labels={HOSTILE: HOSTILE}, annotations={"runbook": HOSTILE}, reason=HOSTILE,
    )  # fmt: skip

    far_side.channel.send(notification(about, far_side.channel))

    assert far_side.shown()
    assert [line for line in far_side.shown() if not line.isprintable()] == []


def test_the_name_of_a_channel_outlives_a_restart(far_side: FarSide) -> None:
    """The idempotency key depends on the address alone: the same configuration read again gives the same key, without a secret in it."""
    again = dataclasses.replace(far_side.channel)  # type: ignore[type-var]

    assert notification(alert(), again).key == notification(alert(), far_side.channel).key
    assert "s3cret" not in far_side.channel.name + repr(far_side.channel)


@pytest.mark.parametrize("kind", CHANNELS)
def test_whether_ends_are_told_is_a_setting(kind: str) -> None:
    """Every channel has `send_resolved`, as Alertmanager's have."""
    fields = {item.name: item.type for item in dataclasses.fields(CHANNELS[kind].config)}

    assert fields["send_resolved"] == "bool"

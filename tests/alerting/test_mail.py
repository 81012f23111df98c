"""Mail, against a real SMTP server on loopback."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from alerting.channels.mail import EMAIL, EmailConfig, Mail, mail_of
from alerting.message import Notification, moment
from logverse.errors import Refused, TryAgain
from tests.alerting.stand_ins import NOON, MailServer, alert, trusting

TO = "ops@example.org"


def config(server: MailServer, **more: object) -> EmailConfig:
    return EmailConfig(**{"to": TO, "from_": "LogVerse <log@example.net>", "smarthost": server.smarthost, "require_tls": False, **more})  # type: ignore[arg-type]


def firing() -> Notification:
    return Notification(alert(), "ops", f"email/{TO}")


def test_a_mail_has_all_that_mail_programs_need() -> None:
    """Sender, receiver, date, an id from the idempotency key, and no reason for an out-of-office answer."""
    with MailServer().serving() as server:
        Mail(config(server), TO, clock=lambda: NOON).send(firing())

    (mail,) = server.mails
    assert (mail["From"], mail["To"], mail["Auto-Submitted"]) == ("log@example.net", TO, "auto-generated")
    assert mail["Subject"] == "FIRING critical · web · 5xx share is 18.4 % (limit 5 %) · since 12:00:00 UTC"
    assert mail["Message-ID"] == f"<{firing().key}@example.net>"
    assert parsedate_to_datetime(mail["Date"]) == moment(NOON)


def test_the_end_answers_the_mail_about_the_beginning() -> None:
    """Mail programs show both in one thread."""
    end = Notification(alert("resolved"), "ops", f"email/{TO}", told_by=firing().key)

    mail = mail_of(end, "log@example.net", TO, NOON)

    assert mail["In-Reply-To"] == mail["References"] == f"<{firing().key}@example.net>"
    assert mail["Message-ID"] != mail["References"]


def test_no_header_can_be_smuggled_in() -> None:
    """A line break in a log line, a group or a sentence adds no header, no receiver and no part; markup stays text."""
    evil = "x\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>"
    with MailServer().serving() as server:
        Mail(config(server), TO).send(Notification(alert(sentence=evil, service=evil, sample=evil, rule=evil), "ops", "email"))

    (mail,) = server.mails
    html = mail.get_body(("html",))
    assert html
    assert sorted(mail) == sorted(["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"])
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "<script>" not in html.get_content()
    assert "&lt;script&gt;" in html.get_content()


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
@pytest.mark.parametrize(("answer", "error"), [("451 busy", TryAgain), ("450 greylisted", TryAgain), ("550 no such user", Refused)])
def test_the_servers_answer_decides(at: str, answer: str, error: type[Exception]) -> None:
    """4xx is for now, 5xx is for good, wherever in the conversation it comes; the server's words are in the error."""
    with MailServer().serving() as server, pytest.raises(error, match=answer.split()[0]):
        server.answer, server.at = answer, at
        Mail(config(server), TO).send(firing())


@pytest.mark.parametrize("at", ["RCPT", "DATA"])
def test_a_connection_that_breaks_is_tried_again(at: str) -> None:
    """A server that hangs up in the middle has not said no."""
    with MailServer().serving() as server, pytest.raises(TryAgain):
        server.answer, server.at = "", at
        Mail(config(server), TO).send(firing())


def test_a_server_that_is_away_is_tried_again() -> None:
    """Nobody at the address means later."""
    with MailServer().serving() as server:
        gone = config(server)

    with pytest.raises(TryAgain):
        Mail(gone, TO).send(firing())


def test_tls_comes_before_the_password(tmp_path: Path) -> None:
    """STARTTLS, then the password from its file; a wrong password is tried again, since it may be in rotation."""
    file = tmp_path / "password"
    file.write_text("right\n")
    with MailServer(tls=True, password="right").serving() as server:
        mail = Mail(config(server, require_tls=True, auth_username="ann", auth_password_file=str(file)), TO, tls=trusting)
        mail.send(firing())
        file.write_text("wrong\n")
        with pytest.raises(TryAgain, match="535"):
            mail.send(firing())

    assert len(server.mails) == 1


def test_a_certificate_that_nobody_vouches_for_gets_no_mail() -> None:
    """An unknown certificate is no answer: tried again, since it may be mended; nothing is sent meanwhile."""
    with MailServer(tls=True).serving() as server, pytest.raises(TryAgain, match="certificate"):
        Mail(config(server, require_tls=True), TO).send(firing())

    assert server.mails == []


def test_without_tls_only_when_asked_for() -> None:
    """A server that offers no STARTTLS is refused unless `require_tls: false`."""
    with MailServer().serving() as server, pytest.raises(Refused, match="STARTTLS"):
        Mail(config(server, require_tls=True), TO, tls=trusting).send(firing())

    assert server.mails == []


def test_each_address_is_a_channel() -> None:
    """One address that refuses does not hide behind the others."""
    channels = EMAIL.channels(EmailConfig("Ann <ann@a.example>, bob@b.example, ann@a.example", "log@example.net", "mail.example.net:25"))

    assert [channel.name for channel in channels] == ["email/ann@a.example", "email/bob@b.example"]

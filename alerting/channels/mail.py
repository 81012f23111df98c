"""Channel `email`: a mail to one address by SMTP, text and HTML; the end of an alert answers the mail about its beginning."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from html import escape

from alerting import message
from alerting.channels.channel import Channel, Kind, ascii_secret, demand_ascii
from alerting.message import Notification
from logverse import instant
from logverse.errors import Refused, TryAgain, WrongSettings
from logverse.instant import Millis
from logverse.printable import printable

_TIMEOUT_S = 10.0  # for each step of the conversation
_IMPLICIT_TLS = 465  # the port where TLS comes first, as Alertmanager has it
_SUBJECT = 200
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)
_SMARTHOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class EmailConfig:
    """An item of `email_configs`. Each address in `to` is a channel of its own: one that refuses does not hide behind the others."""

    to: str
    from_: str
    smarthost: str
    auth_username: str = ""
    auth_password_file: str = field(default="", metadata={"file": True})
    require_tls: bool = True
    send_resolved: bool = False  # Alertmanager's default for mail

    def __post_init__(self) -> None:
        for where, text in (("to", self.to), ("from", self.from_)):
            if not text.isprintable() or not addresses(text) or not all(map(_writable, addresses(text))):
                raise WrongSettings(f"{text!r} is no mail address", where=where, remedy="like ops@example.org")
        if len(addresses(self.from_)) != 1:
            raise WrongSettings("more than one sender", where="from", remedy="keep one address")
        found = _SMARTHOST.fullmatch(self.smarthost)
        if not found or not 0 < int(found[2]) < 65_536:
            raise WrongSettings(f"{self.smarthost!r} is no HOST:PORT", where="smarthost", remedy="like smtp.example.org:587")
        if bool(self.auth_username) != bool(self.auth_password_file):
            raise WrongSettings("one of user name and password file alone", where="auth_username", remedy="give both or neither")
        if not self.auth_username.isascii():
            raise WrongSettings(
                "holds characters outside ASCII, which SMTP cannot carry", where="auth_username", remedy="take an ASCII one"
            )
        if self.auth_password_file:
            demand_ascii(self.auth_password_file, where="auth_password_file")


@dataclass(frozen=True)
class Mail:
    """A mail to `to`. 4xx answers and a connection that fails are TryAgain; 5xx answers and a server without STARTTLS are Refused.

    A user name or password that the server does not take is TryAgain: it may be in rotation.
    """

    config: EmailConfig
    to: str
    clock: Callable[[], Millis] = instant.now
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context

    @property
    def name(self) -> str:
        return f"email/{self.to}"

    @property
    def send_resolved(self) -> bool:
        return self.config.send_resolved

    def send(self, notification: Notification) -> None:
        sender = addresses(self.config.from_)[0]
        mail = mail_of(notification, sender, self.to, self.clock())
        try:
            server = self._connected()
            try:
                server.send_message(mail, sender, [self.to])
                with suppress(smtplib.SMTPException, OSError):  # it has the mail: how it says goodbye does not matter
                    server.quit()
            finally:
                server.close()
        except smtplib.SMTPRecipientsRefused as error:
            raise _answer(*error.recipients[self.to]) from error
        except smtplib.SMTPAuthenticationError as error:  # a password is exchanged here and there, not at both in one moment
            raise TryAgain(f"{_answer(error.smtp_code, error.smtp_error)} to our user name and password") from error
        except smtplib.SMTPResponseException as error:
            raise _answer(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(f"{self.config.smarthost}: {error}") from error
        except (OSError, smtplib.SMTPException) as error:  # OSError: no connection, time-outs, TLS
            raise TryAgain(f"{self.config.smarthost}: {printable(error) or type(error).__name__}") from error

    def _connected(self) -> smtplib.SMTP:
        host, _, port = self.config.smarthost.rpartition(":")
        host = host.strip("[]")
        if int(port) == _IMPLICIT_TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, int(port), "localhost", timeout=_TIMEOUT_S, context=self.tls())
        else:
            server = smtplib.SMTP(host, int(port), "localhost", timeout=_TIMEOUT_S)
        try:
            if self.config.require_tls and int(port) != _IMPLICIT_TLS:
                server.starttls(context=self.tls())
            if self.config.auth_username:
                server.login(self.config.auth_username, ascii_secret(self.config.auth_password_file))
        except BaseException:
            server.close()
            raise
        return server


def mail_of(notification: Notification, sender: str, to: str, at: Millis) -> EmailMessage:
    """The mail; a Message-ID made from the idempotency key lets mail servers and people see a repetition as one."""
    domain = sender.rpartition("@")[2]
    mail = EmailMessage(SMTP)
    mail["From"], mail["To"] = Address(addr_spec=sender), Address(addr_spec=to)
    first, below = message.lines(notification)
    mail["Subject"] = first[:_SUBJECT]
    mail["Date"] = format_datetime(message.moment(at))
    mail["Message-ID"] = f"<{notification.key}@{domain}>"
    if notification.told_by:
        mail["In-Reply-To"] = mail["References"] = f"<{notification.told_by}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    rest = "\n".join(below)
    mail.set_content(f"{first}\n\n{rest}\n")
    mail.add_alternative(f"<p><strong>{escape(first)}</strong></p>\n<pre>{escape(rest)}</pre>\n", subtype="html")
    return mail


def addresses(text: str) -> list[str]:
    """The bare addresses of a list like `Ops <ops@example.org>, chief@example.org`."""
    return list(dict.fromkeys(address for _, address in getaddresses([text])))


def _writable(address: str) -> bool:
    """Whether a mail's header takes this address: `a..b@example.org` looks like one and is none."""
    try:
        Address(addr_spec=address)
    except (ValueError, MessageError):
        return False
    return _ADDRESS.fullmatch(address) is not None


def _answer(code: int, said: bytes | str) -> TryAgain | Refused:
    """What a server's answer asks for: RFC 5321 section 4.2.1, 4yz is for now and 5yz for good."""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    kind = Refused if code >= 500 else TryAgain  # -1: the connection broke where an answer was due
    return kind(f"the mail server answered {code} {printable(text)[:200]}")


def _channels(config: EmailConfig) -> Sequence[Channel]:
    return [Mail(config, to) for to in addresses(config.to)]


EMAIL = Kind(EmailConfig, _channels)

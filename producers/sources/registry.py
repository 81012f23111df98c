"""The kinds of source. To add one: one file beside this, one line below, and its scheme in `addresses`."""

from __future__ import annotations

from collections.abc import Callable

from logverse.errors import WrongSettings
from producers.sources.adoption import Adoption
from producers.sources.file_source import FileSource
from producers.sources.files import Files
from producers.sources.given import Given
from producers.sources.kafka_topic import on_kafka
from producers.sources.source import Source
from producers.sources.stdin import StandardInput
from producers.sources.syslog import Syslog


def _files(given: Given) -> Source:
    adoption = Adoption(given.order.service, given.checkpoint.host, given.checkpoint.texts, given.clock)
    files = Files(given.order.addresses, adoption, given.checkpoint, given.follow, given.clock, given.account, given.say)
    for pattern in files.missing() if given.follow else ():
        given.say(f"{pattern} does not exist yet: waiting for it")
    return FileSource(files, given.translator, given.checkpoint, given.clock)


def _otlp(given: Given) -> Source:
    try:
        from producers.sources.otlp import Otlp  # grpcio takes 20 MB, which nobody else wants
    except ImportError as error:
        raise WrongSettings(f"{error.name} is not installed", where=given.address.text, remedy="pip install 'logverse[otlp]'") from error
    return Otlp(given)


SOURCES: dict[str, Callable[[Given], Source]] = {
    "files": _files,
    "stdin": StandardInput,
    "syslog": Syslog,
    "otlp": _otlp,
    "kafka": on_kafka,
}

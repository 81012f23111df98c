"""`logverse alerts mark`: what people say of an alert, for detectors to learn from and others to read."""

from __future__ import annotations

from collections.abc import Iterator

import click

from logverse import instant
from logverse import settings as settings_
from logverse.cli.who import by_option, you
from logverse.errors import Malformed, Refused
from logverse.feedback import MARKS, Feedback, Mark, standing
from logverse.printable import printable
from logverse.settings import Settings

_MEANS = {
    "normal": "it is as it should be: detectors take this level for usual from now on",
    "known": "right, and somebody knows why: detectors go on expecting what was usual before",
    "important": "right, and never to be taken for usual, however long it lasts",
}


@click.command()
@click.argument("beginning", metavar="ID|FINGERPRINT")
@click.argument("verdict", type=click.Choice(MARKS))
@click.option("--note", default="", metavar="TEXT", help="Why; shown with the mark.")
@click.option("--undo", is_flag=True, help="Take the last mark of this kind back.")
@by_option
@click.pass_obj
def mark(flags: dict[str, str | None], /, beginning: str, verdict: Mark, note: str, undo: bool, by: str | None) -> None:
    """Say of an alert what it was: it holds for this rule and group, today and next week.

    \b
    normal      it is as it should be: detectors take this level for usual at once
    known       right, and somebody knows why: nothing is learnt from it
    important   right, and never to be taken for usual

    Rules with fixed thresholds learn nothing; the mark is kept beside their alerts all the same (`alerts show`).

    \b
    logverse alerts mark 5f0c normal --note "two new servers since Monday"
    logverse alerts mark 5f0c normal --undo
    """
    from alerting import message, story
    from logverse.topic_writer import write

    settings = settings_.load(flags)
    alert = story.find(beginning.lower(), story.alerts_in(values(settings, "alerts"))).latest
    word = Feedback(alert.fingerprint, verdict, by or you(), instant.now(), note, undo, alert.rule, dict(alert.group))
    if undo and not any(one.verdict == verdict for one in marks(settings).get(alert.fingerprint, [])):
        raise Refused(f"nobody marked it {verdict}\n  → logverse alerts show {alert.id[: message.SHOWN_ID]} tells its marks")
    write(settings, "feedback", [(word.fingerprint, word.to_json())])
    about = printable(f"{alert.rule} of {', '.join(alert.group.values()) or 'all services'}")
    click.echo(f"{about}: not {verdict} any more" if undo else f"{about}: {verdict}, {_MEANS[verdict]}")


def marks(settings: Settings) -> dict[str, list[Feedback]]:
    """The marks that stand, by fingerprint; what is no feedback is left out."""
    return standing(_feedback(settings))


def _feedback(settings: Settings) -> Iterator[Feedback]:
    for value in values(settings, "feedback"):
        try:
            yield Feedback.from_json(value or b"")
        except Malformed:
            continue


def values(settings: Settings, topic: str) -> Iterator[bytes | None]:
    """The values of a topic's records up to its end as of now."""
    from logverse import topics
    from logverse.topic_reader import read_to_end

    return (message.value() for message in read_to_end(settings, topics.named(topic, settings.topic_prefix)))

"""A replay from its beginning to its report: gather, sort, send to topics of its own, let the job judge, tell what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from logverse import durations, instant
from logverse.cli.replay_progress import Memory, Progress
from logverse.cli.replay_runs import Run, begun, report_path
from logverse.errors import WrongSettings
from logverse.settings import Settings
from logverse.topics import TOPICS, Topic, named

if TYPE_CHECKING:
    from pathlib import Path

    from flink_jobs.replay.episodes import Course
    from flink_jobs.replay.running import Running
    from flink_jobs.replay.watching import Judged
    from flink_jobs.settings import JobSettings
    from logverse.cli.replay_sources import FromBackup, FromFiles, FromHistory, Gathered
    from logverse.rule import Rule

# What a replay's job reads and writes, one partition each: one order of time, one order of results.
USED = (
    "logs.http", "logs.error", "logs.activity", "logs.late", "summaries", "rules", "rules.status", "alerts", "alerts.state",
    "anomalies", "feedback", "models", "inventory", "templates",
)  # fmt: skip
READ_FROM = "logs.http"  # where all events go; the job reads all three log topics and looks at what stands in the records
NICE = 10


def check_rules(rules: Sequence[Rule]) -> None:
    """WrongSettings when one of them could never fire: no graph shows it what it is about."""
    from flink_jobs.rules.reach import Reach

    reach = Reach.of(rules)
    refused = [f"rule {rule.name}: {reason}" for rule in rules if (reason := reach.refusal(rule))]
    if refused:
        raise WrongSettings("\n".join(["not all rules can be judged", *refused]), remedy="logverse rules check FILE")


def replay(settings: Settings, source: FromFiles | FromHistory | FromBackup, rules: Sequence[Rule], progress: Progress) -> dict[str, Any]:
    """The report, which is saved too. TryAgain, Refused, WrongSettings; whatever happens, nothing of it is left running or in Kafka.

    Its `result` is a function of the events and the rules; `run` says what it took.
    """
    from deploy.topic_removal import remove
    from deploy.topics import create
    from flink_jobs.replay.running import Running

    java, connector = _java()  # whatever can be wrong, before hours of reading
    with suppress(OSError):
        os.nice(NICE)  # what is live goes first; the job's processes inherit it
    memory = Memory()
    with begun(settings, remove, progress.say) as run:
        create(run.settings, only=_topics(run.settings.topic_prefix))
        progress.step("reading")
        told = lambda count: progress.show(lambda: f"{count:,} events")  # noqa: E731
        gathered = source.gather(settings, run.folder, progress.say, told)
        job = Running(_job(run.settings, rules), java, connector, run.folder / "job")
        result = _result(gathered, rules, *_judged(run, job, gathered, rules, progress, memory))
        progress.step("")
        path = report_path(settings, run.name)
        report = {"result": result, "run": _took(run, gathered, progress, memory) | {"report": str(path)}}
        path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    return report


def _java() -> tuple[Path, Path]:
    """Its home, and Kafka's connector for Flink. WrongSettings when something is not installed."""
    from deploy.local.jars import jars_of
    from deploy.local.java import java_home
    from flink_jobs.submit import pyflink

    pyflink()
    return java_home(), jars_of("flink")[0]


def _judged(
    run: Run, job: Running, gathered: Gathered, rules: Sequence[Rule], progress: Progress, memory: Memory
) -> tuple[list[Course], dict[str, int]]:
    """The course of each rule, and counts of what the job has seen."""
    from flink_jobs.replay.episodes import Episodes
    from flink_jobs.replay.watching import Judged, written
    from producers.replay.sending import send

    spool = gathered.spool
    episodes, judged = Episodes(rules, spool.last or 0), Judged()
    if len(spool):
        progress.step("sending")
        topic = named(READ_FROM, run.settings.topic_prefix)
        send(run.settings, topic, spool, lambda count: progress.show(lambda: f"{count:,} of {len(spool):,} events"))
        progress.step("judging")
        with job:
            job.start()
            for record in written(run.settings, job.over):
                if record is not None:
                    judged.take(*record, episodes)
                memory.look(job.pid)
                progress.show(lambda: _where(judged, len(spool)))
    seen = {"judged": judged.events, "cut_seconds": judged.cut, "late_to_the_job": judged.late, "seconds": judged.seconds}
    return episodes.finish(), seen


def _where(judged: Judged, of: int) -> str:
    if not judged.at:
        return "the job starts"
    return f"{judged.events:,} of {of:,} events, at {instant.written(judged.at)[:19]}"


def _topics(prefix: str) -> dict[str, Topic]:
    return {named(name, prefix): replace(TOPICS[name], partitions=1) for name in USED}


def _job(settings: Settings, rules: Sequence[Rule]) -> JobSettings:
    from flink_jobs.settings import JobSettings
    from logverse.kafka import java_properties

    return JobSettings(
        kafka=java_properties(settings), topic_prefix=settings.topic_prefix, job_name=named("detect", settings.topic_prefix),
        parallelism=1, bounded=True, rules=tuple(rules),
    )  # fmt: skip


def _result(gathered: Gathered, rules: Sequence[Rule], courses: Iterable[Course], seen: dict[str, int]) -> dict[str, Any]:
    first, last = gathered.spool.first, gathered.spool.last
    span = 0 if first is None or last is None else last - first
    found = [_of_rule(course, span) for course in courses]
    fired = sum(one["fired"] for one in found)
    return {
        **gathered.facts, "problems": gathered.problems,
        "replayed": len(gathered.spool), **seen,
        "first": None if first is None else instant.written(first), "last": None if last is None else instant.written(last),
        "span_s": span / 1000, "fired": fired, "alerts_a_day": _a_day(fired, span),
        "paused": [rule.name for rule in rules if not rule.runs], "rules": found,
    }  # fmt: skip


def _of_rule(course: Course, span: int) -> dict[str, Any]:
    return {
        "rule": course.rule.name, "type": course.rule.type, "severity": course.rule.severity, "revision": course.rule.revision,
        "fired": course.fired, "alerts_a_day": _a_day(course.fired, span), "firing_s": course.firing_ms / 1000,
        "longest_s": course.longest_ms / 1000, "after_the_end": course.after_the_end,
        "episodes": [one.plain() for one in course.episodes],
    }  # fmt: skip


def _a_day(count: int, span: int) -> float:
    from flink_jobs.replay.episodes import a_day

    return round(a_day(count, span), 2)


def _took(run: Run, gathered: Gathered, progress: Progress, memory: Memory) -> dict[str, Any]:
    seconds = {name: round(value, 1) for name, value in progress.seconds.items()}
    whole = sum(progress.seconds.values())
    return {
        "name": run.name, "at": instant.written(instant.now()), "what": gathered.what, "seconds": seconds, "took_s": round(whole, 1),
        "took": durations.said(int(whole * 1000)), "lines_per_s": round(gathered.lines / whole) if whole else 0,
        "read_lines_per_s": _rate(gathered.lines, progress.seconds.get("reading")),
        "judged_events_per_s": _rate(len(gathered.spool), progress.seconds.get("judging")),
        "own_mib": round(memory.own_mib), "job_mib": round(memory.job_mib),
    }  # fmt: skip


def _rate(count: int, seconds: float | None) -> int:
    return round(count / seconds) if seconds else 0

"""The forms of log line that producers read. To add one: one file beside this, one line in PARSERS."""

from __future__ import annotations

from collections.abc import Callable

from producers.parsers.access import AccessLog
from producers.parsers.application import HEADS, Application
from producers.parsers.container import Cri, DockerJson
from producers.parsers.csv_log import Csv
from producers.parsers.json_log import JsonLog
from producers.parsers.logfmt import Logfmt
from producers.parsers.parsed import Parsed, Parser
from producers.parsers.plain import Plain
from producers.parsers.postgresql import PostgreSQL
from producers.parsers.syslog import Syslog
from producers.parsers.web_errors import ApacheError, NginxError
from producers.routes import Routes

__all__ = ["PARSERS", "Parsed", "Parser"]

# In the order in which `auto` prefers them when two understand the same lines: the more particular first.
PARSERS: dict[str, Callable[[Routes], Parser]] = {
    "access": AccessLog,  # nginx and Apache: combined and common, with or without the request's duration
    "cri": Cri,  # Kubernetes' container logs: whatever form the program writes, joined where the runtime cut it
    "docker": DockerJson,  # Docker's json-file: the same
    "json": JsonLog,  # one object a line, OpenTelemetry's or ECS's names
    "syslog": Syslog,  # RFC 3164 and 5424, with or without priority; sshd, sudo, systemd, cron understood
    "nginx-error": NginxError,
    "apache-error": ApacheError,
    "postgresql": PostgreSQL,
    "zookeeper": lambda _: Application(HEADS["zookeeper"]),
    "hdfs": lambda _: Application(HEADS["hdfs"]),
    "python": lambda _: Application(HEADS["python"]),  # logging, loguru, gunicorn, celery, with tracebacks
    "java": lambda _: Application(HEADS["java"]),  # log4j, logback, Spring Boot, Tomcat, with stack traces
    "go": lambda _: Application(HEADS["go"]),  # log, glog, zap, with panics
    "logfmt": Logfmt,
    "csv": Csv,  # with a header
    "node": lambda _: Application(HEADS["node"]),  # winston, log4js, pino-pretty, or any text behind a time
    "plain": Plain,  # anything: the line is the body
}

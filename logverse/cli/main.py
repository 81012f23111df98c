"""The entry of the `logverse` command: the table of verbs, global flags, and errors without stack traces."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from logverse import __version__
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings
from logverse.printable import printable

# verb → (module with the command of that name, what `--help` says). Kept here so that --help imports no verb.
VERBS: dict[str, tuple[str, str]] = {
    "up": ("stack", "Start Kafka, Cassandra and Flink on this machine and keep them running."),
    "down": ("stack", "Stop them; --wipe deletes their data too."),
    "status": ("stack", "What runs, where, since when."),
    "doctor": ("stack", "Check this machine and the stack; each finding with its remedy."),
    "logs": ("stack", "Show the log of one of the processes."),
    "topics": ("topics", "Create, verify and list the Kafka topics."),
    "schema": ("schema", "Bring the tables of the history to what this version works with."),
    "produce": ("produce", "Send log lines as events: of files, a pipe, senders, a topic."),
    "masking": ("masking", "Write, check and try the policy of what must not leave this host."),
    "parse": ("parse", "Show what log lines become, and why one fails."),
    "replay": ("replay", "Judge old logs by rules: what would have fired; or feed them to a live stack."),
    "simulate": ("simulate", "Write believable log files with labelled faults."),
    "job": ("job", "Submit, list, watch and stop the Flink jobs."),
    "rules": ("rules", "Check, apply, pause and list the rules."),
    "alerts": ("alerts", "List, show and mark alerts; deliver them to people."),
    "train": ("train", "Let detectors learn from the history before they judge."),
    "sources": ("sources", "Who is expected to be heard of: list, expect, forget."),
    "patterns": ("patterns", "What kinds of lines the services write: list, show, name, ignore."),
    "query": ("query", "Ask the history: log lines, alerts, anomalies, how rates went."),
    "account": ("account", "What became of every record: stored, by policy, dead, pending, missing."),
    "dlq": ("dlq", "List, show and replay what could not become an event."),
    "backup": ("backup", "Archive what Kafka has, and prove that it is complete."),
    "storage": ("storage", "How much the store holds, and for how long."),
    "restore": ("restore", "Bring archived records back: into a view, the store, topics, files."),
    "config": ("config", "Show the settings in force and where they come from."),
}


class Verbs(click.Group):
    """Looks a verb up in VERBS and imports its module only then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module = importlib.import_module(f"logverse.cli.{VERBS[name][0]}")
        command: click.Command = getattr(module, name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, about) for name, (_, about) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__)
@click.option("--home", metavar="DIR", help="Folder of the embedded stack.  [LOGVERSE_HOME, default ~/.logverse]")
@click.option("--bootstrap-servers", metavar="HOST:PORT", help="Kafka, when not the embedded one.")
@click.option("--topic-prefix", metavar="NAME", help="Work on the topics NAME.logs.http, NAME.alerts, …")
@click.pass_context
def logverse(ctx: click.Context, /, **flags: str | None) -> None:
    """Real-time log analysis that people trust with their pager.

    \b
    A first look:   make demo
    Your own log:   logverse up
                    logverse topics create
                    logverse rules apply
                    logverse job submit detect
                    logverse produce /var/log/nginx/access.log --service web
    """
    ctx.obj = flags


def main(arguments: list[str] | None = None) -> None:
    """Run the command; a user's mistake ends in one message and exit code 2, a far side's trouble in 1."""
    try:
        code: Any = logverse.main(args=arguments, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (WrongSettings, Malformed) as error:
        _complain(error, 2)
    except (TryAgain, Refused) as error:
        _complain(error, 1)
    except OSError as error:  # a path of the user's that no verb looked at more closely
        if error.filename is None:
            raise
        _complain(WrongSettings(error.strerror or type(error).__name__, where=str(error.filename)), 2)


def _complain(error: Exception, code: int) -> None:
    shown = "\n".join(map(printable, str(error).split("\n")))  # what was refused may quote a log line
    click.echo(f"{click.style('error', fg='red', bold=True)}: {shown}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()

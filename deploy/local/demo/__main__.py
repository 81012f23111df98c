"""`python -m deploy.local.demo [--once] [--logs=PATH]`: what `make demo` and `make demo-once` run."""

from __future__ import annotations

import signal
import sys
import time

import click

from deploy.local.demo.fault import FaultStory
from deploy.local.demo.own_log import OwnLogStory
from deploy.local.demo.screen import Screen
from deploy.local.demo.stage import Stage, home_of_the_demo
from logverse.errors import Malformed, Refused, TryAgain, WrongSettings


@click.command()
@click.option("--once", is_flag=True, help="End when the alert is over (with --logs: when what is in the file has been judged).")
@click.option("--logs", metavar="PATH", help="Follow this log (a file or a glob) instead of simulated ones.")
def demo(once: bool, logs: str | None) -> int:
    """From a log file to an explained alert on this machine, with Kafka and Flink of its own, in ~/.logverse-demo or LOGVERSE_HOME."""
    began = time.monotonic()
    screen = Screen(sys.stdout, time.monotonic)
    stage = Stage(home_of_the_demo(), screen)
    story = FaultStory(stage, screen, began) if logs is None else OwnLogStory(stage, screen, logs)
    try:
        with stage.held():
            story.tell(once)
    except KeyboardInterrupt:
        return 130 if once else 0  # without --once this is how it ends
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """0 when all went well, 2 for a mistake in what was typed or set, 130 when stopped before the end of --once, 1 for the rest."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        code: int = demo(standalone_mode=False)
        return code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (WrongSettings, Malformed) as error:
        return _complain(error, 2)
    except (TryAgain, Refused) as error:
        return _complain(error, 1)


def _complain(error: Exception, code: int) -> int:
    click.echo(f"{click.style('error', fg='red', bold=True)}: {error}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())

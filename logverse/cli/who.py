"""Who says something: by default whoever runs the command, as this machine calls them."""

from __future__ import annotations

import os
import pwd

import click

by_option = click.option("--by", metavar="WHO", help="Who says so.  [default: you, as this machine calls you]")


def you() -> str:
    """The name of the user; of one without a name (a container's) the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"

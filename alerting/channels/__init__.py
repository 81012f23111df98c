"""Ways to reach people. To add one: one file beside this, one line below.

In `alerting.yaml` a receiver lists the channels of kind NAME under `NAME_configs`, as Alertmanager does.
"""

from __future__ import annotations

from alerting.channels.channel import Kind
from alerting.channels.console import CONSOLE
from alerting.channels.mail import EMAIL
from alerting.channels.webhook import WEBHOOK

CHANNELS: dict[str, Kind] = {
    "console": CONSOLE,
    "webhook": WEBHOOK,
    "email": EMAIL,
}

"""What must not leave this host: found by pattern or by field, then masked, hashed with a key, or dropped, before Kafka.

The kinds of text that are found by pattern. To add one: one file beside this, one line in PATTERNS. They run in this order.
"""

from __future__ import annotations

from producers.masking.card import Card
from producers.masking.ip import Ip
from producers.masking.mail import Mail
from producers.masking.pattern import Pattern
from producers.masking.phone import Phone
from producers.masking.token import Token

PATTERNS: dict[str, Pattern] = {
    "token": Token(),  # first: a password may hold an @, or digits
    "mail": Mail(),
    "card": Card(),
    "phone": Phone(),
    "ip": Ip(),
}

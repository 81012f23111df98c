"""Who asks: people and bots who come, make a few requests one after the other, and leave."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
)
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "curl/8.14.1",
)
SCANNER_AGENT = "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)"
CRAWLER_AGENT = "Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)"
BATCH_AGENT = "python-requests/2.32.5"
# What scanners ask every server for; none of the sites has it.
PROBED = ("/robots.txt", "/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/", "/xmlrpc.php")

BOT_SHARE = 0.06
_CAME_FROM = ("-", "-", "-", "https://www.google.com/", "https://duckduckgo.com/", "https://www.bing.com/")


@dataclass(slots=True)
class Visit:
    """One client's stay: where it comes from, and how many requests it still makes."""

    address: str
    agent: str
    bot: bool
    referer: str
    left: int


class Visitors:
    """The visits that go on at the same time; one that ends makes room for the next."""

    def __init__(self, random: Random, at_once: int) -> None:
        self._random = random
        self._visits = [self._arrival() for _ in range(max(3, at_once))]

    def next(self) -> Visit:
        """The visit that makes the next request."""
        place = int(self._random.random() * len(self._visits))
        visit = self._visits[place]
        if visit.left == 0:
            visit = self._visits[place] = self._arrival()
        visit.left -= 1
        return visit

    def _arrival(self) -> Visit:
        # Few clients come often, most once (Pareto); a client's address and browser follow from its number.
        number = int(20 * self._random.paretovariate(0.6)) % 100_000
        bot = number % 100 < BOT_SHARE * 100
        agent = BOTS[number % len(BOTS)] if bot else PEOPLE[number * 7 % len(PEOPLE)]
        requests = 1 + int(self._random.expovariate(1 / (25 if bot else 9)))
        referer = "-" if bot else _CAME_FROM[int(self._random.random() * len(_CAME_FROM))]
        return Visit(address_of(number), agent, bot, referer, requests)


def address_of(number: int) -> str:
    """A client's address, from the ranges set aside for benchmarks and documentation (RFC 2544, RFC 3849): nobody's.

    >>> address_of(1), address_of(13)
    ('198.18.158.55', '2001:db8:2:d::1')
    """
    if number % 13 == 0:
        return f"2001:db8:{number % 11:x}:{number:x}::1"
    spread = number * 40_503 & 0x1FFFF
    return f"198.{18 + (spread >> 16)}.{spread >> 8 & 255}.{spread & 255}"

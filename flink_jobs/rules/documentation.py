"""`docs/rules.md`, written from the tables that check rules: `python -m flink_jobs.rules.documentation > docs/rules.md`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from flink_jobs.detectors import DETECTORS
from flink_jobs.rules.annotations import NAMES
from flink_jobs.rules.matched import EVENT_FIELDS
from flink_jobs.rules.options import Option
from flink_jobs.rules.schema import about
from flink_jobs.rules.types import RULE_TYPES
from flink_jobs.rules.vocabulary import COMMON, OTHER_WORDS
from logverse.summary import VIEWS

_HEAD = """\
<!-- Written by `python -m flink_jobs.rules.documentation`; tests/flink_jobs/test_rule_documentation.py holds it to the code. -->
# Rules

A rule says what to watch, when it is too much, and what to say then. Rules stand in YAML files, as many as you like; they are put in
force with `logverse rules apply FILE|FOLDER`, while the detect job runs.

```yaml
defaults:                                  # for the rules of this file that do not say otherwise
  owner: team-shop
  labels: {team: shop}
rules:
  - name: checkout-errors
    type: percentage_match
    where: {service.name: checkout}
    match: {http.response.status_code: 5xx}
    max_percentage: 5
    min_count: 20
    window: 60s
    for: 5s
    severity: critical
    runbook_url: https://wiki.example.org/runbooks/{{ rule }}
    description: "{{ service }} fails: {{ actual }} {{ unit }}, more than {{ threshold }} {{ unit }} is too much"
```

| to | run |
|---|---|
| see all that is wrong with files, each with its line and remedy | `logverse rules check rules/` |
| have an editor complete names and mark mistakes | `logverse rules schema > rules.schema.json` (1) |
| try rules on old logs | `logverse rules test shop.yaml --from-history --since 7d` |
| see how files differ from what is in force (exit code 1) | `logverse rules diff rules/` |
| put them in force, and wait until the job confirms it | `logverse rules apply rules/` |
| stop one for a while | `logverse rules pause NAME`, `logverse rules resume NAME` |
| try one on live logs, telling nobody | `shadow: true`: its alerts are listed (`logverse alerts list`) and stored, and told to nobody |
| bring rules of ElastAlert2 along | `logverse rules import-elastalert /etc/elastalert/rules --to shop.yaml` |
| let detectors learn from history first | `logverse train --since 4w` |

(1) and `# yaml-language-server: $schema=rules.schema.json` as the first line of the rule file.

A folder is all its `.yaml` and `.yml` files and those of the folders in it. `_defaults.yaml`, with `defaults:` and nothing else, holds for
the files beside it. What is nearer wins; `labels`, `annotations` and the fields of `where` add up; an option is for the types that
know it. Names are one of a kind over all files.
"""

_CONDITIONS = """\
## Conditions

`where` and `match` are mappings of FIELD: CONDITION, all of which must be met.

| written | means |
|---|---|
| `503`, `web` | this value |
| `[500, 503]` | one of these |
| `5xx` | a class of status codes |
| `ERROR`, `">=WARN"` | severities by name |
| `">=500"`, `"<10"` | numbers compared |
| `"!=web"` | anything else, missing values included |
| `"*.example.*"`, `/api/*` | `*` is any text |
| `/time.?out/` | a regular expression, found anywhere |
| `"=5xx*"` | exactly this text, whatever it looks like |

Beside fields a mapping may have `or: [{…}, {…}]` (one of these), `and: [{…}, {…}]` (all of these) and `not: {…}` (not all of that):

```yaml
where:
  log.type: http
  or: [{http.response.status_code: 5xx}, {http.route: /pay, http.response.status_code: "!=200"}]
  not: {host.name: "canary-*"}
```
"""

_SCHEDULE = """\
## Schedule

`schedule: {days: mon-fri, hours: ["08:00-12:00", "13:00-18:00"], time_zone: Europe/Berlin}`: outside of it the rule is not judged. Each
of the three may be left out: every day, all day, UTC. Hours that end before they begin go on after midnight and belong to the day they
begin on. The clocks on the wall decide, daylight saving time included.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(line.rstrip() for part in _parts() for line in part.split("\n")).rstrip() + "\n"


def _parts() -> Iterator[str]:
    yield _HEAD
    yield "## Words of every rule\n\n" + _table(COMMON)
    yield f"\nElastAlert2's words are understood too: {', '.join(f'`{other}` ({ours})' for other, ours in OTHER_WORDS.items())}.\n"
    yield _CONDITIONS
    yield from _fields()
    yield _SCHEDULE
    yield from _templates()
    yield "## Types\n"
    for name in RULE_TYPES:
        yield from _type(name)
    yield from _detectors()


def _fields() -> Iterator[str]:
    yield "## Fields\n"
    yield "Most rules read summaries of each second. There are several, each with some fields; a rule reads the first with all of its own."
    yield "In `clients`, `users` and `patterns` the busiest of a service and second are named, all the others count together.\n"
    yield "| summary | fields |\n|---|---|"
    for view, has in VIEWS.items():
        yield f"| {view} | {_names(has)} |"
    seeing = [name for name, kind in RULE_TYPES.items() if kind.sees_events]
    yield f"\nRules of type {_names(seeing)} see single events instead, with {_names(EVENT_FIELDS)}.\n"


def _templates() -> Iterator[str]:
    yield "## Templates\n"
    yield "`description`, `runbook_url` and `annotations` may hold names in double braces: these and no others, no code. They are filled in"
    yield "once, when the alert is made; in what ends with `_url` values are percent-encoded.\n"
    yield "| name | stands for |\n|---|---|"
    for name, (what, _) in NAMES.items():
        yield f"| `{{{{ {name} }}}}` | {what} |"
    yield "| `{{ group.http.route }}` | the value of a field of the rule's group_by |\n"


def _type(name: str) -> Iterator[str]:
    kind = RULE_TYPES[name]
    yield f"### {name}\n\n{_sentence(about(name))}\n"
    yield "```yaml\n" + yaml.safe_dump([entry(name)], sort_keys=False, width=120, default_flow_style=None).rstrip() + "\n```\n"
    yield _table(kind.options) + "\n" if kind.options else "It has no options of its own.\n"


def entry(name: str) -> dict[str, Any]:
    """An entry of this type that works."""
    return {"name": f"example-{name.replace('_', '-')}", "type": name, **RULE_TYPES[name].example}


def _detectors() -> Iterator[str]:
    yield "## Detectors\n\nNamed by rules of type `anomaly` as `detector`, with options of their own under `detector_options`.\n"
    for name, kind in DETECTORS.items():
        yield f"### {name}\n\n{_sentence(' '.join((kind.__doc__ or '').split(chr(10) * 2)[0].split()))}\n"
        yield f"It looks at a {kind.needs}.\n"
        yield _table(kind.options) + "\n" if kind.options else "It has no options of its own.\n"


def _table(options: Mapping[str, Option]) -> str:
    rows = [
        f"| `{name}` | {_cell(option.about)}{' (required)' if option.required else ''} | `{_cell(option.example)}` |"
        for name, option in options.items()
    ]
    return "\n".join(["| option | what for | like |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    print(page(), end="")

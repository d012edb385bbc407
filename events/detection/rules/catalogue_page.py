"""docs/detection-catalogue.md, made from the rules that ship."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from events.detection.sigma.attack import TACTICS, TECHNIQUES
from events.detection.sigma.read import read_rules
from events.detection.sigma.rule import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import timedelta

    from events.detection.sigma.rule import Rule

CATALOGUE = Path(__file__).parents[1] / "catalogue"

_HEAD = """\
# The rules that ship

<!-- Written by `manage.py catalogue --output docs/detection-catalogue.md`; a test compares. Change the rules in
events/detection/catalogue instead. -->

{count} rules look at every event as it arrives, and at the syncing itself. Each is a Sigma file in
`events/detection/catalogue/` that other tools can read too. What a rule finds stands in the inbox with its explanation,
its events in order, and what to do now. A rule that does not suit you can be switched off, a finding that is normal for
you can be suppressed by its account, user or address, and rules of your own are written in the same language.

Levels: **critical** is a theft in progress, and somebody should be woken. **High** is dangerous by itself, or cannot be
undone. **Medium** wants a look on the same day. **Low** is worth knowing.

One step of normal work is no finding: a secret rotated over some days, numbers bought for a project, one new colleague,
a journey. Steps count where several come together, where the place or the hour is new, or where they are dangerous
whoever takes them.
"""
_BLIND = """\
## What no audit event can show

Audit events tell of changes to an account and of people in the dashboard. They tell nothing of messages and calls. So
no rule can find

- **pumping through your own sign-up form**: somebody lets your application send codes to numbers that earn them money.
  Nothing in the account changes. Limit how many codes one visitor can ask for, and watch how many are never entered.
- **a leaked secret that is only used to send**: sending leaves no audit event. An allow list prevents it, and Vonage's
  usage reports show it.
- **traffic rules, fraud filters and blocked destinations**: Vonage's own protections can be changed without an event.
- **what your balance is**, and how fast it falls: only the settings of auto-reload and billing leave events.
- **content and receivers** of messages and calls, and who listens at a webhook.
- **logins that failed**, and on plans without Premium Support all logins: Vonage does not list them. The rule about
  failures sees only what an event says of itself.
- **reading**: whoever looks at secrets, numbers or invoices leaves no event, but for searches of the message logs.
- **changes by Vonage's staff**, as far as Vonage keeps them to itself.
- **what Vonage has not listed yet**: events can arrive late. Rules count by the events' own times, so a late event
  completes what it belongs to, but nobody is told before it is there.

What events say of themselves is not documented for most types. Rules about a second factor, payment methods or keys of
applications know the spellings of sibling APIs. An event that spells them otherwise is not found by them.
"""


_NOISY = """\
## How much noise

Measured with the [sandbox](sandbox.md): five accounts, 20,000 events over two years, with new colleagues, journeys, a
rotation of secrets, numbers bought and released, and people who work late. The takeover of the story and its clean-up
are left out. How many findings each rule makes of that, in four different worlds (`manage.py sandbox --seed`):
"""
# As measured; `tests/detection/rules/test_catalogue_noise.py` measures the first world again.
WORLDS = (1, 2, 3, 4)
NOISE: dict[str, dict[int, int]] = {
    "api_from_new_country": {3: 1},
    "application_created_and_deleted": {1: 1, 2: 1},
    "dormant_user_returns": {1: 1, 2: 1, 4: 2},
    "impossible_travel": {1: 1},
    "repointed_to_new_host": {4: 1},
}


def page(folder: Path = CATALOGUE) -> str:
    """The page as Markdown.

    Raises:
        ValueError: a rule cannot be read.
    """
    rules = _rules(folder)
    parts = [_HEAD.format(count=len(rules)), _table(rules), _noise(rules), _BLIND, "## Rule by rule\n"]
    return "\n".join([*parts, *map(_rule, rules)])


def _rules(folder: Path) -> list[Rule]:
    """The worst first, each level by title."""
    found: list[Rule] = []
    for file in sorted(folder.glob("*.yml")):
        rules, problems = read_rules(file.read_text(encoding="utf-8"), file.name)
        if problems:
            raise ValueError(str(problems[0]))
        found += rules
    return sorted(found, key=lambda rule: (-LEVELS.index(rule.level), rule.title))


def _table(rules: Sequence[Rule]) -> str:
    lines = ["| level | rule | ATT&CK |", "| --- | --- | --- |"]
    for rule in rules:
        techniques = ", ".join(code.upper() for code in _techniques(rule))
        lines.append(f"| {rule.level} | [{rule.title}](#{_anchor(rule.title)}) | {techniques} |")
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _techniques(rule: Rule) -> list[str]:
    names = [tag.removeprefix("attack.") for tag in rule.tags]
    return [name for name in names if name in TECHNIQUES]


def _rule(rule: Rule) -> str:
    advice = rule.advice["en"]
    by_technique = [f"{TECHNIQUES[code]} ({code.upper()})" for code in _techniques(rule)]
    tactics = [TACTICS[tag.removeprefix("attack.")][1] for tag in rule.tags if tag.removeprefix("attack.") in TACTICS]
    lines = [
        f"### {rule.title}",
        "",
        f"**{rule.level.capitalize()}** · {', '.join(tactics)}"
        + (f" · {'; '.join(by_technique)}" if by_technique else ""),
        "",
        advice.description.strip(),
        "",
        *_conditions(rule),
        "What to do now:",
        "",
        *(f"{number}. {step}" for number, step in enumerate(advice.next_steps, 1)),
        *([f"\nWhere: <{rule.dashboard}>"] if rule.dashboard else []),
        "",
        "Known false positives:",
        "",
        *(f"- {text}" for text in advice.false_positives),
        "",
        f"`{rule.origin}`, id `{rule.uid}`",
        "",
    ]
    return "\n".join(lines)


def _conditions(rule: Rule) -> Iterator[str]:
    """What it counts, in words."""
    correlation = rule.correlation
    if correlation is None:
        return
    steps = list(rule.steps_in("en").values())
    within = f"within {_span(correlation.timespan)} by {' and '.join(f'`{name}`' for name in correlation.group_by)}"
    if correlation.kind == "event_count":
        yield f"Counts: at least {correlation.minimum} events {within} ({steps[0]}).\n"
    elif correlation.kind == "value_count":
        yield f"Counts: at least {correlation.minimum} different `{correlation.value_field}` {within} ({steps[0]}).\n"
    else:
        ordered = correlation.kind == "temporal_ordered"
        few = correlation.minimum < len(steps)
        how = f"at least {correlation.minimum} of these" if few else "all of these"
        yield f"Steps: {how} {within}{', in this order' if ordered else ''}:"
        yield ""
        yield from (f"- {step}" for step in steps)
        yield ""


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _noise(rules: Sequence[Rule]) -> str:
    lines = [
        _NOISY,
        f"| rule | {' | '.join(f'world {world}' for world in WORLDS)} |",
        f"| --- {'| --- ' * len(WORLDS)}|",
    ]
    titles = {rule.origin.removesuffix(".yml"): rule.title for rule in rules}
    for name in sorted(NOISE, key=titles.__getitem__):
        counts = " | ".join(str(NOISE[name].get(world, 0)) for world in WORLDS)
        lines.append(f"| [{titles[name]}](#{_anchor(titles[name])}) | {counts} |")
    sums = [sum(counts.get(world, 0) for counts in NOISE.values()) for world in WORLDS]
    lines.append(f"| the other {len(rules) - len(NOISE)} rules | {' | '.join('0' for _ in WORLDS)} |")
    lines.append(f"| **all** | {' | '.join(f'**{total}**' for total in sums)} |")
    return "\n".join(lines) + "\n"

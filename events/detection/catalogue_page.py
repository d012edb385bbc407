"""docs/detection-catalogue.md, made from the rules that ship."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from events.detection.sigma.read import read_rules
from events.detection.sigma.rule import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from events.detection.sigma.rule import Rule

CATALOGUE = Path(__file__).with_name("catalogue")

# What the rules' tags are called in MITRE ATT&CK 18.
TACTICS = {
    "initial-access": "Initial Access",
    "persistence": "Persistence",
    "defense-evasion": "Defense Evasion",
    "credential-access": "Credential Access",
    "discovery": "Discovery",
    "collection": "Collection",
    "exfiltration": "Exfiltration",
    "impact": "Impact",
}
TECHNIQUES = {
    "t1070": "Indicator Removal",
    "t1078.004": "Valid Accounts: Cloud Accounts",
    "t1098": "Account Manipulation",
    "t1098.001": "Account Manipulation: Additional Cloud Credentials",
    "t1110": "Brute Force",
    "t1111": "Multi-Factor Authentication Interception",
    "t1136.003": "Create Account: Cloud Account",
    "t1213": "Data from Information Repositories",
    "t1485": "Data Destruction",
    "t1489": "Service Stop",
    "t1496": "Resource Hijacking",
    "t1496.003": "Resource Hijacking: SMS Pumping",
    "t1531": "Account Access Removal",
    "t1538": "Cloud Service Dashboard",
    "t1552.001": "Unsecured Credentials: Credentials In Files",
    "t1556": "Modify Authentication Process",
    "t1556.006": "Modify Authentication Process: Multi-Factor Authentication",
    "t1557": "Adversary-in-the-Middle",
    "t1562.007": "Impair Defenses: Disable or Modify Cloud Firewall",
    "t1562.008": "Impair Defenses: Disable or Modify Cloud Logs",
    "t1565.001": "Data Manipulation: Stored Data Manipulation",
    "t1567": "Exfiltration Over Web Service",
    "t1657": "Financial Theft",
}

_HEAD = """\
# The rules that ship

<!-- Written by `manage.py catalogue --output docs/detection-catalogue.md`; a test compares. Change the rules in
events/detection/catalogue instead. -->

{count} rules look at every event as it arrives, and at the syncing itself. Each is a Sigma file in
`events/detection/catalogue/`; other tools can read it too. What a rule finds stands in the inbox with its explanation,
its events in order, and what to do now. A rule that does not suit you can be switched off, a finding that is normal for
you can be suppressed by its account, user or address, and rules of your own are written in the same language.

Levels: a **critical** finding is a theft in progress, and somebody should be woken. **High** is dangerous by itself, or
cannot be undone. **Medium** wants a look on the same day. **Low** is worth knowing.

What one step of normal work looks like is no finding: a secret rotated over some days, numbers bought for a project, one new
colleague, a journey. Steps count where they come together, where they come from somewhere or at some time that is new, or
where they are dangerous whoever takes them.
"""
_BLIND = """\
## What no audit event can show

Audit events tell of changes to an account and of people in the dashboard. They tell nothing of messages and calls. So no
rule can find

- **pumping through your own sign-up form**: somebody lets your application send codes to numbers that pay him. Nothing
  in the account changes. Limit how many codes one visitor can ask for, and watch how many are never entered.
- **a leaked secret that is only used to send**: sending leaves no audit event. An allow list prevents it, and Vonage's usage
  reports show it.
- **traffic rules, fraud filters and blocked destinations**: Vonage's own protections can be changed without an event.
- **what your balance is**, and how fast it falls: only the settings of auto-reload and billing leave events.
- **content and receivers** of messages and calls, and who listens at a webhook.
- **attempts to log in that failed**, and on plans without Premium Support all logins: Vonage does not list them. The rule
  about failures sees only what an event says of itself.
- **reading**: whoever looks at secrets, numbers or invoices leaves no event, but for searches of the message logs.
- **changes by Vonage's staff**, as far as Vonage keeps them to itself.
- **what happens before Vonage lists it**: events can arrive late. Rules count by the events' own times, so a late event
  completes what it belongs to, but nobody is told before it is there.

Contexts of events are not documented for most types. Rules about a second factor, payment methods or keys of applications
know the spellings that sibling APIs use; an event that spells them otherwise is not found by them.
"""


def page(folder: Path = CATALOGUE) -> str:
    """The page as Markdown.

    Raises:
        ValueError: a rule cannot be read.
    """
    rules = _rules(folder)
    return "\n".join([_HEAD.format(count=len(rules)), _table(rules), _noise(rules), _BLIND, *map(_rule, rules)])


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
    tactics = [TACTICS[tag.removeprefix("attack.")] for tag in rule.tags if tag.removeprefix("attack.") in TACTICS]
    lines = [
        f"### {rule.title}",
        "",
        f"**{rule.level.capitalize()}** · {', '.join(tactics)}{': ' if by_technique else ''}{', '.join(by_technique)}",
        "",
        advice.description.strip(),
        "",
        *_conditions(rule),
        "",
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
    steps = _steps(rule)
    if correlation is None:
        return
    within = f"within {_span(correlation.timespan)} by {' and '.join(f'`{name}`' for name in correlation.group_by)}"
    if correlation.kind == "event_count":
        yield f"Counts: at least {correlation.minimum} events {within} ({steps[0]})."
    elif correlation.kind == "value_count":
        yield f"Counts: at least {correlation.minimum} different `{correlation.value_field}` {within} ({steps[0]})."
    else:
        ordered = correlation.kind == "temporal_ordered"
        few = correlation.minimum < len(steps)
        how = f"at least {correlation.minimum} of these" if few else "all of these"
        yield f"Steps: {how} {within}{', in this order' if ordered else ''}:"
        yield ""
        yield from (f"- {step}" for step in steps)


def _steps(rule: Rule) -> list[str]:
    """The titles of the rules that a correlation names, in its order."""
    documents: Mapping[str, Mapping[str, Any]] = {
        document["name"]: document for document in yaml.safe_load_all(rule.text) if "name" in document
    }
    return [documents[selection.name]["title"] for selection in rule.selections if selection.name in documents]


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        if seconds % length == 0:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} seconds"


def _noise(rules: Sequence[Rule]) -> str:
    return ""

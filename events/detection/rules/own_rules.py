"""Rules that people of this site write, and which rules are on: the one place that writes `OwnRule`, `OwnRuleVersion`
and `RuleSwitch`.

Nothing that cannot be read is ever saved, and nothing is overwritten: each change is a version, with who made it.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import IntegrityError, connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import permissions
from accounts.models import NexmoAccount
from events.detection.rules import ruleset
from events.detection.sigma.rule import RuleProblem
from events.models import OwnRule, OwnRuleVersion, RuleSwitch
from events.storage.transactions import write_turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import AnyUser
    from events.detection.sigma.rule import Rule

_UUID = re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b")
_ID = re.compile(r"^(?:id:|- +id:)[ \t]*['\"]?([0-9a-fA-F-]{36})['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)
# As `RuleProblem` holds them: translated where they are shown.
SECOND_RULE = gettext_noop("This is a second rule that makes findings. Save each one as a separate rule.")
OTHER_ID = gettext_noop("The id of a rule cannot change, because its findings belong to it. It is `%(uid)s`.")
TAKEN = gettext_noop("The rule “%(title)s” has this id already. A new rule needs one of its own, such as `%(uid)s`.")
_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def may_write(user: AnyUser) -> bool:
    """Whether somebody may write rules, try them and switch any rule on and off.

    Rules are evaluated over all accounts, and trying one shows what it finds in them. So the permission alone is not
    enough: it takes somebody who sees all accounts.
    """
    return user.has_perm(permissions.WRITE_RULES) and NexmoAccount.objects.sees_all(user)  # type: ignore[union-attr]


def may_read_texts(user: AnyUser) -> bool:
    """Whether somebody may read what people of this site wrote into rules: it may name accounts of any team."""
    return NexmoAccount.objects.sees_all(user)


class Refused(Exception):
    """Why a rule is not saved. Nothing has changed."""

    def __init__(self, problems: Iterable[RuleProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


class ChangedMeanwhile(Exception):
    """Somebody else saved the rule since its text was read. Nothing has changed."""

    def __init__(self, rule: OwnRule) -> None:
        super().__init__(f"version {rule.version}")
        self.rule = rule


class Told(NamedTuple):
    """A problem in the reader's language."""

    origin: str
    line: int
    message: str

    def __str__(self) -> str:
        return _("%(origin)s, line %(line)s: %(message)s") % self._asdict()


def told(problems: Iterable[RuleProblem]) -> list[Told]:
    """What is wrong, in the reader's language."""
    return [Told(problem.origin, problem.line, problem.translated(_)) for problem in problems]


# --- reading what was typed -------------------------------------------------------------------------------------------


def read(text: str, own: OwnRule | None = None) -> Rule:
    """The rule in a text, if it could be saved.

    Args:
        own: the rule that the text is a change of; None for a new one.

    Raises:
        Refused: it cannot be read, is not exactly one rule, or has the id of another one.
    """
    origin = own.title if own else _("New rule")
    rules, problems = ruleset.read(text, origin)
    if problems:
        raise Refused(problems)
    if len(rules) > 1:
        raise Refused([_problem(origin, line_of(text, rules[1].uid), SECOND_RULE)])
    (rule,) = rules
    if problem := _identity_problem(rule, text, origin, own):
        raise Refused([problem])
    return rule


def _problem(origin: str, line: int, text: str, **values: object) -> RuleProblem:
    return RuleProblem(origin, line, ((text, values),))


def _identity_problem(rule: Rule, text: str, origin: str, own: OwnRule | None) -> RuleProblem | None:
    line = line_of(text, rule.uid)
    if own is not None and rule.uid != own.uid:
        return _problem(origin, line, OTHER_ID, uid=own.uid)
    if own is None and (other := OwnRule.objects.filter(uid=rule.uid).first()):
        return _taken(origin, line, other.title)
    known = ruleset.current_rules()
    if known.origin_of(rule.uid) in ("shipped", "folder"):
        taken_by = known.get(rule.uid)
        return _taken(origin, line, taken_by.title if taken_by else rule.uid)
    return None


def _taken(origin: str, line: int, title: str) -> RuleProblem:
    return _problem(origin, line, TAKEN, title=title, uid=uuid.uuid4())


def uid_of(text: str) -> str:
    """The id of the rule in a text; "" where it cannot be read."""
    rules, _problems = ruleset.read(text, "")
    return rules[0].uid if rules else ""


def line_of(text: str, uid: str) -> int:
    """The line that gives a document its id, counted from 1; 1 where there is none."""
    for match in _ID.finditer(text):
        if match[1].lower() == uid:
            return text.count("\n", 0, match.start()) + 1
    return 1


def as_copy(text: str, title: str) -> str:
    """A rule's text as the beginning of another rule: with new ids, and a title that says so."""
    fresh = {match[1].lower(): str(uuid.uuid4()) for match in _ID.finditer(text)}
    text = _UUID.sub(lambda match: fresh.get(match[0].lower(), match[0]), text)
    plain = title.replace("'", "''")
    heading = "title: '" + _("Copy of %(name)s").replace("'", "''") % {"name": plain} + "'"
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _TITLE.match(line)
        if match and match[1].strip("'\"").replace("''", "'") == title:
            lines[number] = heading
            break
    return "\n".join(lines)


EXAMPLE = """\
title: {title}
id: {uid}
status: experimental
description: {description}
logsource:
    product: vonage
    service: audit
detection:
    selection:
        event_type: ACCOUNT_SECRET_CREATE
        source: DEVAPI
    office:
        source_ip|cidr: 192.0.2.0/24
    condition: selection and not office
level: high
tags:
    - attack.persistence
    - attack.t1098.001
falsepositives:
    - {false_positive}
custom:
    next_steps:
        - {next_step}
"""


def example() -> str:
    """A rule to begin with, that can be tried as it stands."""
    return EXAMPLE.format(
        uid=uuid.uuid4(),
        title=_("API secret created from outside the office"),
        description=_("An API secret was created through the API, from an address outside the office."),
        false_positive=_("A colleague working from home."),
        next_step=_("Ask who created the secret, and delete it if nobody knows."),
    )


# --- saving and switching ---------------------------------------------------------------------------------------------


def save(
    text: str, by: AnyUser, *, own: OwnRule | None = None, seen: int | None = None, enable: bool | None = None
) -> OwnRule:
    """Save a new rule, or a rule's new text.

    Args:
        own: the rule to change; None for a new one.
        seen: the version that the text was made from.
        enable: on or off; None: as it is, and a new one off.

    Raises:
        Refused: the text cannot be saved.
        ChangedMeanwhile: there is a later version than `seen`.
    """
    rule = read(text, own)
    try:
        with write_turn():
            if own is None:
                saved = OwnRule(uid=rule.uid, version=0, is_enabled=False)
            else:
                saved = _locked(own)
                if seen is not None and saved.version != seen:
                    raise ChangedMeanwhile(saved)
            is_enabled = saved.is_enabled if enable is None else enable
            if saved.version and (saved.text, saved.is_enabled) == (text, is_enabled):
                return saved
            saved.text, saved.title, saved.is_enabled = text, rule.title, is_enabled
            _write(saved, by)
    except IntegrityError:  # two people saved a new rule of one id
        other = OwnRule.objects.filter(uid=rule.uid).first()
        if own is not None or other is None:
            raise
        raise Refused([_taken(rule.origin, line_of(text, rule.uid), other.title)]) from None
    return saved


def switch_own(own: OwnRule, by: AnyUser, *, on: bool) -> None:
    """Have a rule evaluated from now on, or no longer. Twice is once.

    Raises:
        Refused: its text cannot be read any more, and so cannot be switched on.
    """
    if on:
        read(own.text, own)
    with write_turn():
        current = _locked(own)
        if current.is_enabled != on:
            current.is_enabled = on
            _write(current, by)


def switch(uid: str, title: str, by: AnyUser, *, on: bool) -> None:
    """Switch a rule that ships, or one from the folder, on or off. Twice is once."""
    with write_turn():
        row = RuleSwitch.objects.filter(uid=uid).first() or RuleSwitch(uid=uid, is_enabled=True)
        if row.is_enabled == on:
            return
        row.is_enabled, row.changed_at, row.changed_by_id = on, timezone.now(), by.pk
        row.save()
        # Only the last change stands in the row; the admin's log, which is in English, keeps them all.
        said = f"Switched {'on' if on else 'off'}: {title}"
        LogEntry.objects.log_actions(by.pk or 0, [row], CHANGE, change_message=said, single_object=True)


def _locked(own: OwnRule) -> OwnRule:
    """The rule as it is now, which nobody else changes until this transaction ends."""
    rows = OwnRule.objects.all() if connection.vendor == "sqlite" else OwnRule.objects.select_for_update(of=("self",))
    found: OwnRule = rows.get(pk=own.pk)
    return found


def _write(own: OwnRule, by: AnyUser) -> None:
    own.version += 1
    own.changed_at, own.changed_by_id = timezone.now(), by.pk
    own.save()
    OwnRuleVersion.objects.create(
        rule=own,
        version=own.version,
        text=own.text,
        is_enabled=own.is_enabled,
        changed_at=own.changed_at,
        changed_by_id=by.pk,
    )


# --- what was changed -------------------------------------------------------------------------------------------------


class Change(NamedTuple):
    """What a version changed."""

    version: OwnRuleVersion
    is_new: bool
    text: bool
    switched: bool


def history(own: OwnRule, most: int) -> list[Change]:
    """The newest versions of a rule, newest first, and what each changed."""
    versions = list(own.versions.select_related("changed_by")[: most + 1])
    earlier = [*versions[1:], None]
    return [change_of(version, before) for version, before in zip(versions, earlier, strict=True)][:most]


def change_of(version: OwnRuleVersion, before: OwnRuleVersion | None) -> Change:
    """What a version changed; `before`: the one that it took the place of."""
    return Change(
        version,
        before is None,
        before is None or before.text != version.text,
        before is None or before.is_enabled != version.is_enabled,
    )


@dataclass(frozen=True)
class Line:
    """A line of a comparison. `kind`: "same", "added", "removed", or "gap" for lines that are left out."""

    kind: str
    number: int
    text: str


def comparison(before: str, after: str, context: int = 3) -> list[Line]:
    """What changed from one text to another, with some lines around each change; nothing where nothing did."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        if lines or group[0][3] > 0:
            lines.append(Line("gap", 0, ""))
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                lines += [Line("same", place + 1, new[place]) for place in range(new_from, new_to)]
                continue
            lines += [Line("removed", place + 1, old[place]) for place in range(old_from, old_to)]
            lines += [Line("added", place + 1, new[place]) for place in range(new_from, new_to)]
    return lines

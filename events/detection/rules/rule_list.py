"""All rules there are, on or off, with what they found so far as far as a reader may see it; and the list's filter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Count, Max
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import NexmoAccount
from events.detection.rules import known_rules, ruleset
from events.detection.sigma.rule import LEVELS
from events.models import Finding, FindingAccount, OwnRule, RuleSwitch, Severity
from events.wording.times import length

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from accounts.models import AnyUser
    from events.detection.sigma.rule import Advice, Rule, RuleProblem

ORIGINS = {"shipped": pgettext_lazy("rule", "Built in"), "folder": _("From the folder"), "own": _("Own")}
KINDS = {
    "event_count": _("many events at once"),
    "value_count": _("many different values of %(field)s"),
    "temporal": _("several things that happen together"),
    "temporal_ordered": _("several things, one after another"),
}


@dataclass
class Entry:
    """A rule in the list.

    Attributes:
        rule: what was read; None for an own rule that cannot be read any more.
        switch: who switched it last, and when; None: nobody ever did. An own rule's row says so of all its changes.
        found: how many findings of it the reader may see.
    """

    uid: str
    origin: str
    rule: Rule | None
    is_on: bool
    own: OwnRule | None = None
    switch: RuleSwitch | None = None
    found: int = 0
    last_found_at: datetime | None = None
    problems: tuple[RuleProblem, ...] = ()

    @property
    def advice(self) -> Advice | None:
        """What is said of it, in the reader's language."""
        return self.rule.advice_in(get_language() or "en") if self.rule else None

    @property
    def title(self) -> str:
        if self.advice:
            return self.advice.title
        return self.own.title if self.own else self.uid

    @property
    def severity(self) -> Severity | None:
        return Severity(self.rule.severity) if self.rule else None

    @property
    def changed(self) -> OwnRule | RuleSwitch | None:
        """The row that says who changed it last, and when."""
        return self.own or self.switch

    @property
    def text(self) -> str:
        """What was written, all its documents."""
        return self.own.text if self.own else self.rule.text if self.rule else ""

    @property
    def facts(self) -> list[tuple[str, str]]:
        """How it looks at events, by name."""
        return _facts(self.rule) if self.rule else []

    @property
    def origin_title(self) -> str:
        return str(ORIGINS[self.origin])


def entries(reader: AnyUser) -> list[Entry]:
    """Every rule that the reader may know of, the most severe first, then by title. Texts of own rules are read when
    they are asked for."""
    known = ruleset.current_rules()
    switches = {row.uid: row for row in RuleSwitch.objects.select_related("changed_by")}
    listed = [
        Entry(uid, known.origins[uid], rule, known.is_on(uid), switch=switches.get(uid))
        for uid, rule in known.all.items()
        if known.origins[uid] != "own"
    ]
    for own in OwnRule.objects.select_related("changed_by").defer("text"):
        listed.append(_of_own(own, known))
    told = known_rules.told_to(_accounts(reader), [entry.uid for entry in listed])
    listed = [entry for entry in listed if entry.uid in told]
    counts = findings_by_rule(reader)
    for entry in listed:
        entry.found, entry.last_found_at = counts.get(entry.uid, (0, None))
    return sorted(listed, key=lambda entry: (-(entry.rule.severity if entry.rule else 9), entry.title.casefold()))


def entry(reader: AnyUser, uid: str) -> Entry | None:
    """One rule; None where there is none with this id that the reader may know of."""
    if not known_rules.told_to(_accounts(reader), [uid]):
        return None
    known = ruleset.current_rules()
    own = OwnRule.objects.select_related("changed_by").filter(uid=uid).first()
    if own is not None:
        found = _of_own(own, known)
        if found.rule is None:
            clashes = [problem for problem in known.problems if problem.origin == own.title]
            found.problems = tuple(ruleset.read(own.text, own.title)[1] or clashes)
    elif rule := known.get(uid):
        switch = RuleSwitch.objects.select_related("changed_by").filter(uid=rule.uid).first()
        found = Entry(rule.uid, known.origins[rule.uid], rule, known.is_on(rule.uid), switch=switch)
    else:
        return None
    found.found, found.last_found_at = findings_by_rule(reader, [found.uid]).get(found.uid, (0, None))
    return found


def _accounts(reader: AnyUser) -> list[int] | None:
    """Keys of the accounts that the reader may see; None: all."""
    if NexmoAccount.objects.sees_all(reader):
        return None
    return [account.pk for account in NexmoAccount.objects.list_visible_to(reader)]


def _of_own(own: OwnRule, known: ruleset.RuleSet) -> Entry:
    # Where a file of the folder has its id too, the file's rule is evaluated, and this one is a problem.
    rule = known.all.get(own.uid) if known.origins.get(own.uid) == "own" else None
    return Entry(own.uid, "own", rule, own.is_enabled, own=own)


def _facts(rule: Rule) -> list[tuple[str, str]]:
    correlation = rule.correlation
    facts: list[tuple[Any, Any]]
    if rule.selections[0].service == "sync":
        facts = [(_("Looks at"), _("how syncing goes"))]
    else:
        types = sorted(rule.event_types or ())
        facts = [(_("Looks at"), ", ".join(types) if types else _("events of many types"))]
    if correlation is None:
        text = _("each event that matches; events at most %(span)s apart make one finding")
        facts.append((_("Finds"), text % {"span": length(rule.merge)}))
    else:
        facts.append((_("Finds"), str(KINDS[correlation.kind]) % {"field": correlation.value_field}))
        if correlation.kind.startswith("temporal"):
            facts.append((_("Steps"), "; ".join(rule.steps_in(get_language() or "en").values())))
        facts.append((_("Within"), length(correlation.timespan)))
    shared = correlation.group_by if correlation else rule.group_by
    facts.append((_("Grouped by"), ", ".join(shared) or _("all events together")))
    if rule.status:
        facts.append((_("Maturity"), rule.status))
    if rule.author:
        facts.append((_("Author"), rule.author))
    return [(str(name), str(value)) for name, value in facts]


def problems() -> list[RuleProblem]:
    """Why rules that should be on are not."""
    return ruleset.current_rules().problems


def findings_by_rule(reader: AnyUser, uids: Sequence[str] | None = None) -> dict[str, tuple[int, datetime]]:
    """How many findings of each rule somebody may see, and when the newest of them was found."""
    rows: Any
    if NexmoAccount.objects.sees_all(reader):
        rows = Finding.objects.exclude(state=Finding.State.WITHDRAWN)
        rule, counted = "rule", Count("pk")
    else:
        rows = FindingAccount.objects.visible_to(reader).exclude(state=Finding.State.WITHDRAWN)
        rule, counted = "finding__rule", Count("finding", distinct=True)
    if uids is not None:
        rows = rows.filter(**{f"{rule}__in": uids})
    totals = rows.order_by().values_list(rule).annotate(counted, Max("found_at"))
    return {uid: (count, newest) for uid, count, newest in totals}


class RuleFilter(forms.Form):
    """The parameters of the list. With a wrong one no rule is shown, and the error stands beside its field."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Title, words or tag")}),
    )
    severity = forms.ChoiceField(
        label=_("Severity"),
        required=False,
        choices=[
            ("", _("Any severity")),
            *((level, Severity(place).label) for place, level in reversed([*enumerate(LEVELS)])),
        ],
        error_messages={"invalid_choice": _("There is no severity “%(value)s”.")},
    )
    origin = forms.ChoiceField(
        label=_("Origin"),
        required=False,
        choices=[("", _("Any origin")), *ORIGINS.items()],
        error_messages={"invalid_choice": _("There is no origin “%(value)s”.")},
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("On or off")), ("on", pgettext_lazy("rule", "On")), ("off", pgettext_lazy("rule", "Off"))],
        error_messages={"invalid_choice": _("There is no state %(value)s.")},
    )

    @property
    def values(self) -> dict[str, str]:
        """The values of the parameters; "" for what is empty or wrong."""
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}

    def chosen(self, listed: Iterable[Entry]) -> list[Entry]:
        """Those that match; none where a value is wrong."""
        values = self.values
        if self.errors:
            return []
        words = values["q"].casefold().split()
        return [
            entry
            for entry in listed
            if (not values["severity"] or (entry.rule and entry.rule.level == values["severity"]))
            and values["origin"] in ("", entry.origin)
            and values["state"] in ("", "on" if entry.is_on else "off")
            and all(word in _words_of(entry) for word in words)
        ]


def _words_of(entry: Entry) -> str:
    """What a search looks in, in the reader's language and as the rule was written."""
    parts = [entry.title, entry.uid, *(entry.rule.tags if entry.rule else ())]
    if entry.rule and entry.advice:
        parts += [entry.rule.title, entry.advice.description, *sorted(entry.rule.event_types or ())]
    return " ".join(parts).casefold()

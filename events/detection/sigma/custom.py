"""The key `custom`: what Sigma has no word for.

Some keys narrow what a detection selects and are decided from what else the archive holds
(`events.detection.evaluation.custom`); the others say how findings are made and shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from events.detection.sigma.document import Part
from events.detection.sigma.fields import COLUMNS, NUMBERS
from events.detection.sigma.rule import DEFAULT_GROUP, Advice
from events.detection.sigma.values import check_keys, field_name, field_names, number, span, text, texts, url
from events.detection.sigma.wrong import NEEDS, Wrong, gettext_noop

if TYPE_CHECKING:
    from events.detection.sigma.rule import Service


@dataclass(frozen=True)
class Option:
    """A member of a narrowing key.

    Attributes:
        read: its value from a part; told the name it is under.
        default: where it is left out; None: it must be there.
        help: what the documentation says (docs/detection-rules.md; a test keeps them in step).
    """

    read: Callable[[Part, str], Any]
    default: Any
    help: str


@dataclass(frozen=True)
class Narrowing:
    """A key that narrows a detection."""

    help: str
    options: Mapping[str, Option]


def _fields(part: Part, name: str) -> Any:
    return field_names(part, name, "audit", most=4)


def _column(part: Part, name: str) -> Any:
    return field_name(part, name, "audit", [column for column in COLUMNS if column != "event_id"])


def _shareable(part: Part, name: str) -> Any:
    return field_name(part, name, "audit", ("source_ip", "user_email"))


def _amount(part: Part, name: str) -> Any:
    return field_name(part, name, "audit", NUMBERS)


def _share(part: Part, name: str) -> Any:
    return float(number(part, name, least=0.001, most=0.5))


def _factor(part: Part, name: str) -> Any:
    return float(number(part, name, least=1.01, most=1_000_000))


NARROWING = {
    "first_seen": Narrowing(
        gettext_noop("The values of these fields have never been seen together in this account before."),
        {
            "fields": Option(_fields, None, gettext_noop("One to four fields.")),
            "history": Option(
                span, timedelta(days=30), gettext_noop("For how long the account must have had events before.")
            ),
        },
    ),
    "unusual_hours": Narrowing(
        gettext_noop("The user hardly ever did anything at this hour of the day."),
        {
            "share": Option(
                _share, 0.02, gettext_noop("An hour with less than this share of the user's events is unusual.")
            ),
            "history": Option(
                span, timedelta(days=30), gettext_noop("For how long the user must have had events before.")
            ),
        },
    ),
    "impossible_travel": Narrowing(
        gettext_noop("The user's previous event came from another country."),
        {"within": Option(span, timedelta(hours=3), gettext_noop("That event was at most this long before."))},
    ),
    "dormant": Narrowing(
        gettext_noop("The value was known in this account, and came back after a silence."),
        {
            "field": Option(
                _column, "user_email", gettext_noop("Whose silence: a field of the event, but not its context.")
            ),
            "for": Option(span, timedelta(days=90), gettext_noop("For how long nothing was seen of it.")),
        },
    ),
    "shared_without_team": Narrowing(
        gettext_noop("The value was also seen in another account, and the two share no team."),
        {
            "field": Option(_shareable, None, gettext_noop("`source_ip` or `user_email`.")),
            "within": Option(span, timedelta(days=30), gettext_noop("How far apart at most.")),
        },
    ),
    "raised": Narrowing(
        gettext_noop("The number is this many times what it was before in this account."),
        {
            "field": Option(_amount, None, gettext_noop("`autoreload_amount` or `autoreload_threshold`.")),
            "factor": Option(_factor, 2.0, gettext_noop("At least how many times as much.")),
        },
    ),
}
# What the documentation says of each (docs/detection-rules.md; a test keeps them in step).
SHAPING = {
    "merge": gettext_noop(
        "Matches of one group are one finding as long as each comes at most this long after the one before; `1h` by "
        "default. Not in correlations, which have `timespan`."
    ),
    "group_by": gettext_noop(
        "Fields whose values tell findings apart; `[account, user_email]` by default, and "
        "`[account, source_ip]` for events without a user. Not in correlations, which have `group-by`."
    ),
    "next_steps": gettext_noop("What to do now, as a list."),
    "dashboard": gettext_noop("Where to do it: the address of a page of Nexmo's dashboard."),
    "es": gettext_noop("The texts in Spanish: `title`, `description`, `falsepositives`, `next_steps`."),
}
DEFAULT_MERGE = timedelta(hours=1)
_TRANSLATED = ("title", "description", "falsepositives", "next_steps")
MOST_TITLE, MOST_TEXT = 200, 10_000


@dataclass(frozen=True)
class Custom:
    """All that `custom` says, with what holds where it says nothing."""

    narrowing: Mapping[str, Any] = field(default_factory=dict)
    merge: timedelta = DEFAULT_MERGE
    group_by: tuple[str, ...] = DEFAULT_GROUP
    next_steps: tuple[str, ...] = ()
    dashboard: str = ""
    spanish: Mapping[str, Any] = field(default_factory=dict)

    def advice(self, title: str, description: str, false_positives: tuple[str, ...]) -> Mapping[str, Advice]:
        """What people are told, by language; what is not translated stays English."""
        english = Advice(title, description, false_positives, self.next_steps)
        if not self.spanish:
            return {"en": english}
        told = self.spanish
        spanish = Advice(
            told.get("title", title),
            told.get("description", description),
            told.get("falsepositives", false_positives),
            told.get("next_steps", self.next_steps),
        )
        return {"en": english, "es": spanish}


def custom(part: Part | None, service: Service, *, is_correlation: bool = False) -> Custom:
    """The section, checked.

    Raises:
        Wrong: with what would be right.
    """
    if part is None:
        return Custom(group_by=_groups(service))
    members = check_keys(part, (*NARROWING, *SHAPING), "custom")
    narrowing: dict[str, Any] = {}
    said: dict[str, Any] = {}
    for name, value in members.items():
        if name in NARROWING:
            if is_correlation:
                raise Wrong(value.line, gettext_noop("“%(name)s” narrows a detection."), name=name).instead(
                    gettext_noop("Put it under the rule that the correlation names.")
                )
            if service != "audit":
                raise Wrong(value.line, gettext_noop("“%(name)s” needs events of “service: audit”."), name=name)
            narrowing[name] = _options(value, name)
        elif name in ("merge", "group_by"):
            if is_correlation:
                raise Wrong(value.line, gettext_noop("A correlation takes no “%(name)s”."), name=name).instead(
                    gettext_noop("Its “correlation” has timespan and group-by.")
                )
            said[name] = span(value, name, least=0) if name == "merge" else field_names(value, name, service, most=4)
        elif name == "next_steps":
            said[name] = texts(value, name)
        elif name == "dashboard":
            said[name] = url(value, name)
        else:
            said["spanish"] = _translation(value)
    return Custom(narrowing=narrowing, **({"group_by": _groups(service)} | said))


def _groups(service: Service) -> tuple[str, ...]:
    return DEFAULT_GROUP if service == "audit" else ("account",)


def _options(part: Part, name: str) -> Mapping[str, Any]:
    known = NARROWING[name].options
    members = {} if part.value is None else check_keys(part, known, name)
    read = {}
    for option, told in known.items():
        if option in members:
            read[option] = told.read(members[option], option)
        elif told.default is None:
            raise Wrong(part.line, NEEDS, name=name, option=option)
        else:
            read[option] = told.default
    return read


def _translation(part: Part) -> Mapping[str, Any]:
    members = check_keys(part, _TRANSLATED, "es")
    read: dict[str, Any] = {}
    for name, value in members.items():
        if name == "title":
            read[name] = text(value, name, MOST_TITLE, is_line=True)
        elif name == "description":
            read[name] = text(value, name, MOST_TEXT)
        else:
            read[name] = texts(value, name)
    return read

"""What a rule says about itself: all of Sigma's keys but `detection`, `correlation` and `custom`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, cast, get_args
from uuid import uuid4

from events.detection.sigma.document import Part
from events.detection.sigma.rule import LEVELS, Service
from events.detection.sigma.values import check_keys, one_of, text, texts, url
from events.detection.sigma.wrong import NEEDS, Wrong, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping

KEYS = (
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "author",
    "references",
    "date",
    "modified",
    "logsource",
    "detection",
    "correlation",
    "custom",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
)
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
SERVICES: tuple[Service, ...] = get_args(Service)
PRODUCT = "vonage"
MOST_TITLE, MOST_TEXT = 200, 10_000
_TAG = re.compile(r"[a-z0-9_-]+\.[a-z0-9._-]+")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
A_NEW_ONE = gettext_noop("Here is a new one: %(uuid)s")
NO_FILTERS = gettext_noop("Sigma filters are not supported.")
NO_COLLECTIONS = gettext_noop("“action” belongs to an older version of Sigma.")


@dataclass(frozen=True)
class Metadata:
    """Checked; empty where nothing is said."""

    title: str
    uid: str
    name: str
    level: str
    status: str
    author: str
    description: str
    false_positives: tuple[str, ...]
    tags: tuple[str, ...]
    references: tuple[str, ...]


def check_rule(part: Part) -> Mapping[str, Part]:
    """A rule's members, if it is one at all."""
    if not part.is_map:
        raise Wrong(part.line, gettext_noop("A rule begins with keys and values, such as “title: ...”."))
    if "filter" in part.value:
        raise Wrong(part.value["filter"].line, NO_FILTERS).instead(
            gettext_noop("Say it in the rule itself: “selection and not filter”.")
        )
    if "action" in part.value:
        raise Wrong(part.value["action"].line, NO_COLLECTIONS).instead(gettext_noop("Write each rule out."))
    members = check_keys(part, KEYS, "rule")
    if ("detection" in members) == ("correlation" in members):
        raise Wrong(part.line, gettext_noop("A rule has either a detection or a correlation."))
    return members


def metadata(members: Mapping[str, Part], line: int) -> Metadata:
    """What is said about the rule.

    Raises:
        Wrong: with what would be right.
    """
    if "title" not in members:
        raise Wrong(line, NEEDS, name="rule", option="title")
    _check_others(members)
    return Metadata(
        title=text(members["title"], "title", MOST_TITLE, is_line=True),
        uid=_uid(members["id"]) if "id" in members else "",
        name=_name(members["name"]) if "name" in members else "",
        level=one_of(members["level"], "level", LEVELS) if "level" in members else "",
        status=one_of(members["status"], "status", STATUSES) if "status" in members else "",
        author=text(members["author"], "author", 300) if "author" in members else "",
        description=text(members["description"], "description", MOST_TEXT) if "description" in members else "",
        false_positives=texts(members["falsepositives"], "falsepositives") if "falsepositives" in members else (),
        tags=_tags(members["tags"]) if "tags" in members else (),
        references=_references(members["references"]) if "references" in members else (),
    )


def service(members: Mapping[str, Part], line: int) -> Service:
    """Which events the rule is about."""
    source = members.get("logsource")
    if source is None:
        raise Wrong(line, NEEDS, name="rule", option="logsource").instead(EVENTS_OF)
    told = check_keys(source, ("product", "service", "category", "definition"), "logsource")
    if "category" in told:
        raise Wrong(told["category"].line, gettext_noop("Audit events have no category.")).instead(EVENTS_OF)
    for name in ("product", "service"):
        if name not in told:
            raise Wrong(source.line, NEEDS, name="logsource", option=name).instead(EVENTS_OF)
    one_of(told["product"], "product", (PRODUCT,))
    return cast(Service, one_of(told["service"], "service", SERVICES))


EVENTS_OF = gettext_noop("Audit events are “product: vonage” and “service: audit”.")


def _uid(part: Part) -> str:
    written = part.value if isinstance(part.value, str) else ""
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", written):
        raise Wrong(part.line, gettext_noop("“id” must be a UUID.")).instead(A_NEW_ONE, uuid=uuid4())
    return written.lower()


def _name(part: Part) -> str:
    if not isinstance(part.value, str) or not _NAME.fullmatch(part.value):
        raise Wrong(part.line, gettext_noop("“name” may contain letters, digits, _ and - only."))
    return part.value


def _tags(part: Part) -> tuple[str, ...]:
    parts = part.value if part.is_list else [part]
    for one in parts:
        if not isinstance(one.value, str) or not _TAG.fullmatch(one.value):
            raise Wrong(
                one.line,
                gettext_noop("A tag is a namespace and a name, such as attack.t1078: “%(tag)s” is not."),
                tag=one.written,
            )
    return tuple(one.value for one in parts)


def _references(part: Part) -> tuple[str, ...]:
    return tuple(url(one, "references") for one in (part.value if part.is_list else [part]))


def _check_others(members: Mapping[str, Part]) -> None:
    """Keys that nothing here uses, but others may: as Sigma has them."""
    for name in ("date", "modified"):
        if name in members:
            _check_date(members[name], name)
    for name in ("license", "taxonomy"):
        if name in members:
            text(members[name], name, 300)
    for name in ("fields", "scope"):
        if name in members:
            texts(members[name], name)
    if "related" in members and not members["related"].is_list:
        raise Wrong(members["related"].line, gettext_noop("“%(name)s” must be a list."), name="related")


def _check_date(part: Part, name: str) -> None:
    try:
        date.fromisoformat(part.written.replace("/", "-"))
    except ValueError:
        raise Wrong(part.line, gettext_noop("“%(name)s” must be a date, such as 2026-01-31."), name=name) from None

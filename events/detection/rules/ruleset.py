"""Which rules there are: those that ship, those of the folder DETECTION_RULES, and those that people wrote on the site.

One bad rule stops no other: what cannot be read is a problem of its own, and the rest is evaluated.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.utils.translation import gettext_noop

from events.detection.sigma.read import read_rules
from events.detection.sigma.rule import Rule, RuleProblem
from events.models import OwnRule, RuleSwitch

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger(__name__)

Origin = Literal["shipped", "folder", "own"]
CATALOGUE = Path(__file__).parents[1] / "catalogue"
ENDINGS = (".yml", ".yaml")
LARGEST_FILE = 1_000_000  # characters that are read; the reader refuses far less, in words


@dataclass(frozen=True)
class RuleSet:
    """The rules at one moment.

    Attributes:
        rules: those that are on, by id.
        all: also those switched off.
        origins: where each of `all` comes from.
        problems: what could not be read, of files and of rules that are enabled.
        version: changes whenever any of this does.
    """

    rules: dict[str, Rule] = field(default_factory=dict)
    all: dict[str, Rule] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    problems: list[RuleProblem] = field(default_factory=list)
    version: Any = None

    def get(self, uid: str) -> Rule | None:
        """A rule by its id, whether it is on or off."""
        return self.all.get(uid.lower())

    def origin_of(self, uid: str) -> Origin | None:
        return self.origins.get(uid.lower())

    def is_on(self, uid: str) -> bool:
        return uid.lower() in self.rules

    def named(self, name: str) -> list[Rule]:
        """Rules by id, title or file, whatever the letters' case: what a person calls them."""
        wanted = name.strip().lower()
        if rule := self.get(wanted):
            return [rule]
        return [rule for rule in self.all.values() if wanted in _names(rule)]


def _names(rule: Rule) -> set[str]:
    origin = Path(rule.origin).name.lower()
    names = {rule.title.lower(), origin, origin.rpartition(".")[0]}
    return names | {selection.name.lower() for selection in rule.selections[:1] if selection.name}


_latest: RuleSet | None = None


def current_rules() -> RuleSet:
    """The rules as they are now. Read again only when something changed: two queries and a look at the folder."""
    global _latest
    switches = dict(RuleSwitch.objects.values_list("uid", "is_enabled"))
    version = (
        tuple(sorted(switches.items())),
        tuple(OwnRule.objects.order_by("pk").values_list("pk", "version", "is_enabled", "changed_at")),
        _state_of(settings.DETECTION_RULES),
    )
    if _latest is None or _latest.version != version:
        _latest = _read(switches, version)
    return _latest


def _read(switches: dict[str, bool], version: Any) -> RuleSet:
    found = RuleSet(version=version)
    _add(found, "shipped", *shipped())
    if settings.DETECTION_RULES:
        _add(found, "folder", *_read_folder(settings.DETECTION_RULES))
    for own in OwnRule.objects.order_by("pk"):
        rules, problems = read(own.text, own.title)
        _add(found, "own", rules, problems if own.is_enabled else [])
        if not own.is_enabled:
            for rule in rules:
                if found.all[rule.uid] is rule:
                    del found.rules[rule.uid]
    for uid, is_enabled in switches.items():
        if not is_enabled and found.origins.get(uid) != "own":
            found.rules.pop(uid, None)
    return found


def _add(found: RuleSet, origin: Origin, rules: Iterable[Rule], problems: Iterable[RuleProblem]) -> None:
    found.problems.extend(problems)
    for rule in rules:
        if other := found.all.get(rule.uid):
            found.problems.append(_problem(rule.origin, TAKEN, id=rule.uid, title=other.title, other=other.origin))
            continue
        found.all[rule.uid] = found.rules[rule.uid] = rule
        found.origins[rule.uid] = origin


def read(text: str, origin: str) -> tuple[list[Rule], list[RuleProblem]]:
    """What `read_rules` says; a fault in it is a problem of this text alone."""
    try:
        return read_rules(text, origin)
    except Exception as error:  # whatever a text brings about, the other rules are read
        logger.exception("The rule %s could not be read", origin)
        return [], [_problem(origin, UNREADABLE, error=type(error).__name__)]


TAKEN = gettext_noop("The id %(id)s is already used by “%(title)s” (%(other)s).")
UNREADABLE = gettext_noop("It cannot be read (%(error)s).")
FOLDER = gettext_noop("The folder cannot be read: %(error)s.")
FILE = gettext_noop("The file cannot be read: %(error)s.")


def _problem(origin: str, text: str, **values: object) -> RuleProblem:
    return RuleProblem(origin, 1, ((text, values),))


@functools.cache
def shipped() -> tuple[list[Rule], list[RuleProblem]]:
    """The catalogue. It is part of the program, so it is read once."""
    return _read_folder(CATALOGUE)


def _read_folder(folder: Path) -> tuple[list[Rule], list[RuleProblem]]:
    rules: list[Rule] = []
    problems: list[RuleProblem] = []
    try:
        files = _files(folder)
    except OSError as error:
        return [], [_problem(str(folder), FOLDER, error=error.strerror)]
    for path in files:
        try:
            with path.open(encoding="utf-8") as file:
                text = file.read(LARGEST_FILE)
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else "") or type(error).__name__
            problems.append(_problem(path.name, FILE, error=why))
            continue
        found, wrong = read(text, path.name)
        rules += found
        problems += wrong
    return rules, problems


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS and path.is_file())


def _state_of(folder: Path | None) -> Any:
    """What changes when a file of the folder does."""
    if folder is None:
        return ()
    try:
        return tuple((path.name, stat.st_mtime_ns, stat.st_size) for path in _files(folder) for stat in [path.stat()])
    except OSError as error:
        return (error.errno,)

"""What the conditions of `custom.py` need from the archive, read once for an evaluation."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from accounts.models import NexmoAccount
from events.detection.evaluation import custom
from events.detection.evaluation.neighbours import Neighbours
from events.detection.evaluation.seen import Seen, What

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from events.detection.evaluation.custom import Condition, Details
    from events.detection.evaluation.facts import Fact
    from events.detection.evaluation.reader import Reader
    from events.detection.sigma.rule import Selection


class History:
    """What conditions need from the archive, for one evaluation.

    Attributes:
        reader: reads events, up to where they count.
        types: the types of event that the archive knows.
        began: the time of the earliest event of each account that counts, new ones included.
        began_before: the same without the new ones.
        seen: which values came when first, by account and fields.
    """

    def __init__(
        self,
        reader: Reader,
        types: Sequence[str],
        began: Mapping[int, datetime | None],
        began_before: Mapping[int, datetime | None] | None = None,
    ) -> None:
        self.reader = reader
        self.types = types
        self.began = began
        self.began_before = began_before or {}
        self.neighbours = Neighbours(reader)
        self.teams = Teams()
        self.seen: dict[tuple[What, int], Seen] = {}
        self.types_by_rule: dict[str, list[str] | None] = {}
        self._conditions: dict[int, list[Condition]] = {}
        self._taken: dict[int, list[str]] = {}
        self._kept: list[Selection] = []  # so that no other has its id

    def load_seen(self, what: What, account: int) -> Seen:
        """As far as it is filled."""
        found = self.seen.get((what, account))
        if found is None:
            found = self.seen[what, account] = Seen.load(what, account)
        return found

    def forget(self) -> None:
        """Keep no event in memory that was read so far."""
        self.neighbours.forget()

    def seen_in(self, what: What, account: int) -> Seen:
        """Filled up to where the account's events count."""
        found = self.load_seen(what, account)
        if found.upto < (upto := self.reader.upto.get(account, 0)):
            found.read(type(self.reader)(self.reader.upto, self.reader.keys), upto)
        return found

    def of(self, selection: Selection) -> list[Condition]:
        found = self._conditions.get(id(selection))
        if found is None:
            self._kept.append(selection)
            found = [self._condition(name, selection, parameters) for name, parameters in selection.custom.items()]
            self._conditions[id(selection)] = found
        return found

    def _condition(self, name: str, selection: Selection, parameters: Mapping[str, Any]) -> Condition:
        condition: Condition = custom.KINDS[name](self, selection, parameters)
        return condition

    def narrow(self, selection: Selection, candidates: Sequence[Fact]) -> dict[int, Details]:
        """The candidates for which every condition of the selection holds, by key, with what was compared."""
        first, *others = self.of(selection)
        found = first.holding(candidates)
        for condition in others:
            if not found:
                break
            holding = condition.holding([fact for fact in candidates if fact.pk in found])
            found = {pk: details | holding[pk] for pk, details in found.items() if pk in holding}
        return found

    def possible(self, selection: Selection) -> Collection[int] | None:
        """The keys of new events, held by the reader, that the selection's conditions can hold for; None: of any."""
        least: Collection[int] | None = None
        for condition in self.of(selection):
            keys = condition.possible()
            if keys is not None:
                least = keys if least is None else [pk for pk in least if pk in keys]
        return least

    def affected(self, selection: Selection, new: Sequence[Fact]) -> dict[int, Fact]:
        """Events before, for which a condition of the selection may be decided otherwise because of new ones."""
        keys = self.reader.batch_keys if new is self.reader.batch else {fact.pk for fact in new}
        return {
            fact.pk: fact
            for condition in self.of(selection)
            for fact in condition.affected(new)
            if fact.pk not in keys and selection.takes(fact.event_type)
        }

    def firsts_within(self, selection: Selection, account: int, start: datetime, end: datetime) -> list[Fact] | None:
        """Events of a span that are the first with values of which the selection asks it; None: it asks it of none."""
        first_seen = next((each for each in self.of(selection) if isinstance(each, custom.FirstSeen)), None)
        if first_seen is None:
            return None
        return self.reader.by_key(self.seen_in(first_seen.what, account).first_within(start, end))

    def is_newest(self, new: Sequence[Fact]) -> bool:
        """Whether these are known to be all that their account has since the first of them."""
        return new is self.reader.batch and self.reader.is_newest

    def types_of(self, selection: Selection) -> list[str] | None:
        """The types of the archive that a selection takes; None: all."""
        taken = self._taken.get(id(selection))
        if taken is None:
            self._kept.append(selection)
            taken = self._taken[id(selection)] = [code for code in self.types if selection.takes(code)]
        return None if len(taken) == len(self.types) else taken


class Teams:
    """Which accounts have nothing in common."""

    def __init__(self) -> None:
        self._strangers: dict[int, frozenset[int]] = {}
        self._sides: dict[int, set[tuple[str, int]]] | None = None

    def strangers(self, account: int) -> frozenset[int]:
        """The accounts that share neither a team nor the owner with this one."""
        if account not in self._strangers:
            sides = self._read()
            mine = sides.get(account, set())
            self._strangers[account] = frozenset(other for other, theirs in sides.items() if not mine & theirs)
        return self._strangers[account]

    def _read(self) -> dict[int, set[tuple[str, int]]]:
        if self._sides is None:
            self._sides = defaultdict(set)
            for account, owner in NexmoAccount.objects.order_by().values_list("pk", "owner"):
                self._sides[account].add(("owner", owner))
            for account, team in NexmoAccount.teams.through.objects.values_list("nexmoaccount", "group"):
                self._sides[account].add(("team", team))
        return self._sides

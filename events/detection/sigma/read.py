"""Rules from YAML. What cannot be read is told with its line; it stops no other rule."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from events.detection.sigma import conditions, correlations
from events.detection.sigma.custom import Custom, custom
from events.detection.sigma.document import LARGEST_FILE, MOST_DOCUMENTS, Document, Part, documents, line_of_file, parse
from events.detection.sigma.metadata import A_NEW_ONE, Metadata, check_rule, metadata, service
from events.detection.sigma.rule import LEVELS, Rule, RuleProblem, Selection
from events.detection.sigma.tree import compiled, event_types, given, only_values, takes
from events.detection.sigma.wrong import NEEDS, ONE_OF, Wrong, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from events.detection.sigma.tree import Node


# Fields whose values lead straight to an event's place in the archive.
LISTED = ("account", "user_email", "source_ip")


@dataclass(frozen=True)
class _Draft:
    """A document, read as far as it can be by itself.

    Attributes:
        selection: None: it is a correlation.
        correlation: the section; None: it has a detection.
    """

    document: Document
    told: Metadata
    custom: Custom
    selection: Selection | None
    correlation: Part | None
    line: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in (self.told.name, self.told.uid) if name)


@dataclass(frozen=True)
class _Base:
    """A rule that a correlation names.

    Attributes:
        place: of its draft in the file; None: it is of another file.
    """

    reference: str
    line: int
    selection: Selection
    names: tuple[str, ...]
    place: int | None


def read_rules(
    text: str, origin: str, known: Mapping[str, Selection] | None = None
) -> tuple[list[Rule], list[RuleProblem]]:
    """The rules of one file that make findings, and what is wrong with the others.

    Rules that a correlation of the same file names make none of their own, unless it says `generate: true`.

    Args:
        origin: the file's name or the rule's title, for messages.
        known: selections of other files by name and id, for correlations to name.
    """
    return _File(text, origin, known or {}).read()


class _File:
    def __init__(self, text: str, origin: str, known: Mapping[str, Selection]) -> None:
        self.text = text
        self.origin = origin
        self.known = known
        self.problems: list[RuleProblem] = []
        self.drafts: list[_Draft] = []
        self.unread: set[str] = set()  # what rules are called that could not be read
        # What correlations name that could not be read: those rules were not written to make findings by themselves.
        self.named_in_vain: set[str] = set()

    def read(self) -> tuple[list[Rule], list[RuleProblem]]:
        if len(self.text) > LARGEST_FILE:
            self._note(Wrong(1, gettext_noop("A file of rules has at most %(most)s KB."), most=LARGEST_FILE // 1024), 1)
            return [], self.problems
        found = documents(self.text)
        if not found:
            self._note(Wrong(1, gettext_noop("There is no rule in it.")), 1)
        if len(found) > MOST_DOCUMENTS:
            line = found[MOST_DOCUMENTS].first_line
            self._note(Wrong(1, gettext_noop("A file has at most %(most)s rules."), most=MOST_DOCUMENTS), line)
        for document in found[:MOST_DOCUMENTS]:
            self._draft(document)
        return self._rules(), sorted(self.problems, key=lambda problem: problem.line)

    def _note(self, wrong: Wrong, first_line: int) -> None:
        parts = tuple((text, line_of_file(values, first_line)) for text, values in wrong.parts)
        self.problems.append(RuleProblem(self.origin, wrong.line + first_line - 1, parts))

    def _draft(self, document: Document) -> None:
        try:
            part = parse(document.text)
            try:
                draft = _draft(document, part)
                self._check_names(draft, part)
            except Wrong:
                self.unread.update(_called(part))
                self.named_in_vain.update(_named(part))
                raise
            self.drafts.append(draft)
        except Wrong as wrong:
            self._note(wrong, document.first_line)

    def _check_names(self, draft: _Draft, part: Part) -> None:
        for other in self.drafts:
            for name in draft.names:
                if name in other.names:
                    key = "id" if name == draft.told.uid else "name"
                    raise Wrong(
                        part.value[key].line,
                        gettext_noop("The rule on line %(line)s is already called “%(name)s”."),
                        name=name,
                        line=other.line + other.document.first_line - 1,
                    )

    def _rules(self) -> list[Rule]:
        made: dict[int, Rule] = {}
        quiet: set[int] = set()  # drafts that correlations name
        loud: set[int] = set()  # those of them that make findings of their own as well
        for place, draft in enumerate(self.drafts):
            if draft.correlation is None:
                continue
            try:
                bases = self._bases(draft, draft.correlation)
                named = {base.place for base in bases if base.place is not None}
                quiet |= named
                loud |= named if correlations.generates(draft.correlation) else set()
                made[place] = self._correlation(draft, bases)
            except Wrong as wrong:
                self._note(wrong, draft.document.first_line)
                self.named_in_vain.update(_names_in(draft.correlation))
        for place, draft in enumerate(self.drafts):
            if draft.selection is None or (place in quiet and place not in loud):
                continue
            if place not in loud and self.named_in_vain & {*draft.names}:
                continue
            try:
                made[place] = self._rule(draft, (draft.selection,), [draft.document])
            except Wrong as wrong:
                self._note(wrong, draft.document.first_line)
        return [made[place] for place in sorted(made)]

    def _bases(self, draft: _Draft, section: Part) -> list[_Base]:
        """What a correlation names: drafts of this file, or selections known from others."""
        bases = [self._base(draft, part) for part in correlations.named_rules(section)]
        for place, base in enumerate(bases):
            if any(base.selection is other.selection for other in bases[:place]):
                raise Wrong(base.line, gettext_noop("“%(name)s” is listed twice."), name=base.reference)
            if base.selection.service != "audit":
                told = gettext_noop("“%(name)s” is not about audit events, so it cannot be correlated.")
                raise Wrong(base.line, told, name=base.reference)
        return bases

    def _base(self, draft: _Draft, part: Part) -> _Base:
        name = str(part.value)
        called = {name, name.lower()} if name.count("-") == 4 else {name}
        for place, other in enumerate(self.drafts):
            if not called & {*other.names}:
                continue
            if other.selection is not None:
                return _Base(name, part.line, other.selection, other.names, place)
            if other is draft:
                raise Wrong(part.line, gettext_noop("A correlation cannot name itself.")).instead(NAME_DETECTIONS)
            nested = gettext_noop("“%(name)s” is a correlation, and correlations cannot be nested.")
            raise Wrong(part.line, nested, name=name).instead(NAME_DETECTIONS)
        for one in called & {*self.known}:
            return _Base(name, part.line, self.known[one], (self.known[one].name,), None)
        if called & self.unread:
            raise Wrong(part.line, gettext_noop("It names “%(name)s”, which cannot be read."), name=name)
        names = [other.names[0] for other in self.drafts if other is not draft and other.names]
        problem = Wrong(part.line, gettext_noop("There is no rule “%(name)s”."), name=name)
        raise problem.of(name, [*names, *self.known]) if names or self.known else problem

    def _correlation(self, draft: _Draft, bases: Sequence[_Base]) -> Rule:
        places = {base.place for base in bases if base.place is not None}
        used = [self.drafts[place].document for place in places] + [draft.document]
        used.sort(key=lambda document: document.first_line)
        names = [(base.reference, *base.names) for base in bases]
        return self._rule(draft, tuple(base.selection for base in bases), used, names)

    def _rule(
        self,
        draft: _Draft,
        selections: tuple[Selection, ...],
        used: Sequence[Document],
        names: Sequence[Sequence[str]] = (),
    ) -> Rule:
        told, own = draft.told, draft.custom
        correlation = None if draft.correlation is None else correlations.correlation(draft.correlation, names)
        if not told.uid:
            raise Wrong(draft.line, NEEDS, name="rule", option="id").instead(A_NEW_ONE, uuid=uuid4())
        if not told.level:
            raise Wrong(draft.line, NEEDS, name="rule", option="level").instead(ONE_OF, known=", ".join(LEVELS))
        return Rule(
            uid=told.uid,
            title=told.title,
            level=told.level,
            advice=own.advice(told.title, told.description, told.false_positives),
            selections=selections,
            correlation=correlation,
            group_by=correlation.group_by if correlation else own.group_by,
            merge=own.merge,
            tags=told.tags,
            references=told.references,
            dashboard=own.dashboard,
            status=told.status,
            author=told.author,
            text=_together(used),
            origin=self.origin,
        )


NAME_DETECTIONS = gettext_noop("Name rules that have a detection.")


def _draft(document: Document, part: Part) -> _Draft:
    members = check_rule(part)
    told = metadata(members, part.line)
    if "correlation" in members:
        if "logsource" in members:
            raise Wrong(members["logsource"].line, gettext_noop("A correlation takes no “%(name)s”."), name="logsource")
        own = custom(members.get("custom"), "audit", is_correlation=True)
        return _Draft(document, told, own, None, members["correlation"], part.line)
    kind = service(members, part.line)
    own = custom(members.get("custom"), kind)
    node: Node = conditions.detection(members["detection"], kind)
    is_audit = kind == "audit"
    selection = Selection(
        name=told.name or told.uid or told.title,
        service=kind,
        matches=compiled(node),
        event_types=event_types(node) if is_audit else None,
        custom=own.narrowing,
        takes=partial(takes, node) if is_audit else (lambda event_type: True),
        given=partial(given, node) if is_audit else None,
        titles={language: advice.title for language, advice in own.advice(told.title, "", ()).items()},
        only={name: values for name in LISTED if is_audit and (values := only_values(node, name)) is not None},
    )
    return _Draft(document, told, own, selection, None, part.line)


def _called(part: Part) -> set[str]:
    """What a rule calls itself, however wrong the rest of it is."""
    members = part.value if part.is_map else {}
    return {str(members[key].value) for key in ("id", "name") if key in members and members[key].value}


def _named(part: Part) -> set[str]:
    """What a correlation names, however wrong the rest of it is."""
    return _names_in(part.value["correlation"]) if part.is_map and "correlation" in part.value else set()


def _names_in(section: Part) -> set[str]:
    rules = section.value.get("rules") if section.is_map else None
    if rules is None:
        return set()
    return {str(one.value) for one in (rules.value if rules.is_list else [rules])}


def _together(used: Sequence[Document]) -> str:
    """Documents as one file."""
    texts = [document.text.strip("\n").removeprefix("---").strip("\n") for document in used]
    return "\n---\n".join(texts) + "\n"

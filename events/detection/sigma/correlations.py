"""The section `correlation` of a rule: how the matches of other rules go together."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from events.detection.sigma.document import Part
from events.detection.sigma.fields import is_field
from events.detection.sigma.rule import Correlating, Correlation
from events.detection.sigma.values import boolean, check_keys, field_name, field_names, one_of, span
from events.detection.sigma.wrong import NEEDS, Wrong, gettext_noop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

KEYS = ("type", "rules", "group-by", "timespan", "condition", "generate", "aliases")
KINDS: tuple[Correlating, ...] = get_args(Correlating)
UNKNOWN_KINDS = ("value_sum", "value_avg", "value_percentile", "value_median", "temporal_extended")
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda figure, bound: figure > bound,
    "gte": lambda figure, bound: figure >= bound,
    "lt": lambda figure, bound: figure < bound,
    "lte": lambda figure, bound: figure <= bound,
    "eq": lambda figure, bound: figure == bound,
    "neq": lambda figure, bound: figure != bound,
}
MOST_RULES = 10
MOST_EVENTS = 100_000
_EXAMPLE = gettext_noop("Write it as “condition: {gte: 10}”.")


def named_rules(part: Part) -> list[Part]:
    """What a correlation's `rules` names, in order."""
    rules = part.value.get("rules") if part.is_map else None
    if rules is None:
        raise Wrong(part.line, NEEDS, name="correlation", option="rules")
    parts: list[Part] = rules.value if rules.is_list else [rules]
    if not parts:
        raise Wrong(rules.line, gettext_noop("“%(name)s” is empty."), name="rules")
    if len(parts) > MOST_RULES:
        raise Wrong(rules.line, gettext_noop("“%(name)s” has at most %(most)s values."), name="rules", most=MOST_RULES)
    seen: set[str] = set()
    for one in parts:
        if not isinstance(one.value, str) or not one.value:
            raise Wrong(one.line, gettext_noop("“rules” must list other rules by their name or id."))
        if one.value in seen:
            raise Wrong(one.line, gettext_noop("“%(name)s” is listed twice."), name=one.value)
        seen.add(one.value)
    return parts


def generates(part: Part) -> bool:
    """Whether the rules that it names make findings of their own as well."""
    told = part.value.get("generate")
    return told is not None and boolean(told, "generate")


def correlation(part: Part, names: Sequence[Sequence[str]]) -> Correlation:
    """The section.

    Args:
        names: of each of the rules that it names, what it is called.

    Raises:
        Wrong: with what would be right.
    """
    members = check_keys(part, KEYS, "correlation")
    kind = _kind(members, part)
    if "timespan" not in members:
        raise Wrong(part.line, NEEDS, name="correlation", option="timespan")
    aliases = _aliases(members["aliases"], names) if "aliases" in members else {}
    group_by: tuple[str, ...] = ()
    if "group-by" in members:
        group_by = field_names(members["group-by"], "group-by", "audit", most=6, also=aliases)
    for alias in aliases:
        if alias not in group_by:
            line = members["aliases"].line
            raise Wrong(line, gettext_noop("“group-by” does not use the alias “%(name)s”."), name=alias)
    bounds, value_field = _condition(members.get("condition"), kind, part, len(names))
    figures = _figures(kind, len(names))
    # The smallest that is enough lies at the beginning or at a bound.
    edges = [figures[0], *bounds.values(), *(bound + 1 for bound in bounds.values())]
    minimum = min((figure for figure in edges if figure in figures and _is_enough(bounds, figure)), default=None)
    if minimum is None:
        line = members["condition"].line
        raise Wrong(line, gettext_noop("No window can satisfy this condition.")).instead(
            gettext_noop("A window is from %(least)s to %(most)s long."), least=figures[0], most=figures[-1]
        )
    return Correlation(
        kind=kind,
        group_by=group_by,
        timespan=span(members["timespan"], "timespan"),
        compare=partial(_is_enough, bounds),
        minimum=minimum,
        value_field=value_field,
        only_at_least=bounds.keys() <= {"gt", "gte"},
        required=_required(bounds) if kind == "temporal_ordered" else 0,
        aliases=aliases,
    )


def _kind(members: Mapping[str, Part], part: Part) -> Correlating:
    if "type" not in members:
        raise Wrong(part.line, NEEDS, name="correlation", option="type")
    told = members["type"]
    if told.value in UNKNOWN_KINDS:
        raise Wrong(
            told.line, gettext_noop("Correlations of the type “%(name)s” are not supported."), name=told.value
        ).of("", KINDS)
    kind = one_of(told, "type", KINDS)
    return next(known for known in KINDS if known == kind)


def _figures(kind: Correlating, rules: int) -> range:
    """What a window can count: it ends at a hit, which may be without the value counted."""
    if kind.startswith("temporal"):
        return range(1, rules + 1)
    return range(0 if kind == "value_count" else 1, MOST_EVENTS + 1)


def _is_enough(bounds: Mapping[str, int], figure: int) -> bool:
    return all(COMPARISONS[name](figure, bound) for name, bound in bounds.items())


def _required(bounds: Mapping[str, int]) -> int:
    """How many rules must follow one another, where a lower bound says so."""
    least = [bound + 1 if name == "gt" else bound for name, bound in bounds.items() if name in ("gt", "gte")]
    return max(least, default=0)


def _condition(part: Part | None, kind: Correlating, section: Part, rules: int) -> tuple[Mapping[str, int], str]:
    if part is None:
        if kind.startswith("temporal"):
            return {"gte": rules}, ""
        raise Wrong(section.line, NEEDS, name="correlation", option="condition").instead(_EXAMPLE)
    if not part.is_map:
        raise Wrong(part.line, gettext_noop("The condition of a correlation must be a comparison.")).instead(_EXAMPLE)
    known = (*COMPARISONS, "field") if kind == "value_count" else tuple(COMPARISONS)
    members = dict(check_keys(part, known, "condition"))
    told = members.pop("field", None)
    if kind == "value_count" and told is None:
        raise Wrong(part.line, NEEDS, name="condition", option="field")
    if not members:
        raise Wrong(part.line, gettext_noop("The condition compares with nothing.")).instead(_EXAMPLE)
    bounds: dict[str, int] = {}
    for name, bound in members.items():
        value: Any = bound.value
        # Every window has at least one rule's hits, so no less is asked for.
        least = 1 if kind.startswith("temporal") and name != "gt" else 0
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_EVENTS:
            raise Wrong(
                bound.line,
                gettext_noop("“%(name)s” must be a whole number from %(least)s to %(most)s."),
                name=name,
                least=least,
                most=MOST_EVENTS,
            )
        bounds[name] = value
    return bounds, field_name(told, "field", "audit") if told is not None else ""


def _aliases(part: Part, names: Sequence[Sequence[str]]) -> Mapping[str, Mapping[int, str]]:
    if not part.is_map:
        raise Wrong(part.line, gettext_noop("“%(name)s” must have keys and values."), name="aliases")
    aliases: dict[str, dict[int, str]] = {}
    for alias, mapping in part.value.items():
        if not re.fullmatch(r"[A-Za-z][\w.-]{0,99}", alias, re.ASCII):
            raise Wrong(mapping.line, gettext_noop("“%(name)s” cannot be the name of an alias."), name=alias)
        if not mapping.is_map or not mapping.value:
            raise Wrong(mapping.line, gettext_noop("An alias says for each rule which field it is."))
        fields: dict[int, str] = {}
        for reference, told in mapping.value.items():
            place = next((place for place, called in enumerate(names) if reference in called), None)
            if place is None:
                raise Wrong(told.line, gettext_noop("“rules” does not name “%(name)s”."), name=reference).of(
                    reference, [name for called in names for name in called]
                )
            fields[place] = field_name(told, alias, "audit")
        for place, called in enumerate(names):
            if place not in fields and not is_field(alias, "audit"):
                problem = gettext_noop("The alias “%(alias)s” does not say which field it is for “%(name)s”.")
                raise Wrong(mapping.line, problem, alias=alias, name=called[0])
        aliases[alias] = fields
    return aliases

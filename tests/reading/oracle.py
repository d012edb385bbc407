"""Conditions as a queryset: the plain reading, against which tests hold the fast one."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from events.models import FirstSeen
from events.reading.conditions import contains
from events.reading.filterable import DIMENSIONS

if TYPE_CHECKING:
    from events.models.querysets import AuditEventQuerySet
    from events.reading.conditions import Conditions
    from events.reading.filterable import Dimension


def matching(events: AuditEventQuerySet, conditions: Conditions) -> AuditEventQuerySet:
    """Those of the events that meet all conditions."""
    if conditions.is_empty:
        return events.none()
    matches = events if conditions.accounts is None else events.filter(account__in=conditions.accounts)
    for name, values in conditions.wanted.items():
        matches = matches.filter(_is_among(DIMENSIONS[name], values))
    for name, values in conditions.unwanted.items():
        matches = matches.exclude(_is_among(DIMENSIONS[name], values))
    if conditions.start:
        matches = matches.filter(created_at__gte=conditions.start)
    if conditions.end:
        matches = matches.filter(created_at__lte=conditions.end)
    if conditions.new_country:
        matches = matches.filter(pk__in=FirstSeen.objects.values("event"))
    if conditions.text:
        condition, patterns = contains(conditions.text)
        matches = matches.filter(RawSQL(f"({condition})", patterns, output_field=models.BooleanField()))  # noqa: S611 - ours
    return matches


def _is_among(dimension: Dimension, values: tuple[Any, ...]) -> Q:
    column = dimension.column
    if dimension.ranges:
        return reduce(or_, (Q(**{f"{column}__gte": first, f"{column}__lte": last}) for first, last in values))
    return Q(**{f"{column}__in": values})

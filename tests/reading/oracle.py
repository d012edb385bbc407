"""Conditions as a queryset: the plain reading, against which tests hold the fast one."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL

from events.models import FirstSeen
from events.reading.conditions import COLUMNS, contains

if TYPE_CHECKING:
    from events.models.querysets import AuditEventQuerySet
    from events.reading.conditions import Conditions


def matching(events: AuditEventQuerySet, conditions: Conditions) -> AuditEventQuerySet:
    """Those of the events that meet all conditions."""
    if conditions.is_empty:
        return events.none()
    columns = {name: column.removesuffix("_id") for name, column in COLUMNS.items()}
    matches = events.filter(**{f"{columns[name]}__in": values for name, values in conditions.values().items()})
    if conditions.networks:
        ranges = [Q(source_ip_key__gte=first, source_ip_key__lte=last) for first, last in conditions.networks]
        matches = matches.filter(reduce(or_, ranges, Q(source_ip_key__in=conditions.addresses)))
    for name, unwanted in conditions.without:
        if name == "networks":
            ranges = [Q(source_ip_key__gte=first, source_ip_key__lte=last) for first, last in unwanted]
            matches = matches.exclude(reduce(or_, ranges))
        else:
            matches = matches.exclude(**{f"{columns[name]}__in": unwanted})
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

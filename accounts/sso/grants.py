"""What the provider's groups give a person here, brought up to date."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.sso import signals
from accounts.sso.config import STAFF, SUPERUSER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.sso.config import GroupMap

logger = logging.getLogger("accounts.sso")


@transaction.atomic
def apply(person: Any, groups: Iterable[str], mapped: GroupMap) -> None:
    """Give a person what their groups give, and take what the map could give but their groups do not.

    Teams, roles and marks that the map names nowhere are left as they are: an administrator gave them. Teams that do
    not exist yet are made, without accounts.
    """
    given, managed = mapped.of(groups), mapped.everything
    held = {group.name: group for group in person.groups.filter(name__in=managed.groups)}
    gained = sorted(given.groups - held.keys())
    lost = sorted(held.keys() - given.groups)
    person.groups.remove(*(held[name] for name in lost))
    person.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in gained))
    changed = []
    for field, mark, is_managed, wanted in (
        ("is_staff", STAFF, managed.staff, given.staff),
        ("is_superuser", SUPERUSER, managed.superuser, given.superuser),
    ):
        if is_managed and getattr(person, field) != wanted:
            setattr(person, field, wanted)
            changed.append(field)
            (gained if wanted else lost).append(mark)
    if changed:
        person.save(update_fields=changed)
    if gained or lost:
        for name in ("_perm_cache", "_user_perm_cache", "_group_perm_cache"):
            person.__dict__.pop(name, None)
        logger.info(
            "%s: gained %s; lost %s",
            person.get_username(),
            ", ".join(gained) or "nothing",
            ", ".join(lost) or "nothing",
        )
        signals.rights_changed.send(type(person), person=person, gained=gained, lost=lost)

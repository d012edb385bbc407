"""Who may change whom. Whoever sets somebody's password can log in as them, and then has their rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.db.models import Q

if TYPE_CHECKING:
    from django.db.models import QuerySet


def may_touch(editor: Any, person: Any) -> bool:
    """Whether an editor may change somebody, or delete them: only if that person holds no permission that the editor
    lacks. People who are switched off count with all they would have: the editor could switch them on.
    """
    if editor.is_superuser or editor.pk == person.pk:
        return True
    if person.is_superuser:
        return False
    return not _held_by(person).exclude(pk__in=_held_by(editor).values("pk")).exists()


def _held_by(person: Any) -> QuerySet[Permission]:
    return Permission.objects.order_by().filter(Q(user=person) | Q(group__user=person))

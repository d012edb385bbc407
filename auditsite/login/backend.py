"""Who somebody is, and what they may: every page asks."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection

from accounts.login import second_factor
from accounts.models import Profile
from accounts.prepared import Prepared

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class Backend(AuthenticationBackend):
    """allauth's, which looks a person up together with their profile and permissions: every page needs them."""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """By password: where single sign-on is the way in, for superusers alone (LOCAL_LOGIN)."""
        person = super().authenticate(request, **credentials)
        return person if person is not None and may_log_in_here(person) else None

    def get_user(self, user_id: Any) -> Any:
        is_ruled = settings.REQUIRE_MFA != second_factor.OFF
        rows = (_RULED_PERSON if is_ruled else _PERSON).rows(user_id)
        if not rows:
            return None
        names, of_profile = _person_fields()
        user = get_user_model().from_db(connection.alias, names, rows[0][: len(names)])
        end = len(names) + len(of_profile)
        has_profile = rows[0][len(names)] is not None
        profile = Profile.from_db(connection.alias, of_profile, rows[0][len(names) : end]) if has_profile else None
        Profile._meta.get_field("user").remote_field.set_cached_value(user, profile)
        if is_ruled:
            second_factor.remember(user, *rows[0][end:])
        return user if self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """As Django's, but one query that is compiled once; superusers have them all without any."""
        if not user_obj.is_active or user_obj.is_anonymous or user_obj.is_superuser or obj is not None:
            granted: set[str] = super().get_all_permissions(user_obj, obj)
            return granted
        if not hasattr(user_obj, "_perm_cache"):
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in _PERMISSIONS.rows(user_obj.pk)}
        known: set[str] = user_obj._perm_cache
        return known


def may_log_in_here(person: Any) -> bool:
    """Whether somebody may log in without single sign-on (LOCAL_LOGIN)."""
    return settings.LOCAL_LOGIN == "everyone" or bool(person.is_superuser)


@lru_cache
def _person_fields() -> tuple[list[str], list[str]]:
    return (
        [field.attname for field in get_user_model()._meta.concrete_fields],
        [field.attname for field in Profile._meta.concrete_fields],
    )


def _person(user: int, *more: Any) -> QuerySet[Any]:
    of_user, of_profile = _person_fields()
    people = get_user_model()._default_manager.filter(pk=user)
    return people.values_list(*of_user, *(f"profile__{name}" for name in of_profile), *more)


def _ruled_person(user: int) -> QuerySet[Any]:
    """With what REQUIRE_MFA asks of everybody."""
    return _person(user, *second_factor.standing_columns())


def _permissions(user: int) -> QuerySet[Any]:
    # Two lists: one with "or" in it would look through all permissions there are.
    own, of_groups = Permission.objects.filter(user=user), Permission.objects.filter(group__user=user)
    columns = ("content_type__app_label", "codename")
    return own.order_by().values_list(*columns).union(of_groups.order_by().values_list(*columns))


_PERSON, _RULED_PERSON, _PERMISSIONS = Prepared(_person), Prepared(_ruled_person), Prepared(_permissions)

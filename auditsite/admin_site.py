"""What holds for every page of the admin, whoever registers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.validators import RegexValidator
from django.db import models
from django.utils.safestring import SafeData, mark_safe
from django.utils.text import capfirst

from accounts.access.note import note
from accounts.access.words import Action, Kind, kind_of_model
from accounts.validators import name_validator, text_validator
from events.wording.printable import printable

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

LONGEST_SEARCH = 200  # characters
# What the filters beside a list write into its address, after a field's own path.
SUFFIXES = ("", "__exact", "__isnull", "__id__exact", "__gte", "__lt")


class DeclaredOrder(ChangeList):
    """A list that is sorted by what its admin declares sortable, also where an address asks for more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            self.title = capfirst(str(self.opts.verbose_name_plural))  # not "Select team to change"

    def get_ordering_field(self, field_name: Any) -> Any:
        return super().get_ordering_field(field_name) if field_name in (self.sortable_by or ()) else None

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        if not self.sortable_by:
            self.params.pop(ORDER_VAR, None)  # in its own order then, not in none
        return list(super().get_ordering(request, queryset))


class GuardedAdmin(admin.ModelAdmin):
    """Django lets an address filter a list by any field and lookup, regular expressions too. Here only by what the
    list offers."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in self._declared_lookups(request) and super().lookup_allowed(lookup, value, request)

    def _declared_lookups(self, request: HttpRequest) -> set[str]:
        allowed: set[str] = set()
        filters: Any = self.get_list_filter(request)
        for item in filters:
            if isinstance(item, type):
                allowed.add(item.parameter_name)  # type: ignore[attr-defined]
                continue
            path = item if isinstance(item, str) else item[0]
            allowed |= {f"{path}{suffix}" for suffix in SUFFIXES}
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return allowed

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeclaredOrder

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # Nothing rather than everything, where nothing can be searched for.
        if search_term and (len(search_term) > LONGEST_SEARCH or not self.get_search_fields(request)):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        changed = list(form.changed_data)
        for formset in formsets or ():
            changed += [name for inline in formset.forms for name in inline.changed_data]
        request.access_fields = sorted(set(changed))  # type: ignore[attr-defined]
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _note(request, Action.CREATED, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        _note(request, Action.CHANGED, obj, **({"said": message} if isinstance(message, str) else {}))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            _note(request, Action.DELETED, obj)
        return super().log_deletions(request, queryset)

    def message_user(self, request: HttpRequest, message: Any, *args: Any, **kwargs: Any) -> None:
        text = printable(message)  # its codes are harmless in HTML: what was safe stays so
        super().message_user(request, mark_safe(text) if isinstance(message, SafeData) else text, *args, **kwargs)  # noqa: S308

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            # What a field chooses from is added, changed and deleted on its own pages, which say what that means.
            field.widget.can_add_related = field.widget.can_change_related = field.widget.can_delete_related = False
        # What has a pattern of its own says better what it should be.
        has_pattern = any(
            isinstance(known, RegexValidator) and not isinstance(known, UnicodeUsernameValidator)  # any letters will do
            for known in db_field.validators
        )
        if isinstance(field, forms.CharField) and not isinstance(field.widget, forms.PasswordInput) and not has_pattern:
            lines = isinstance(db_field, models.TextField)
            field.validators.append(text_validator if lines else name_validator)
        return field


class Site(admin.AdminSite):
    """The admin's site: whatever is registered, by our apps or by others, is guarded."""

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        base = admin_class or admin.ModelAdmin
        guarded = base if issubclass(base, GuardedAdmin) else _guarded(base)
        super().register(model_or_iterable, guarded, **options)


# Fields that say who may do what, on the pages of people, teams and accounts.
_RIGHTS = frozenset(
    ("groups", "user_permissions", "permissions", "is_staff", "is_superuser", "is_active")
    + ("roles", "members", "people", "teams", "owner", "shared_with")
)


def _note(request: HttpRequest, action: Action, obj: Any, **detail: Any) -> None:
    """Tell the access log; of fields their names alone."""
    kind = kind_of_model(str(obj._meta.model_name))
    fields = getattr(request, "access_fields", [])
    if fields:
        detail["fields"] = fields
    if action is Action.CHANGED and any("secret" in name for name in fields):
        action = Action.CREDENTIALS_CHANGED
    elif action is Action.CHANGED and kind in (Kind.PERSON, Kind.TEAM, Kind.ACCOUNT) and not _RIGHTS.isdisjoint(fields):
        action = Action.RIGHTS_CHANGED
    if kind is Kind.OTHER:
        detail["model"] = str(obj._meta.model_name)
    accounts = [obj.api_key] if kind is Kind.ACCOUNT else []
    note(request, action, kind, obj=obj, accounts=accounts, **detail)


def _guarded(base: type[admin.ModelAdmin]) -> type[admin.ModelAdmin]:
    return type(base.__name__, (GuardedAdmin, base), {"__module__": base.__module__, "__doc__": base.__doc__})

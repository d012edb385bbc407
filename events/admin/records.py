"""Events, types, sync runs and what proves the archive: to look at, not to touch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import EnglishLog, ExplainedDeletion
from accounts.models import NexmoAccount
from events.models import (
    AuditEvent,
    Discrepancy,
    EventType,
    MonthCount,
    Removal,
    ReviewStatement,
    SavedView,
    Seal,
    SyncRun,
)
from events.models.querysets import ScopedQuerySet
from events.nexmo.catalog import EVENT_TYPES

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


class CappedPaginator(Paginator):
    """Counts no further than it must: nobody pages by hand through millions of rows, but counting them takes long."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most].count())


class LookedAtAdmin(EnglishLog):
    """To look at, not to touch."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(LookedAtAdmin):
    """The same of many rows; scoped to the accounts that the reader may see."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    view_on_site = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.visible_to(request.user) if isinstance(rows, ScopedQuerySet) else rows


def goes_with(request: HttpRequest, name: str) -> bool:
    """Whether something else is deleted, on one of its own pages: the admin asks about what goes with it too."""
    match = request.resolver_match
    return bool(match and (match.url_name or "").startswith(name))


class VisibleAccountFilter(admin.SimpleListFilter):
    """Accounts to choose from: only those that the reader may see."""

    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(account.api_key, account.name) for account in NexmoAccount.objects.visible_to(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if not chosen:
            return queryset
        known = {api_key for api_key, _ in self.lookup_choices}
        return queryset.filter(account__api_key=chosen) if chosen in known else queryset.none()


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    exclude = ("source_ip_key",)
    list_display = ("created_at", "account", "event_type", "user_email", "source", "source_ip", "source_country")
    list_filter = (VisibleAccountFilter,)
    list_select_related = ("account",)
    sortable_by = ()  # it comes along an index; other orders would sort the whole archive
    # No search: the site's own pages do that along indexes, and the list leads there.

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("raw", "context")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Events as received are for those who may see them whole; the site's own page shows the others what it may."""
        hidden = () if NexmoAccount.objects.sees_sensitive(request.user) else ("raw", "context", "searchable")
        return (*self.exclude, *hidden)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> AuditEvent | None:
        event: AuditEvent | None = super().get_object(request, object_id, from_field)
        if event and not NexmoAccount.objects.sees_sensitive(request.user):
            event.mask_texts()
        return event

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What is sensitive in a list is for nobody, as in the site's own."""
        changelist: Any = super().get_changelist_instance(request)
        changelist.result_list = list(changelist.result_list)
        for event in changelist.result_list:
            event.mask_texts(self.list_display)
        return changelist


@admin.register(EventType)
class EventTypeAdmin(ReadOnlyAdmin):
    list_display = ("code", "description", "listed_at", "first_seen_at")
    search_fields = ("code", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Types that Nexmo lists, and those that events of the reader's accounts carry."""
        carried = MonthCount.objects.visible_to(request.user).filter(event_type=OuterRef("code"), count__gt=0)
        listed = Q(listed_at__isnull=False) | Q(code__in=EVENT_TYPES)
        return super().get_queryset(request).filter(listed | Exists(carried))

    def get_list_display(self, request: HttpRequest) -> Any:
        hidden = self.get_exclude(request)
        return [name for name in self.list_display if name not in hidden]

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """When a type was first seen in any account is for those who see them all."""
        return () if NexmoAccount.objects.sees_all(request.user) else ("first_seen_at",)


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return goes_with(request, "accounts_nexmoaccount_")  # and only so

    list_display = ("started_at", "account", "status", "trigger", "added", "seen", "requests", "problem_code")
    list_filter = (VisibleAccountFilter, "status", "trigger")
    list_select_related = ("account",)


@admin.register(Removal)
class RemovalAdmin(ReadOnlyAdmin):
    list_display = ("removed_at", "account", "count", "held", "older_than", "reason", "requested_by")
    list_select_related = ("account", "requested_by")


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("sealed_at", "account", "seq", "key_id", "sent_to")
    list_filter = (VisibleAccountFilter,)
    list_select_related = ("account",)


@admin.register(ReviewStatement)
class ReviewStatementAdmin(ReadOnlyAdmin):
    list_display = ("signed_at", "account", "username", "count", "key_id")
    list_filter = (VisibleAccountFilter,)
    list_select_related = ("account", "review")
    exclude = ("numbers",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("numbers")

    @admin.display(description=_("signed at"), ordering="review__signed_at")
    def signed_at(self, statement: ReviewStatement) -> Any:
        return statement.review.signed_at

    @admin.display(description=_("person"), ordering="review__username")
    def username(self, statement: ReviewStatement) -> str:
        return statement.review.username


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    list_display = ("noticed_at", "account", "kind", "event", "withdrawn_at")
    list_filter = (VisibleAccountFilter, "kind")
    list_select_related = ("account", "event")


@admin.register(SavedView)
class SavedViewAdmin(ExplainedDeletion, ReadOnlyAdmin):
    """Everybody's views: for superusers only, who may delete what should not be shared.

    Whoever may delete a user deletes those of that user too.
    """

    list_display = ("name", "owner", "team", "query", "updated_at")
    list_select_related = ("owner", "team")
    search_fields = ("name", "owner__username")
    switches_off = False

    def consequences(self, request: HttpRequest, obj: SavedView) -> list[Any]:
        if obj.team is None:
            return [gettext("%(person)s loses this view. Nobody else uses it.") % {"person": obj.owner}]
        lost = gettext("%(person)s and the team %(team)s lose this view.")
        return [lost % {"person": obj.owner, "team": obj.team}]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) or goes_with(request, "auth_user_")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

"""Events, types and sync runs in the admin, all read-only; and accounts with their sync health and actions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import EnglishLog, NexmoAccountAdmin
from accounts.fields import SecretUnreadable
from accounts.models import NexmoAccount
from events.health.status import statuses
from events.models import AuditEvent, Discrepancy, EventType, LegalHold, MonthCount, Removal, SavedView, Seal, SyncRun
from events.models.querysets import ScopedQuerySet
from events.nexmo.catalog import EVENT_TYPES
from events.nexmo.errors import AuditAPIError
from events.operations import tasks
from events.sync import asking, state
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


LONGEST_TEST = 20.0  # seconds that testing several connections may take before it stops
WATCH = _('Its next sync starts within seconds: <a href="{}">watch it</a>. The action "Test connection" tries it now.')


class CappedPaginator(Paginator):
    """Counts no further than it must: nobody pages by hand through millions of rows, but counting them takes long."""

    most = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.most].count())


class ReadOnlyAdmin(EnglishLog):
    """To look at, not to touch; scoped to the accounts that the reader may see."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows.visible_to(request.user) if isinstance(rows, ScopedQuerySet) else rows


def _goes_with(request: HttpRequest, name: str) -> bool:
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


@admin.register(EventType)
class EventTypeAdmin(ReadOnlyAdmin):
    list_display = ("code", "description", "listed_at", "first_seen_at")
    search_fields = ("code", "description")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Types that Nexmo lists, and those that events of the reader's accounts carry."""
        carried = MonthCount.objects.visible_to(request.user).filter(event_type=OuterRef("code"), count__gt=0)
        listed = Q(listed_at__isnull=False) | Q(code__in=EVENT_TYPES)
        return super().get_queryset(request).filter(listed | Exists(carried))


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnlyAdmin):
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _goes_with(request, "accounts_nexmoaccount_")  # and only so

    list_display = ("started_at", "account", "status", "trigger", "added", "seen", "requests", "problem_code")
    list_filter = (VisibleAccountFilter, "status", "trigger")
    list_select_related = ("account",)


@admin.register(NexmoAccount)
class SyncedAccountAdmin(NexmoAccountAdmin):
    """Accounts, with what only `events` knows about them."""

    list_display = ("name", "health", "api_key", "owner", "is_active", "last_sync", "event_count")
    actions = ("test_connection", "sync_now")

    def view_on_site(self, obj: NexmoAccount) -> str:
        return obj.get_absolute_url()

    def get_readonly_fields(self, request: HttpRequest, obj: NexmoAccount | None = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj)]
        if obj and (obj.covered_spans.exists() or obj.events.exists()):
            fields.append("api_key")  # what is archived belongs to this key; another key is another account
        return fields

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        account_statuses = statuses(changes.result_list, worker_alive=tasks.worker_is_alive())
        for status in account_statuses:
            status.account.sync_status = status  # type: ignore[attr-defined]
        return changes

    @admin.display(description=_("sync health"))
    def health(self, account: Any) -> str:
        health = account.sync_status.health
        return format_html('<span class="health {}" title="{}">{}</span>', health.level, health.sentence, health.label)

    @admin.display(description=_("last sync"))
    def last_sync(self, account: Any) -> str:
        return show(account.sync_status.last_success_at) or gettext("never")

    @admin.display(description=_("events"))
    def event_count(self, account: Any) -> str:
        return grouped(account.sync_status.event_count)

    def save_model(self, request: HttpRequest, obj: NexmoAccount, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if {"api_key", "api_secret", "api_secret_secondary", "remove_second_secret", "is_active"} & set(
            form.changed_data
        ):
            state.make_due(obj)  # new credentials deserve a new try, now
            if obj.is_active:
                self.message_user(request, format_html(str(WATCH), obj.get_absolute_url()), messages.INFO)

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def _mine(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.manageable_by(request.user)

    @admin.action(description=_("Test connection"), permissions=["sync"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[NexmoAccount]) -> None:
        """Ask Nexmo for a page of one event, once, and say how it went."""
        try:
            with asking.turn(request.user):
                self._test_connections(request, self._mine(request, queryset))
        except asking.NotAsked as error:
            self.message_user(request, str(error), messages.WARNING)

    def _test_connections(self, request: HttpRequest, accounts: Any) -> None:
        deadline = time.monotonic() + LONGEST_TEST
        for number, account in enumerate(accounts):
            if time.monotonic() > deadline:
                rest = accounts.count() - number
                text = ngettext(
                    "%(count)s account was not tested: this took too long. Select fewer at a time.",
                    "%(count)s accounts were not tested: this took too long. Select fewer at a time.",
                    rest,
                )
                self.message_user(request, text % {"count": rest}, messages.WARNING)
                return
            try:
                with asking.client_now(account, request.user, even_if_refused=True) as client:
                    page = client.list_events(size=1)
            except asking.NotAsked as error:
                self.message_user(request, f"{account}: {error}", messages.WARNING)
                continue
            except (AuditAPIError, SecretUnreadable) as error:
                self.message_user(request, f"{account}: {error}", messages.ERROR)
                continue
            state.clear_refusal(account)
            self.message_user(request, _works(account, page.total), messages.SUCCESS)

    @admin.action(description=_("Sync now"), permissions=["sync"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[NexmoAccount]) -> None:
        """Have the selected accounts synced by the worker."""
        accounts = self._mine(request, queryset)
        tasks.request_syncs(accounts.active(), request.user)
        for account in accounts:
            if not account.is_active:
                off = gettext("%(account)s is inactive; activate it first.") % {"account": account}
                self.message_user(request, off, messages.WARNING)
                continue
            begun = gettext("%(account)s: the sync starts as soon as a worker is free.") % {"account": account}
            self.message_user(request, begun, messages.SUCCESS)


def _works(account: NexmoAccount, total: int | None) -> str:
    if total is None:
        return gettext("%(account)s: works. Nexmo does not say how many events it lists.") % {"account": account}
    text = ngettext(
        "%(account)s: works. Nexmo lists %(count)s event.", "%(account)s: works. Nexmo lists %(count)s events.", total
    )
    return text % {"account": account, "count": grouped(total)}


@admin.register(LegalHold)
class LegalHoldAdmin(EnglishLog):
    """Holds are made and released, and never deleted: that something was held is part of the record."""

    list_display = ("__str__", "reason", "created_at", "created_by", "released_at", "released_by")
    fields = ("account", "first_day", "last_day", "reason", "created_at", "created_by", "released_at", "released_by")
    readonly_fields = ("created_at", "created_by", "released_at", "released_by")
    actions = ("release",)

    def get_readonly_fields(self, request: HttpRequest, obj: LegalHold | None = None) -> Any:
        return self.fields if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: LegalHold, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
        super().save_model(request, obj, form, change)

    @admin.action(description=_("Release"), permissions=["change"])
    def release(self, request: HttpRequest, queryset: Any) -> None:
        """Let go of holds: retention may remove again what they kept."""
        count = queryset.filter(released_at=None).update(released_at=timezone.now(), released_by=request.user)
        released = ngettext("%(count)s hold released.", "%(count)s holds released.", count) % {"count": count}
        self.message_user(request, released, messages.SUCCESS)


@admin.register(Removal)
class RemovalAdmin(ReadOnlyAdmin):
    list_display = ("removed_at", "account", "count", "held", "older_than", "reason", "requested_by")
    list_select_related = ("account", "requested_by")


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    list_display = ("sealed_at", "account", "seq", "key_id", "sent_to")
    list_filter = (VisibleAccountFilter,)
    list_select_related = ("account",)


@admin.register(Discrepancy)
class DiscrepancyAdmin(ReadOnlyAdmin):
    list_display = ("noticed_at", "account", "kind", "event", "withdrawn_at")
    list_filter = (VisibleAccountFilter, "kind")
    list_select_related = ("account", "event")


@admin.register(SavedView)
class SavedViewAdmin(ReadOnlyAdmin):
    """Everybody's views: for superusers only, who may delete what should not be shared.

    Whoever may delete a user deletes those of that user too.
    """

    list_display = ("name", "owner", "team", "query", "updated_at")
    list_select_related = ("owner", "team")
    search_fields = ("name", "owner__username")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) or _goes_with(request, "auth_user_")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

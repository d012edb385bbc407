"""Accounts, with what only `events` knows about them: how syncing goes, the connection's test, retention and holds."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.access.note import note
from accounts.access.words import Action, Kind
from accounts.admin import NexmoAccountAdmin
from accounts.models import NexmoAccount
from events.archive import permanent, retention
from events.health.completeness import coverage_sentence
from events.health.status import statuses
from events.models import LegalHold, SyncRun
from events.operations import tasks
from events.sync import asking, connection, state
from events.wording.codes import grouped
from events.wording.times import show

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


LONGEST_TEST = 20.0  # seconds that testing several connections may take before it stops
WATCH = _('Its next sync starts within seconds: <a href="{}">watch it</a>, or test the connection now.')
CREDENTIALS = {"api_key", "api_secret", "api_secret_secondary", "remove_second_secret"}


@admin.register(NexmoAccount)
class SyncedAccountAdmin(NexmoAccountAdmin):
    """Accounts, with what only `events` knows about them."""

    change_form_template = "admin/accounts/nexmoaccount/change_form.html"
    list_display = ("name", "health", "api_key", "owner", "is_active", "last_sync", "event_count")
    actions = ("test_connection", "sync_now")
    object_actions = {"test": "test_this"}
    readonly_fields: ClassVar[Any] = ("retention_now",)

    def view_on_site(self, obj: NexmoAccount) -> str:
        return obj.get_absolute_url()

    # --- the page of one ----------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: NexmoAccount | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj:
            *_, (_title, kept) = fieldsets
            kept["fields"].append("retention_now")
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: NexmoAccount | None = None) -> Any:
        fields = [*super().get_readonly_fields(request, obj)]
        if obj and (obj.covered_spans.exists() or obj.events.exists()):
            fields.append("api_key")  # what is archived belongs to this key; another key is another account
        return fields

    @admin.display(description=_("effect"))
    def retention_now(self, account: NexmoAccount) -> str:
        return _removed_next(account)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        account = kwargs.get("obj")
        if account:
            (status,) = statuses([account], worker_alive=tasks.worker_is_alive())
            manages = self.has_change_permission(request, account)
            context |= {
                "status": status,
                "coverage": coverage_sentence([status]),
                "last_sync": show(status.last_success_at),
                "test": reverse("admin:accounts_nexmoaccount_test", args=[account.pk]) if manages else "",
                "sync": reverse("events:sync", args=[account.api_key]) if manages and account.is_active else "",
                **_holds(request, account),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: NexmoAccount, form: Any, change: bool) -> None:
        stored = NexmoAccount.objects.select_for_update().filter(pk=obj.pk).values_list("keep_days", flat=True).first()
        super().save_model(request, obj, form, change)
        retention.record_change(obj, stored, request.user)
        changed = set(form.changed_data)
        if changed & {*CREDENTIALS, "is_active"}:
            state.make_due(obj)  # new credentials deserve a new try, now
            if obj.is_active:
                self.message_user(request, format_html(str(WATCH), obj.get_absolute_url()), messages.INFO)
        if change and "is_active" in changed and not obj.is_active:
            self.message_user(request, self.switched_off(request, obj), messages.INFO)
        if change and "keep_days" in changed:
            self.message_user(request, _removed_next(obj), messages.WARNING if obj.keep_days else messages.INFO)

    # --- leaving ------------------------------------------------------------------------------------------------------

    def obstacles(self, request: HttpRequest, obj: NexmoAccount) -> list[str]:
        return permanent.of_account(obj)

    def consequences(self, request: HttpRequest, obj: NexmoAccount) -> list[str]:
        said = super().consequences(request, obj)
        if runs := SyncRun.objects.filter(account=obj).count():
            text = ngettext(
                "The record of its sync is deleted too.", "The records of its %(count)s syncs are deleted too.", runs
            )
            said.append(text % {"count": grouped(runs)})
        return said

    # --- the list -----------------------------------------------------------------------------------------------------

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changes = super().get_changelist_instance(request)
        account_statuses = statuses(changes.result_list, worker_alive=tasks.worker_is_alive())
        for status in account_statuses:
            status.account.sync_status = status  # type: ignore[attr-defined]
        return changes

    @admin.display(description=_("sync health"))
    def health(self, account: Any) -> str:
        health = account.sync_status.health
        title = health.sentence.replace("`", "")  # no code within a title
        return format_html('<span class="health {}" title="{}">{}</span>', health.level, title, health.label)

    @admin.display(description=_("last sync"))
    def last_sync(self, account: Any) -> str:
        return show(account.sync_status.last_success_at) or gettext("never")

    @admin.display(description=_("events"))
    def event_count(self, account: Any) -> str:
        return grouped(account.sync_status.event_count)

    # --- testing and syncing ------------------------------------------------------------------------------------------

    def has_sync_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def _mine(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.manageable_by(request.user)

    def test_this(self, request: HttpRequest, account: NexmoAccount) -> None:
        """The button on an account's page."""
        self._tell(request, account, connection.try_account(account, request.user))

    @admin.action(description=_("Test connection"), permissions=["sync"])
    def test_connection(self, request: HttpRequest, queryset: QuerySet[NexmoAccount]) -> None:
        """Ask Nexmo for a page of one event of each, once, and say how it went."""
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
            self._tell(request, account, connection.try_account_in_turn(account, request.user))

    def _tell(self, request: HttpRequest, account: NexmoAccount, outcome: connection.Outcome) -> None:
        if outcome.was_asked:
            told: dict[str, Any] = {"obj": account, "accounts": [account.api_key], "works": outcome.works}
            note(request, Action.TESTED, Kind.ACCOUNT, **told)
        level = messages.SUCCESS if outcome.works else messages.ERROR if outcome.was_asked else messages.WARNING
        self.message_user(request, f"{account}: {outcome.sentence}", level)

    @admin.action(description=_("Sync now"), permissions=["sync"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[NexmoAccount]) -> None:
        """Have the selected accounts synced by the worker."""
        accounts = self._mine(request, queryset)
        try:
            tasks.count_request(request.user)
        except tasks.TooManySyncs as error:
            self.message_user(request, str(error), messages.WARNING)
            return
        tasks.request_syncs(accounts.active(), request.user)
        for account in accounts:
            if not account.is_active:
                off = gettext("%(account)s is inactive; activate it first.") % {"account": account}
                self.message_user(request, off, messages.WARNING)
                continue
            note(request, Action.SYNCED, Kind.ACCOUNT, obj=account, accounts=[account.api_key])
            begun = gettext("%(account)s: the sync starts as soon as a worker is free.") % {"account": account}
            self.message_user(request, begun, messages.SUCCESS)


def _removed_next(account: NexmoAccount) -> str:
    """What the next run of retention removes, in words."""
    if account.keep_days is None:
        return gettext("Nothing: its events are kept forever.")
    try:
        now = retention.present()
    except retention.ClockDoubted:
        return gettext("Nothing for now: this machine's clock may be wrong, so the age of the events is unknown.")
    days = retention.kept_days(account, now)
    if days is None:
        return gettext("Nothing for now: its events were kept forever until this was changed.") + _takes_effect(account)
    older_than = now - timedelta(days=days)
    estimate = retention.estimate(account, older_than)
    text = ngettext(
        "The next run removes %(count)s event from before %(day)s.",
        "The next run removes %(count)s events from before %(day)s.",
        estimate.count.number,
    )
    said = text % {"count": _shown(estimate.count), "day": f"{older_than:%Y-%m-%d}"}
    if estimate.held.number:
        held = ngettext("A legal hold keeps %(count)s.", "Legal holds keep %(count)s.", estimate.held.number)
        said += " " + held % {"count": _shown(estimate.held)}
    return said + _takes_effect(account)


def _takes_effect(account: NexmoAccount) -> str:
    """When shortenings of the retention count, which still wait."""
    sentences = (
        ngettext(
            "The shorter time of %(days)s day counts from %(when)s.",
            "The shorter time of %(days)s days counts from %(when)s.",
            change.days_after or 0,
        )
        % {"days": change.days_after, "when": show(change.effective_at)}
        for change in reversed(retention.waiting(account, timezone.now()))
    )
    return "".join(f" {sentence}" for sentence in sentences)


def _shown(tally: retention.Tally) -> str:
    return grouped(tally.number) + ("+" if tally.at_least else "")


def _holds(request: HttpRequest, account: NexmoAccount) -> dict[str, Any]:
    """Holds on an account or on all: by name for those who may read them, as a number for others."""
    standing = LegalHold.objects.filter(Q(account=account) | Q(account=None))
    may_read = request.user.has_perm(permissions.VIEW_HOLDS)
    may_add = request.user.has_perm(permissions.ADD_HOLDS)
    return {
        "may_read_holds": may_read,
        "holds": list(standing.select_related("account")[:20]) if may_read else [],
        "standing_holds": standing.filter(released_at=None).count(),
        "add_hold": f"{reverse('admin:events_legalhold_add')}?account={account.pk}" if may_add else "",
    }

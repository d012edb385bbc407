"""The form of a subscription: what is told, through which channel, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.form_parts import AccountsByName
from accounts.models import NexmoAccount
from accounts.widgets import TickList
from events.alerts import follow
from events.detection.rules import known_rules
from events.display.held_form import ByName, HeldForm
from events.filters.saved import openable_views
from events.models import Channel, Subscription

if TYPE_CHECKING:
    from accounts.models import AnyUser

WHAT, PACE = Subscription.What, Subscription.Pace


class SubscriptionForm(HeldForm):
    """A subscription belongs to whom its channel belongs to."""

    rule = forms.ChoiceField(label=_("Rule"), required=False)
    accounts = AccountsByName(
        NexmoAccount.objects.none(),
        label=_("Accounts"),
        required=False,
        widget=TickList(label=_("Accounts"), empty=_("You cannot see any accounts yet.")),
    )

    class Meta:
        model = Subscription
        fields = (
            *("what", "severity", "rule", "view", "channel", "all_accounts", "accounts"),
            *("pace", "daily_at", "quiet_from", "quiet_until", "critical_always"),
            *("remind_every", "escalate_after", "escalate_to", "is_active"),
        )
        field_classes = {"view": ByName, "channel": ByName, "escalate_to": ByName}
        widgets = {
            "what": forms.RadioSelect,
            "pace": forms.RadioSelect,
            **dict.fromkeys(
                ("daily_at", "quiet_from", "quiet_until"), forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
            ),
        }
        labels = {
            "what": _("Alert me about"),
            "pace": _("Send"),
            "severity": _("Severity at least"),
            "all_accounts": _("All accounts, including new ones"),
        }
        help_texts = {
            "daily_at": _("If left empty, 8:00."),
            "quiet_until": _("Alerts raised during quiet hours are sent when they end."),
            "remind_every": _("Until somebody acknowledges the finding. Leave empty for no reminders."),
            "escalate_after": _("If nobody has acknowledged the finding by then. Leave empty for no escalation."),
        }

    # In which order and under which headings the page shows them.
    GROUPS = (
        ("what", _("What"), ("what", "severity", "rule", "view")),
        ("where", _("Accounts and channel"), ("all_accounts", "accounts", "channel")),
        ("when", _("When"), ("pace", "daily_at", "quiet_from", "quiet_until", "critical_always")),
        ("unacknowledged", _("If nobody acknowledges"), ("remind_every", "escalate_after", "escalate_to")),
        ("state", _("State"), ("is_active",)),
    )

    def prepare(self, fields: dict[str, Any]) -> None:
        channels = Channel.objects.changeable_by(self.user).select_related("team")
        if not self.is_new:  # whose it is stays
            channels = channels.filter(owner=self.instance.owner_id, team=self.instance.team_id)
        fields["channel"].queryset = fields["escalate_to"].queryset = channels
        fields["channel"].empty_label = None
        fields["escalate_to"].empty_label = _("Nobody")
        fields["view"].queryset = openable_views(self.user).select_related("team")
        fields["view"].empty_label = _("Choose a view")
        fields["accounts"].queryset = NexmoAccount.objects.visible_to(self.user)
        fields["rule"].choices = self._rules()
        for name in ("severity", "what", "pace"):
            fields[name].choices = [choice for choice in fields[name].choices if choice[0] != ""]
        if self.is_new:
            del fields["is_active"]

    def _rules(self) -> list[tuple[str, Any]]:
        titles = known_rules.titles(only_on=True)
        seen = None
        if not NexmoAccount.objects.sees_all(self.user):
            seen = [account.pk for account in NexmoAccount.objects.list_visible_to(self.user)]
        told = known_rules.told_to(seen, titles)
        rules = [(uid, title) for uid, title in titles.items() if uid in told]
        known = {uid for uid, _title in rules}
        kept = [(self.instance.rule, self.instance.rule_title)] if self.instance.rule else []
        return [("", _("Choose a rule")), *rules, *(pair for pair in kept if pair[0] not in known)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        what, channel = cleaned.get("what"), cleaned.get("channel")
        if what == WHAT.RULE and not cleaned.get("rule"):
            self.add_error("rule", _("Choose a rule."))
        if what == WHAT.VIEW and not cleaned.get("view"):
            self.add_error("view", _("Choose a view."))
        if what != WHAT.VIEW:
            cleaned["view"] = None
        if what != WHAT.RULE:
            cleaned["rule"] = ""
        if cleaned.get("all_accounts"):
            cleaned["accounts"] = NexmoAccount.objects.none()
        elif not cleaned.get("accounts") and "accounts" not in self.errors:
            self.add_error("accounts", _("Choose accounts, or all of them."))
        if bool(cleaned.get("quiet_from")) != bool(cleaned.get("quiet_until")):
            self.add_error("quiet_until", _("Quiet hours need both a start and an end."))
        if channel:
            self._clean_for(channel, cleaned)
        return self._clean_nagging(cleaned)

    def _clean_for(self, channel: Channel, cleaned: dict[str, Any]) -> None:
        """What one tells a team must be the team's: its accounts, its views, its channels."""
        view, other = cleaned.get("view"), cleaned.get("escalate_to")
        self.check_view(view, channel.team_id)
        if other and (other.owner_id, other.team_id) != (channel.owner_id, channel.team_id):
            self.add_error("escalate_to", _("Both channels must be yours, or the same team’s."))
        if other and other.pk == channel.pk:
            self.add_error("escalate_to", _("Choose a different channel from the first."))
        chosen = {account.pk for account in cleaned.get("accounts") or ()}
        if chosen - {account.pk for account in channel.accounts_in_sight()}:
            self.add_error("accounts", _("Not all of these accounts are shared with the team."))

    def _clean_nagging(self, cleaned: dict[str, Any]) -> dict[str, Any]:
        if bool(cleaned.get("escalate_after")) != bool(cleaned.get("escalate_to")):
            self.add_error("escalate_to", _("Escalation needs both a channel and a number of minutes."))
        nags = bool(cleaned.get("remind_every") or cleaned.get("escalate_after"))
        if nags and (cleaned.get("what") == WHAT.VIEW or cleaned.get("pace") != PACE.AT_ONCE):
            self.add_error("remind_every", _("Reminders and escalation are for findings that are sent at once."))
        return cleaned

    @transaction.atomic
    def keep(self) -> Subscription:
        """Write it. A view is followed from now on."""
        subscription: Subscription = self.save(commit=False)
        channel: Channel = self.cleaned_data["channel"]
        subscription.owner_id, subscription.team_id = channel.owner_id, channel.team_id
        if not subscription.pk:
            subscription.created_by_id = self.user.pk
        if subscription.rule:
            titles = dict(self._rules())
            subscription.rule_title = str(titles.get(subscription.rule, ""))[:200]
        subscription.problem = ""
        subscription.save()
        self.save_m2m()
        if subscription.what == WHAT.VIEW and {"view", "what"} & set(self.changed_data):
            subscription.cursors.all().delete()
            follow.begin(subscription)
        return subscription


def has_no_channel(user: AnyUser) -> bool:
    """Whether the user has no channel yet that anything could be sent through."""
    return not Channel.objects.changeable_by(user).exists()

"""The form of a channel. What may hold a secret is taken and never shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from events.alerts.sending import addresses, send
from events.display import zones
from events.display.forms import ZoneField
from events.display.held_form import HeldForm
from events.models import Channel
from events.outbound import signing
from events.outbound.entered import LONGEST, NotUsable

if TYPE_CHECKING:
    from accounts.models import AnyUser

KIND = Channel.Kind
LABELS = {
    KIND.MAIL: _("E-mail address"),
    KIND.SLACK: _("Address of the incoming webhook"),
    KIND.TEAMS: _("Address of the workflow"),
    KIND.PAGERDUTY: _("Integration key"),
    KIND.WEBHOOK: _("Address"),
    KIND.OTHER: _("Apprise URL"),
}
HINTS = {
    KIND.SLACK: _("In Slack: Incoming Webhooks, Add to Slack; it begins with https://hooks.slack.com/services/."),
    KIND.TEAMS: _("In Teams: Workflows, “Send webhook alerts to a channel”."),
    KIND.PAGERDUTY: _("The key of an “Events API v2” integration; put eu: before it for the EU region."),
    KIND.WEBHOOK: _("JSON messages, signed as Standard Webhooks, are sent here by POST."),
    KIND.OTHER: _("For example ntfys://topic, discord://id/token or mailtos://user:password@example.com."),
}
KEPT = _("Stored encrypted and never shown again. Leave empty to keep the stored one.")


class ChannelForm(HeldForm):
    """A channel of one kind."""

    holder = forms.ChoiceField(
        label=_("Owner"),
        required=False,
        help_text=_("A team’s channel receives alerts about the accounts shared with that team."),
    )
    secret_address = forms.CharField(
        max_length=LONGEST,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
    )
    secret_signing = forms.CharField(
        label=_("Signing secret"),
        required=False,
        max_length=120,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"}),
        help_text=_("Leave empty to generate one. It is shown only once."),
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, required=False)
    time_zone = ZoneField(label=_("Time zone"), required=False)

    new_secret = ""  # what to show once, where one was made

    class Meta:
        model = Channel
        fields = ("name", "language", "time_zone", "is_active")

    field_order = ("name", "holder", "secret_address", "secret_signing", "language", "time_zone", "is_active")

    def __init__(self, data: Any = None, *, user: AnyUser, instance: Channel) -> None:
        """
        Args:
            instance: the channel, or a new one with its kind.
        """
        initial = {"name": str(KIND(instance.kind).label)} if not instance.pk else {}
        self.kind = instance.kind
        super().__init__(data, user=user, instance=instance, initial=initial)

    def prepare(self, fields: dict[str, Any]) -> None:
        self._address_field()
        self._offer_language()
        if self.kind != KIND.WEBHOOK or not self.is_new:
            del fields["secret_signing"]
        if self.is_new:
            del fields["is_active"]
        if "language" in fields:
            if not self.instance.language:
                self.initial["language"] = settings.LANGUAGE_CODE
            default = _("The site's (%(zone)s)") % {"zone": timezone.get_default_timezone_name()}
            offered = zones.choices(self.instance.time_zone, timezone.now())
            fields["time_zone"].choices = (("", default), *offered)

    def _address_field(self) -> None:
        field = self.fields["secret_address"]
        field.label, field.help_text = LABELS[KIND(self.kind)], HINTS.get(KIND(self.kind), "")
        if self.kind == KIND.MAIL:
            self.fields["secret_address"] = forms.EmailField(label=field.label, max_length=200)
            known = getattr(self.user, "email", "")
            self.initial["secret_address"] = known if self.is_new else self.instance.shown
        elif not self.is_new:
            field.required, field.help_text = False, KEPT

    def _offer_language(self) -> None:
        if "holder" not in self.fields and (self.is_new or self.instance.owner_id):
            # People's own language and zone are those of their profile.
            del self.fields["language"], self.fields["time_zone"]
        elif self.is_new:
            self.fields["language"].help_text = _(
                "For a team’s channel. Your own channels use your profile’s language."
            )

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or settings.LANGUAGE_CODE

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_secret_address(self) -> str:
        entered: str = self.cleaned_data["secret_address"]
        if not entered:
            return ""
        if self.kind == KIND.MAIL and not settings.ALERT_MAIL_SERVER:
            raise ValidationError(_("No mail server is configured (ALERT_MAIL_SERVER)."))
        try:
            self.address, self.shown = addresses.checked(self.kind, entered)
        except NotUsable as error:
            raise ValidationError(str(error)) from None
        if self.kind == KIND.OTHER:
            told = send.ask_apprise({"do": "check", "address": self.address})
            if not told or not told.get("known"):
                raise ValidationError(_("Apprise does not know this URL."))
            self.shown = f"{told['name']} ({self.shown})"[:200]
        return entered

    def clean_secret_signing(self) -> str:
        secret: str = self.cleaned_data["secret_signing"].strip()
        if secret:
            try:
                signing.key_of(secret)
            except ValueError:
                raise ValidationError(_("A secret is whsec_ followed by 24 to 64 bytes in base64.")) from None
        return secret

    def keep(self) -> Channel:
        """Write it."""
        channel: Channel = self.save(commit=False)
        if self.cleaned_data.get("secret_address"):
            changed = bool(channel.pk)
            channel.address, channel.shown = self.address, self.shown
            if changed:  # another address: what the old one did says nothing of it
                channel.failures, channel.problem = 0, ""
                channel.paused_at = channel.retry_at = None
        if self.is_new:
            self.give(channel)
            if self.kind == KIND.WEBHOOK:
                given = self.cleaned_data["secret_signing"]
                channel.secret = given or signing.new_secret()
                self.new_secret = "" if given else channel.secret
        channel.save()
        return channel

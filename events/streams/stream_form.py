"""The form of a stream. What may hold a secret is taken and never shown again."""

from __future__ import annotations

import ssl
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.form_parts import AccountsByName
from accounts.models import NexmoAccount
from accounts.widgets import TickList
from events.display.held_form import HeldForm
from events.filters.saved import openable_views
from events.models import SavedView, Stream
from events.models.streams import StreamQuerySet
from events.outbound import post, signing
from events.outbound.entered import LONGEST, NotUsable
from events.streams import access_log, progress
from events.streams.destinations.bulk import checked_index
from events.streams.destinations.kinds import DESTINATIONS
from events.streams.read import may_have_whole

if TYPE_CHECKING:
    from accounts.models import AnyUser

KIND, START, CONTENTS = Stream.Kind, Stream.Start, Stream.Contents
ADDRESSES = {
    KIND.WEBHOOK: (_("Address"), _("Batches of JSON are posted here, signed as Standard Webhooks.")),
    KIND.SPLUNK: (_("Address of the collector"), _("For example https://splunk.example.com:8088.")),
    KIND.BULK: (_("Address of the cluster"), _("For example https://search.example.com:9200.")),
    KIND.SYSLOG: (_("Host and port"), _("For example siem.example.com:6514.")),
    KIND.FILES: (_("Folder"), _("A name for the folder; it is created inside the folder set in STREAM_FILES.")),
}
SECRETS = {
    KIND.WEBHOOK: (_("Signing secret"), _("Leave empty to generate one. It is shown only once.")),
    KIND.SPLUNK: (_("Token"), _("The token of the HTTP Event Collector.")),
    KIND.BULK: (
        _("API key, or name:password"),
        _("Needs permission to create documents in the index, and nothing else."),
    ),
}
# What a kind needs besides: names of fields of the form, which are the keys of `Stream.options`.
OPTIONS = {
    KIND.WEBHOOK: ("authorities",),
    KIND.SPLUNK: ("acknowledged", "index", "sourcetype", "authorities"),
    KIND.BULK: ("index", "authorities"),
    KIND.SYSLOG: ("lenient", "authorities"),
    KIND.FILES: (),
}
KEPT = _("Stored encrypted and never shown again. Leave empty to keep the stored one.")


class StreamForm(HeldForm):
    """A stream of one kind."""

    holder = forms.ChoiceField(
        label=_("Owner"),
        required=False,
        help_text=_("A team’s stream sends the events of accounts shared with that team, whoever set it up."),
    )
    address = forms.CharField(max_length=LONGEST, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    secret = forms.CharField(
        max_length=LONGEST, widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"})
    )
    accounts = AccountsByName(
        NexmoAccount.objects.none(),
        label=_("Accounts"),
        required=False,
        widget=TickList(label=_("Accounts"), empty=_("You cannot see any accounts yet.")),
    )
    view = forms.ModelChoiceField(SavedView.objects.none(), label=_("Only events of a view"), required=False)
    since = forms.DateField(
        label=_("Date"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    index = forms.CharField(label=_("Index"), max_length=200, required=False)
    sourcetype = forms.CharField(
        label=_("Source type"), max_length=80, required=False, help_text=_("If left empty, auditsite:json.")
    )
    acknowledged = forms.BooleanField(
        label=_("Wait until Splunk has indexed each batch"),
        required=False,
        help_text=_(
            "Requires indexer acknowledgement to be enabled for the token. Without it, events that Splunk has "
            "accepted but not yet written are lost if it fails."
        ),
    )
    lenient = forms.BooleanField(
        label=_("The receiver ends connections without TLS’s close_notify"),
        required=False,
        help_text=_(
            "Only if the stream reports it: whatever the receiver had read but not stored when it failed is then lost."
        ),
    )
    authorities = forms.CharField(
        label=_("Certificate authority"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_(
            "In PEM, if the receiver’s certificate was issued by your own authority. Leave empty for public ones."
        ),
    )

    new_secret = ""  # what to show once, where one was made

    class Meta:
        model = Stream
        fields = ("name", "contents", "format", "all_accounts", "accounts", "view", "start", "since", "is_active")
        widgets = {"contents": forms.RadioSelect, "start": forms.RadioSelect}
        labels = {"all_accounts": _("All accounts, including new ones"), "start": _("Begin")}

    permission = StreamQuerySet.permission
    GROUPS = (
        (
            "where",
            _("Destination"),
            ("name", "holder", "address", "secret", "index", "sourcetype", "acknowledged", "lenient", "authorities"),
        ),
        ("what", _("What"), ("contents", "format", "all_accounts", "accounts", "view", "start", "since")),
        ("state", _("State"), ("is_active",)),
    )

    def __init__(self, data: Any = None, *, user: AnyUser, instance: Stream) -> None:
        """
        Args:
            instance: the stream, or a new one with its kind.
        """
        initial: dict[str, Any] = {name: instance.options.get(name) for name in OPTIONS[KIND(instance.kind)]}
        if not instance.pk:
            initial["name"] = str(KIND(instance.kind).label)
        self.kind = KIND(instance.kind)
        super().__init__(data, user=user, instance=instance, initial=initial)

    def prepare(self, fields: dict[str, Any]) -> None:
        for name in {option for options in OPTIONS.values() for option in options} - set(OPTIONS[self.kind]):
            del fields[name]
        self._destination_fields(fields)
        fields["accounts"].queryset = NexmoAccount.objects.visible_to(self.user)
        fields["view"].queryset = openable_views(self.user)
        fields["view"].empty_label = _("All events")
        fields["format"].choices = Stream.Format.choices
        if not self.user.has_perm(permissions.VIEW_ACCESS_LOG):  # type: ignore[union-attr]
            offered = [choice for choice in CONTENTS.choices if choice[0] != CONTENTS.ACCESS]
            fields["contents"].choices = offered
        if self.is_new:
            del fields["is_active"]
        else:  # where it began is past, and what it sends stays of one kind
            del fields["start"], fields["since"], fields["contents"]

    def _destination_fields(self, fields: dict[str, Any]) -> None:
        address = fields["address"]
        address.label, address.help_text = ADDRESSES[self.kind]
        if self.kind == KIND.WEBHOOK:  # its address may be a secret
            address.widget = forms.PasswordInput(render_value=False, attrs={"autocomplete": "off"})
            if not self.is_new:
                address.required, address.help_text = False, KEPT
        elif not self.is_new:
            self.initial["address"] = self.instance.address
        if self.kind not in SECRETS:
            del fields["secret"]
        else:
            secret = fields["secret"]
            secret.label, secret.help_text = SECRETS[self.kind]
            secret.required = self.is_new and self.kind == KIND.SPLUNK
            if not self.is_new:
                secret.help_text = KEPT
        if self.kind == KIND.BULK:
            fields["index"].required = True
            fields["index"].help_text = _("Of an index or a data stream. Documents are created, never overwritten.")
        elif "index" in fields:
            fields["index"].help_text = _("If left empty, the token’s default index.")

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_address(self) -> str:
        entered: str = self.cleaned_data["address"]
        if entered:
            try:
                self.kept_address, self.shown = DESTINATIONS[self.kind].checked(entered)
            except NotUsable as error:
                raise ValidationError(str(error)) from None
            if self.kind == KIND.FILES and self._is_taken(self.shown):
                raise ValidationError(_("Another stream writes to this folder."))
        return entered

    def _is_taken(self, folder: str) -> bool:
        others = Stream.objects.filter(kind=KIND.FILES, shown__iexact=folder).exclude(pk=self.instance.pk)
        return others.exists()

    def clean_secret(self) -> str:
        secret: str = self.cleaned_data["secret"].strip()
        if secret and self.kind == KIND.WEBHOOK:
            try:
                signing.key_of(secret)
            except ValueError:
                raise ValidationError(_("A secret is whsec_ followed by 24 to 64 bytes in base64.")) from None
        if not secret.isascii() or not secret.isprintable():
            raise ValidationError(_("Use printable ASCII only."))
        return secret

    def clean_index(self) -> str:
        index: str = self.cleaned_data["index"].strip()
        if index:
            try:
                checked_index(index)
            except NotUsable as error:
                raise ValidationError(str(error)) from None
        return index

    def clean_authorities(self) -> str:
        text: str = self.cleaned_data["authorities"].strip()
        if text:
            try:
                post.tls(text)
            except (ssl.SSLError, ValueError):
                raise ValidationError(_("This is not a certificate in PEM.")) from None
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("start") == START.DATE and not cleaned.get("since") and "since" not in self.errors:
            self.add_error("since", _("Choose the date."))
        if cleaned.get("all_accounts"):
            cleaned["accounts"] = NexmoAccount.objects.none()
        elif not cleaned.get("accounts") and "accounts" not in self.errors:
            self.add_error("accounts", _("Choose accounts, or all of them."))
        self._clean_for_holder(cleaned)
        view, contents = cleaned.get("view"), cleaned.get("contents") or self.instance.contents
        if not may_have_whole(self.user, Stream(format=cleaned.get("format") or "", contents=contents)):
            self.add_error(
                "format",
                _("As received, events contain passwords and tokens, which you may not see. Choose another format."),
            )
        if view and contents == CONTENTS.FINDINGS:
            self.add_error("view", _("A view narrows events; findings are not narrowed."))
        if contents == CONTENTS.ACCESS:
            self._clean_access_log(cleaned)
        return cleaned

    def _clean_access_log(self, cleaned: dict[str, Any]) -> None:
        """It is sent whole, to whoever may read it."""
        if cleaned.get("view"):
            self.add_error("view", _("A view narrows events; the access log is sent whole."))
        if cleaned.get("accounts"):
            self.add_error("accounts", _("The access log is sent whole: choose all accounts."))
        team = self.team() if self.is_new else None
        if team and not access_log.may_team_read(Group.objects.get(pk=team)):
            self.add_error("holder", _("The members of this team may not read the access log."))

    def _clean_for_holder(self, cleaned: dict[str, Any]) -> None:
        """What a team's stream sends must be the team's: its accounts, its views."""
        team = self.team()
        if not team:
            return
        self.check_view(cleaned.get("view"), team)
        shared = set(NexmoAccount.objects.filter(teams=team).values_list("pk", flat=True))
        if {account.pk for account in cleaned.get("accounts") or ()} - shared:
            self.add_error("accounts", _("Not all of these accounts are shared with the team."))

    @transaction.atomic
    def keep(self) -> Stream:
        """Write it; a new one begins now."""
        stream: Stream = self.save(commit=False)
        cleaned = self.cleaned_data
        if cleaned.get("address"):
            stream.address, stream.shown = self.kept_address, self.shown
        stream.secret = cleaned.get("secret") or self._stored_secret()
        stream.options = {name: cleaned[name] for name in OPTIONS[self.kind] if cleaned.get(name)}
        stream.view, stream.narrowed = cleaned.get("view"), bool(cleaned.get("view"))
        # Whatever was wrong may have been mended: it is tried again at once.
        stream.failures, stream.problem, stream.status, stream.retry_at = 0, "", None, None
        if self.is_new:
            self.give(stream)
            day = cleaned.get("since") if stream.start == START.DATE else None
            stream.since = timezone.make_aware(datetime.combine(day, time.min)) if day else None
        stream.save()
        self.save_m2m()
        if self.is_new:
            progress.begin(stream)
        return stream

    def _stored_secret(self) -> str:
        if not self.is_new:
            stored: str = Stream.objects.values_list("secret", flat=True).get(pk=self.instance.pk)
            return stored
        if self.kind == KIND.WEBHOOK:
            self.new_secret = signing.new_secret()
        return self.new_secret

"""Which login at a provider is whose: an administrator links an existing person, or takes a link away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import ExplainedDeletion
from accounts.people import rights

if TYPE_CHECKING:
    from django.http import HttpRequest

# Providers stand in the settings, and no token of theirs is kept.
for model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)


class LinkForm(forms.ModelForm):
    """Who may log in by which subject of which provider."""

    editor: Any = None
    user = forms.ModelChoiceField(User.objects.order_by("username"), label=_("Person"))
    provider = forms.ChoiceField(label=_("Provider"))
    uid = forms.CharField(
        max_length=191,
        label=_("Identifier"),
        help_text=_("As the refused login showed it, or as the provider's own pages do: the subject, not a name."),
    )

    class Meta:
        model = SocialAccount
        fields = ("user", "provider", "uid")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        providers = settings.SINGLE_SIGN_ON.providers
        self.fields["provider"].choices = [(each.name, each.label) for each in providers]  # type: ignore[attr-defined]

    def clean_user(self) -> Any:
        person = self.cleaned_data["user"]
        if not rights.may_touch(self.editor, person):
            raise ValidationError(_("This person holds permissions that you lack."), code="beyond")
        return person


@admin.register(SocialAccount)
class LinkAdmin(ExplainedDeletion):
    """Links are made and taken away, never changed. Whoever makes one lets somebody in as that person, so it takes all
    the rights that the person has."""

    form = LinkForm
    switches_off = False
    list_display = ("user", "provider_label", "uid", "last_login")
    list_select_related = ("user",)
    search_fields = ("user__username", "uid")
    search_help_text = _("Search by person or identifier")
    fields = ("user", "provider", "uid")
    shown: ClassVar[Any] = ("user", "provider_label", "uid", "date_joined", "last_login", "extra_data")

    readonly_fields = ("provider_label",)

    @admin.display(description=_("provider"), ordering="provider")
    def provider_label(self, link: SocialAccount) -> str:
        """As the login page calls it; one that is no longer configured is told as it is kept."""
        labels = {each.name: each.label for each in settings.SINGLE_SIGN_ON.providers}
        return str(labels.get(link.provider, link.provider))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.shown if obj else self.fields

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or rights.may_touch(request.user, obj.user))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"editor": request.user})

    def question(self, obj: SocialAccount) -> str:
        return gettext("Take this login away from %(person)s?") % {"person": obj.user}

    def consequences(self, request: HttpRequest, obj: SocialAccount) -> list[Any]:
        person = {"person": obj.user}
        said = [
            gettext("%(person)s can no longer log in with it; sessions that are open now stay open.") % person,
            gettext("Teams and roles stay: without this login nobody takes them away any more."),
        ]
        if not obj.user.has_usable_password():
            said.append(gettext("%(person)s has no password, and so no other way in.") % person)
        return said

"""Who may see which Nexmo account, and how each person likes to see things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MinValueValidator, RegexValidator
from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import permissions
from accounts.fields import EncryptedTextField
from accounts.prepared import Prepared
from accounts.validators import name_validator

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    AnyUser = AbstractBaseUser | AnonymousUser

api_key_validator = RegexValidator(
    r"\A[A-Za-z0-9]{4,32}\Z",
    _("An API key is 4 to 32 letters and digits, such as a1b2c3d4. Copy it from the Nexmo dashboard, without spaces."),
)


class NexmoAccountQuerySet(models.QuerySet["NexmoAccount"]):
    """The one place that says whose accounts are whose."""

    def visible_to(self, user: AnyUser) -> NexmoAccountQuerySet:
        """Accounts whose events the user may read: own ones, those shared with a team, or all for auditors."""
        if _is_nobody(user):
            return self.none()
        return self if self.sees_all(user) else self.shared_with(user)

    @staticmethod
    def sees_all(user: AnyUser) -> bool:
        """Whether every account is visible to the user: superusers and auditors."""
        return not _is_nobody(user) and bool(user.has_perm(permissions.VIEW_ALL_ACCOUNTS))  # type: ignore[union-attr]

    @staticmethod
    def sees_sensitive(user: AnyUser) -> bool:
        """Whether the user may see, in events as received, the passwords and tokens that are hidden everywhere else."""
        return not _is_nobody(user) and bool(user.has_perm(permissions.VIEW_SENSITIVE))  # type: ignore[union-attr]

    def shared_with(self, user: AnyUser) -> NexmoAccountQuerySet:
        """Accounts the user owns or shares through a team; auditors' wider sight does not count."""
        if _is_nobody(user):
            return self.none()
        return self._shared_with(user.pk)

    def _shared_with(self, user_pk: int | None) -> NexmoAccountQuerySet:
        shares = NexmoAccount.teams.through.objects.filter(nexmoaccount=OuterRef("pk"), group__user=user_pk)
        return self.filter(Q(owner=user_pk) | Q(Exists(shares)))

    @staticmethod
    def list_visible_to(user: AnyUser) -> list[NexmoAccount]:
        """What `visible_to` selects, without secrets, by queries that are compiled once: every page asks this."""
        if _is_nobody(user):
            return []
        rows = _ALL.rows() if NexmoAccountQuerySet.sees_all(user) else _SHARED.rows(user.pk)
        database = connection.alias
        return [NexmoAccount.from_db(database, _OPEN_FIELDS, row) for row in rows]

    @staticmethod
    def keys_visible_to(user: AnyUser) -> dict[int, str]:
        """The API keys of what `visible_to` selects, by primary key, without making accounts of them."""
        if _is_nobody(user):
            return {}
        return dict(_ALL_KEYS.rows() if NexmoAccountQuerySet.sees_all(user) else _SHARED_KEYS.rows(user.pk))

    @staticmethod
    def get_visible_to(user: AnyUser, api_key: str) -> NexmoAccount | None:
        """The account of this key, if `visible_to` selects it; secrets are read when they are used."""
        if _is_nobody(user):
            return None
        sees_all = NexmoAccountQuerySet.sees_all(user)
        rows = _ONE_OF_ALL.rows(api_key) if sees_all else _ONE_SHARED.rows(user.pk, api_key)
        return NexmoAccount.from_db(connection.alias, _OPEN_FIELDS, rows[0]) if rows else None

    def syncable_by(self, user: AnyUser) -> NexmoAccountQuerySet:
        """Accounts the user may have synced now: auditors read, and change nothing."""
        if _is_nobody(user):
            return self.none()
        return self if user.is_superuser else self.shared_with(user)  # type: ignore[union-attr]

    def manageable_by(self, user: AnyUser) -> NexmoAccountQuerySet:
        """Accounts whose credentials and teams the user may change."""
        if _is_nobody(user):
            return self.none()
        if user.is_superuser:  # type: ignore[union-attr]
            return self
        if user.has_perm(permissions.CHANGE_ACCOUNTS):  # type: ignore[union-attr]
            return self.filter(owner=user.pk)
        return self.none()

    def active(self) -> NexmoAccountQuerySet:
        return self.filter(is_active=True)


def _is_nobody(user: AnyUser) -> bool:
    return not (user.is_authenticated and user.is_active)


class NexmoAccount(models.Model):
    """One Nexmo API account: what it is called, its credentials, who owns it and who else may see it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="nexmo_accounts",
        help_text=_("Manages this account's credentials and teams."),
    )
    name = models.CharField(
        max_length=100, help_text=_("A display name, such as Shop production."), validators=[name_validator]
    )
    api_key = models.CharField(
        _("API key"),
        max_length=64,
        unique=True,
        validators=[api_key_validator],
        error_messages={
            "unique": _(
                "This API key is already registered. Ask an administrator to share that account with your team."
            )
        },
        help_text=_("The account's API key, from the Nexmo dashboard."),
    )
    api_secret = EncryptedTextField(_("API secret"))
    api_secret_secondary = EncryptedTextField(
        _("second API secret"),
        blank=True,
        default="",
        help_text=_("Nexmo allows two secrets while they are rotated; this one is tried when the first is refused."),
    )
    teams = models.ManyToManyField(
        Group, blank=True, related_name="nexmo_accounts", help_text=_("Members of these teams see its events.")
    )
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Inactive accounts are not synced; their archived events stay readable."),
    )

    keep_days = models.PositiveIntegerField(
        _("keep for days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Older events are removed by `manage.py apply_retention`, unless a legal hold keeps them. "
            "Empty: kept forever."
        ),
    )

    objects: ClassVar[Any] = NexmoAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("Nexmo account")
        ordering = ("name", "api_key")
        permissions = (
            ("view_all_accounts", "Can see the events of all accounts (auditors)"),
            ("export_evidence", "Can take evidence packs away"),
            ("shorten_retention", "Can shorten how long events are kept"),
            ("view_sensitive", "Can see passwords and tokens in events"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.api_key})"

    def get_absolute_url(self) -> str:
        return reverse("events:account", args=[self.api_key])

    def secrets(self) -> tuple[str, ...]:
        """The secrets to try, in order. Raises SecretUnreadable when CREDENTIAL_KEYS does not open them."""
        return tuple(secret for secret in (self.api_secret, self.api_secret_secondary) if secret)

    def credentials_fingerprint(self) -> str:
        """Changes when key or secrets change and tells nothing about them. Raises SecretUnreadable."""
        return salted_hmac("accounts.credentials", "\0".join((self.api_key, *self.secrets()))).hexdigest()[:40]


_OPEN_FIELDS = [
    field.attname for field in NexmoAccount._meta.concrete_fields if not isinstance(field, EncryptedTextField)
]
_ALL = Prepared(lambda: NexmoAccount.objects.values_list(*_OPEN_FIELDS))
_SHARED = Prepared(lambda user: NexmoAccount.objects.all()._shared_with(user).values_list(*_OPEN_FIELDS))
_ALL_KEYS = Prepared(lambda: NexmoAccount.objects.order_by().values_list("pk", "api_key"))
_SHARED_KEYS = Prepared(lambda user: NexmoAccount.objects.order_by()._shared_with(user).values_list("pk", "api_key"))
_ONE_OF_ALL = Prepared(lambda key: NexmoAccount.objects.filter(api_key=key).values_list(*_OPEN_FIELDS))
_ONE_SHARED = Prepared(
    lambda user, key: NexmoAccount.objects.filter(api_key=key)._shared_with(user).values_list(*_OPEN_FIELDS)
)


class Profile(models.Model):
    """How a person likes to see things. Whoever never chose has none in the database: see `profile_of`."""

    class Times(models.TextChoices):
        EXACT = "exact", _("Exact")
        RELATIVE = "relative", _("Relative")

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable", _("Comfortable")
        COMPACT = "compact", _("Compact")

    class Theme(models.TextChoices):
        SYSTEM = "", _("System default")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="profile"
    )
    time_zone = models.CharField(max_length=64, blank=True, default="", help_text=_("Empty: the site's default."))
    utc = models.BooleanField(_("times in UTC"), default=False)
    times = models.CharField(max_length=10, choices=Times, default=Times.EXACT)
    density = models.CharField(max_length=12, choices=Density, default=Density.COMFORTABLE)
    columns = models.CharField(max_length=300, blank=True, default="", help_text=_("For the event table."))
    language = models.CharField(max_length=10, blank=True, default="", help_text=_("Empty: browser default."))
    dismissed = models.TextField(blank=True, default="", help_text=_("What need not be shown until when, as JSON."))
    theme = models.CharField(max_length=5, blank=True, choices=Theme, default=Theme.SYSTEM)

    def __str__(self) -> str:
        return gettext("Profile of %(user)s") % {"user": self.user}

    @property
    def own_zone(self) -> tzinfo:
        """The zone the person chose, or the site's."""
        try:
            return ZoneInfo(self.time_zone) if self.time_zone else timezone.get_default_timezone()
        except (ZoneInfoNotFoundError, ValueError):  # renamed since it was chosen
            return timezone.get_default_timezone()

    @property
    def zone(self) -> tzinfo:
        """The zone to show times in."""
        return ZoneInfo("UTC") if self.utc else self.own_zone


def profile_of(user: AnyUser) -> Profile:
    """The person's profile, or one with the defaults that is not saved yet."""
    try:
        return user.profile  # type: ignore[union-attr, no-any-return]
    except (AttributeError, Profile.DoesNotExist):
        return Profile() if user.pk is None else Profile(user_id=user.pk)


class FactorGrace(models.Model):
    """Since when a person has been told that they must set up a second factor (REQUIRE_MFA)."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="factor_grace"
    )
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user}: {self.since:%Y-%m-%d}"


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Which tokens there are, and who may see and end them."""

    def standing(self, now: datetime) -> ApiTokenQuerySet:
        """Tokens that are neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=now)


class ApiToken(models.Model):
    """What a program logs in to the API with, in the name of a person. It never reaches further than that person does.

    The secret itself is shown once and is not here: see `accounts.tokens`.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(
        max_length=100, help_text=_("What uses it, such as SIEM or nightly report."), validators=[name_validator]
    )
    identifier = models.CharField(max_length=12, unique=True, editable=False)  # public: names the token in lists, logs
    # SHA-256 of the secret, in hex. The secret is 256 random bits, so nobody can guess their way to it from here; what
    # makes hashes of passwords slow would only make every request slow.
    digest = models.CharField(max_length=64, editable=False)
    all_accounts = models.BooleanField(
        _("all accounts"), default=True, help_text=_("All accounts its owner can see, including new ones.")
    )
    accounts = models.ManyToManyField(NexmoAccount, blank=True, related_name="api_tokens")  # where it is not for all
    may_acknowledge = models.BooleanField(
        _("may acknowledge findings"), default=False, help_text=_("Otherwise it can only read.")
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.CharField(max_length=45, blank=True, default="")

    objects: ClassVar[Any] = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.identifier})"

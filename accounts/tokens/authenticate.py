"""Who an API request comes from, and what it may see. The body of a refusal is the API's: here are only the facts."""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.ratelimit import truncate_ip
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.models import ApiToken, NexmoAccount
from accounts.prepared import Prepared
from accounts.tokens import secret
from accounts.tokens.limits import Limit

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.auth.models import User
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from accounts.models import NexmoAccountQuerySet

USE_NOTED_EVERY = timedelta(minutes=1)
BAD_GUESSES_PER_MINUTE = 60  # of one address
CHALLENGE = 'realm="Auditsite API"'

_requests, _guesses = Limit("api"), Limit("api-guess")


class TokenRefused(Exception):
    """A request that is not answered.

    Attributes:
        status: 401, 403 or 429.
        title: what is wrong, in a few words.
        detail: what is wrong and what to do, in a sentence.
        headers: what the answer must carry: `WWW-Authenticate`, `Retry-After`.
    """

    def __init__(self, status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {title}")
        self.status, self.title, self.detail, self.headers = status, title, detail, headers or {}


@dataclass(frozen=True)
class TokenAccess:
    """A request's token and person, and what they may see together: what the person may see now, and of that what the
    token is for. `request.user` stays whoever it was: reading by it would pass over what the token is for."""

    token: ApiToken
    person: User

    @property
    def may_acknowledge(self) -> bool:
        """Whether the token is for more than reading. What its person may do with a finding is asked besides."""
        return self.token.may_acknowledge

    def accounts(self) -> NexmoAccountQuerySet:
        """The accounts, as a queryset."""
        visible: NexmoAccountQuerySet = NexmoAccount.objects.visible_to(self.person)
        return visible if self.token.all_accounts else visible.filter(pk__in=self._scope)

    @cached_property
    def account_list(self) -> list[NexmoAccount]:
        """The same accounts without their secrets, by queries that are compiled once."""
        visible = NexmoAccount.objects.list_visible_to(self.person)
        return visible if self.token.all_accounts else [account for account in visible if account.pk in self._scope]

    @cached_property
    def _scope(self) -> frozenset[int]:
        return frozenset(account for (account,) in _SCOPE.rows(self.token.pk))


def authenticate(request: HttpRequest) -> TokenAccess:
    """Who a request comes from, by HTTP Basic (identifier and secret) or Bearer (both as one text).

    Raises:
        TokenRefused: 401 without good credentials, 403 for a change that a foreign page has a browser send, 429 where
            the token, or for bad credentials the address, had too many requests in this minute.
    """
    _refuse_foreign_pages(request)
    given = _credentials(request)
    if given is None:
        raise _unauthorized(
            _("Credentials are missing"),
            _("Send an API token: its identifier and secret by HTTP Basic, or the whole token as Bearer."),
            error="",
        )
    request.api_refused = True  # type: ignore[attr-defined]  # for the access log, until the token is known
    now = timezone.now()
    token = _genuine(given)
    if token is None:
        if wait := _guesses.take(_network(_address(request)), BAD_GUESSES_PER_MINUTE):
            raise _too_many(wait, _("Too many requests with wrong credentials came from this address."))
        raise _unauthorized(_("Credentials are wrong"), _("No API token has this identifier and secret."))
    request.api_ended = token  # type: ignore[attr-defined]  # for the access log
    _refuse_ended(token, now)
    request.api_refused = False  # type: ignore[attr-defined]
    if wait := _requests.take(str(token.pk), settings.API_REQUESTS_PER_MINUTE):
        text = _("This API token has used up its %(count)s requests for this minute.")
        raise _too_many(wait, text % {"count": settings.API_REQUESTS_PER_MINUTE})
    _note_use(token, now, request)
    access = TokenAccess(token, token.person)
    request.api_access = access  # type: ignore[attr-defined]  # for the access log
    return access


# --- reading and comparing --------------------------------------------------------------------------------------------


@sensitive_variables()
def _credentials(request: HttpRequest) -> secret.Credentials | None:
    """What was sent; None for nothing. What cannot be read is nobody's."""
    header = request.META.get("HTTP_AUTHORIZATION", "")
    kind, _blank, value = header.partition(" ")
    value = value.strip()
    if kind.lower() == "bearer":
        return secret.split(value) or secret.Credentials("", "")
    if kind.lower() == "basic":
        try:
            text = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError):
            text = ""
        identifier, _colon, password = text.partition(":")
        return secret.Credentials(identifier, password)
    return None


@sensitive_variables()
def _genuine(given: secret.Credentials) -> ApiToken | None:
    """The token of these credentials. An identifier that nobody has costs as much as a wrong secret: both ask the
    database once and compare one digest. What cannot be a token by its own check is not looked up, which tells nothing
    of those that there are."""
    if not secret.can_exist(given):
        return None
    rows = _TOKEN.rows(given.identifier)
    of_token, of_person = _fields()
    stored = rows[0][of_token.index("digest")] if rows else _NOBODYS
    if not hmac.compare_digest(secret.digest(given.secret), stored):
        return None
    token = ApiToken.from_db(connection.alias, of_token, rows[0][: len(of_token)])
    token.person = get_user_model().from_db(connection.alias, of_person, rows[0][len(of_token) :])
    return token


_NOBODYS = "0" * 64  # the digest of no secret that anybody knows


@lru_cache
def _fields() -> tuple[list[str], list[str]]:
    """The columns of a token and of a person."""
    return (
        [field.attname for field in ApiToken._meta.concrete_fields],
        [field.attname for field in get_user_model()._meta.concrete_fields],
    )


def _token(identifier: str) -> QuerySet[Any]:
    of_token, of_person = _fields()
    found: QuerySet[Any] = ApiToken.objects.filter(identifier=identifier).order_by()
    return found.values_list(*of_token, *(f"person__{name}" for name in of_person))


def _scope(token: int) -> QuerySet[Any]:
    return ApiToken.accounts.through.objects.filter(apitoken=token).values_list("nexmoaccount_id")


_TOKEN, _SCOPE = Prepared(_token), Prepared(_scope)


# --- refusing ---------------------------------------------------------------------------------------------------------


def _refuse_foreign_pages(request: HttpRequest) -> None:
    """A browser keeps what was typed into its Basic dialog and sends it along from any page: no such page may change
    anything. Programs send none of these headers."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = request.META.get("HTTP_ORIGIN")
    is_own = origin is None or origin.lower().partition("://")[2] == request.get_host().lower()
    if not is_own or request.META.get("HTTP_SEC_FETCH_SITE", "none") not in ("same-origin", "none"):
        raise TokenRefused(403, _("Sent by another site"), _("Changes are not accepted from web pages of other sites."))


def _refuse_ended(token: ApiToken, now: datetime) -> None:
    """Only whoever has the right secret is told why it does not help."""
    if token.revoked_at is not None:
        why, what = _("Token revoked"), _("This API token was revoked. Create a new one under “API tokens”.")
    elif token.expires_at <= now:
        why, what = _("Token expired"), _("This API token has expired. Create a new one under “API tokens”.")
    elif not token.person.is_active:
        why, what = _("Owner cannot log in"), _("The owner of this API token can no longer log in.")
    else:
        return
    raise _unauthorized(why, what)


def _unauthorized(title: str, detail: str, *, error: str = "invalid_token") -> TokenRefused:
    bearer = f'Bearer {CHALLENGE}, error="{error}"' if error else f"Bearer {CHALLENGE}"
    return TokenRefused(401, title, detail, {"WWW-Authenticate": f'Basic {CHALLENGE}, charset="UTF-8", {bearer}'})


def _too_many(wait: int, detail: str) -> TokenRefused:
    return TokenRefused(429, _("Too many requests"), detail, {"Retry-After": str(wait)})


def _network(address: str) -> str:
    """The address that guesses are counted for; of IPv6 the network, whose addresses one machine has all of."""
    return str(truncate_ip(address)).replace(" ", "")[:50]


# --- noting -----------------------------------------------------------------------------------------------------------


def _address(request: HttpRequest) -> str:
    address: str = get_adapter().get_client_ip(request)
    return address


def _note_use(token: ApiToken, now: datetime, request: HttpRequest) -> None:
    """Write when and from where a token was used, at most once a minute; a time in the future is a wrong clock's."""
    last = token.last_used_at
    if last is not None and now - USE_NOTED_EVERY < last <= now:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY) | Q(last_used_at__gt=now)
    used = ApiToken.objects.filter(stale, pk=token.pk)
    used.update(last_used_at=now, last_used_address=_address(request)[:45])

"""What a view of the API is made of: a handler for each method, for whoever a token lets in."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.log import log_response
from django.utils.translation import gettext as _

from accounts.models import NexmoAccount, NexmoAccountQuerySet
from accounts.tokens.authenticate import TokenRefused, authenticate
from events.api.answers import answer
from events.api.errors import ApiError
from events.detection.findings.sight import Sight
from events.masking import mask_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

    from django.http import HttpRequest

    from accounts.models import ApiToken
    from accounts.tokens.authenticate import TokenAccess

logger = logging.getLogger(__name__)

AGAIN_AFTER = 10  # seconds, where the database is busy


@dataclass
class Access:
    """Whom a token lets in, and to what."""

    by_token: TokenAccess

    @property
    def token(self) -> ApiToken:
        return self.by_token.token

    @property
    def person(self) -> Any:
        return self.by_token.person

    @property
    def accounts(self) -> list[NexmoAccount]:
        """Those that its person may see now and that it is for."""
        return self.by_token.account_list

    @cached_property
    def keys(self) -> dict[int, str]:
        """Their API keys, by primary key: all that a page of events needs of them."""
        if self.token.all_accounts:
            return NexmoAccountQuerySet.keys_visible_to(self.person)
        return {account.pk: account.api_key for account in self.accounts}

    @cached_property
    def sees_whole(self) -> bool:
        """Whether its person may see what is sensitive in events. Asked once, and before anything is looked at."""
        return NexmoAccountQuerySet.sees_sensitive(self.person)

    def as_received(self, raw: str) -> str:
        """An event as its person may see it."""
        return raw if self.sees_whole else mask_json(raw)

    @cached_property
    def everything(self) -> bool:
        """Whether these are all accounts there are."""
        return self.token.all_accounts and NexmoAccountQuerySet.sees_all(self.person)

    @cached_property
    def by_pk(self) -> dict[int, NexmoAccount]:
        return {account.pk: account for account in self.accounts}

    @property
    def sight(self) -> Sight:
        """What it may know of findings."""
        return Sight(self.person, self.everything, self.by_pk)


# Takes a request, an Access, and what stands in the address.
Handler = Callable[..., HttpResponse]


def operations(
    body_of: Callable[[ApiError], tuple[str, bytes]],
    handlers: Mapping[str, Handler],
    *,
    zone: Callable[[], tzinfo],
) -> Callable[..., HttpResponse]:
    """A view of these operations, by their methods; HEAD is answered wherever GET is.

    It asks for a token instead of a login, so there is neither a redirect nor a form's secret.

    Args:
        body_of: the shape of errors.
        zone: that of days and of times without an offset.
    """
    allowed = ", ".join(name for method in handlers for name in ((method, "HEAD") if method == "GET" else (method,)))

    def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        with timezone.override(zone()):
            try:
                handler = handlers.get("GET" if request.method == "HEAD" else request.method or "")
                if handler is None:
                    sentence = _("This address takes %(methods)s.") % {"methods": allowed}
                    raise ApiError(405, sentence, headers={"Allow": allowed})
                return handler(request, _admitted(request), **kwargs)
            except ApiError as error:
                return _refusal(request, error, body_of)
            except Http404:
                return _refusal(request, ApiError(404, _("There is nothing here that this token may see.")), body_of)
            except (OperationalError, InterfaceError) as error:
                logger.error("The database cannot be used: %s: %s", type(error).__name__, error)
                busy = ApiError(
                    503,
                    _("The archive is busy, or this takes too long. Try again, or ask for less."),
                    headers={"Retry-After": str(AGAIN_AFTER)},
                )
                return _refusal(request, busy, body_of)
            except RequestDataTooBig:
                return _refusal(request, ApiError(413, _("What was sent is too large.")), body_of)
            except SuspiciousOperation as error:
                logger.warning("A request was refused: %s: %s", type(error).__name__, error)
                return _refusal(request, ApiError(400, _("This request cannot be read; it may be too long.")), body_of)
            except Exception as error:  # a program is told so in the shape that it reads
                got_request_exception.send(sender=view, request=request)
                response = _refusal(request, ApiError(500, _("Something went wrong here. It was logged.")), body_of)
                log_response(
                    "%s: %s", response.reason_phrase, request.path, response=response, request=request, exception=error
                )
                return response

    update_wrapper(view, next(iter(handlers.values())), assigned=("__module__", "__name__", "__doc__"), updated=())
    view.is_operation = True  # type: ignore[attr-defined]  # for the middleware
    view.login_required = False  # type: ignore[attr-defined]
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def _admitted(request: HttpRequest) -> Access:
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # Following a redirect, a program would go on sending its token readably, and nobody would notice.
        raise ApiError(403, _("Use https://. Whoever was on the way could read this token: revoke it."))
    try:
        return Access(authenticate(request))
    except TokenRefused as refused:
        raise ApiError(refused.status, refused.detail, title=refused.title, headers=refused.headers) from None


def _refusal(request: HttpRequest, error: ApiError, body_of: Callable[[ApiError], tuple[str, bytes]]) -> HttpResponse:
    media_type, body = body_of(error)
    return answer(request, body, media_type, status=error.status, headers=error.headers)

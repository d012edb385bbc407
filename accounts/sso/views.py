"""The addresses of single sign-on: where logins begin, and where providers send people back to."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import requests
from allauth.account.utils import get_next_redirect_url
from allauth.core import ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.sso import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from accounts.sso.config import OpenIDConnect, Saml


def of(kind: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A view of one kind of provider: not found where the site has none, and every failure told in a sentence."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @login_not_required
        @never_cache
        @wraps(view)
        def answered(request: HttpRequest) -> HttpResponse:
            provider = getattr(settings.SINGLE_SIGN_ON, kind)
            if provider is None:
                raise Http404
            try:
                return view(request, provider)
            except ImmediateHttpResponse as stopped:
                answer: HttpResponse = stopped.response
                return answer
            except refusal.Refusal as refused:
                why = refused
            except requests.RequestException as error:
                why = refusal.Refusal("unreachable", type(error).__name__)
            except (OAuth2Error, KeyError, TypeError, ValueError, RecursionError) as error:
                why = refusal.Refusal("invalid", f"{type(error).__name__}: {error}")
            return refusal.answer(request, why, provider=provider.name, label=provider.label)

        return answered

    return decorate


def _begin(request: HttpRequest, provider: OpenIDConnect | Saml) -> HttpResponse:
    too_often: HttpResponse | None = ratelimit.consume_or_429(request, action="login")
    if too_often:
        return too_often
    found = get_adapter().get_provider(request, provider=provider.name)
    answer: HttpResponse = found.redirect(request, AuthProcess.LOGIN, get_next_redirect_url(request))
    return answer


@of("openid")
@require_safe
def openid_begin(request: HttpRequest, provider: OpenIDConnect) -> HttpResponse:
    """Leads to the login at the OpenID Connect provider."""
    return _begin(request, provider)


@of("openid")
@require_safe
def openid_callback(request: HttpRequest, provider: OpenIDConnect) -> HttpResponse:
    """Where the OpenID Connect provider sends people back to."""
    from accounts.sso.oidc.provider import Adapter, CallbackView

    view: Any = CallbackView.adapter_view(Adapter(request, provider.name))
    answer: HttpResponse = view(request)
    return answer


@of("saml")
@require_safe
def saml_begin(request: HttpRequest, provider: Saml) -> HttpResponse:
    """Leads to the login at the SAML provider."""
    return _begin(request, provider)


@csrf_exempt
@of("saml")
@require_POST
def saml_acs(request: HttpRequest, provider: Saml) -> HttpResponse:
    """Where the SAML provider has browsers post its answer."""
    from accounts.sso.saml.views import receive

    return receive(request, provider)


@of("saml")
@require_safe
def saml_finish(request: HttpRequest, provider: Saml) -> HttpResponse:
    """The second step of the answer: logs in the browser that asked."""
    from accounts.sso.saml.views import finish

    return finish(request, provider)


@of("saml")
@require_safe
def saml_metadata(request: HttpRequest, provider: Saml) -> HttpResponse:
    """This site's SAML metadata, for the provider."""
    from accounts.sso.saml.response import our_metadata

    return HttpResponse(our_metadata(request, provider), content_type="application/samlmetadata+xml")

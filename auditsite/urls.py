"""Every path of the site. All of them ask for a login but those marked `login_not_required`."""

from __future__ import annotations

from allauth.account import views as login_views
from django.apps import apps
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.login.views import ConfirmWithPasskeyView, LoginWithPasskeyView, confirm
from auditsite.assets import asset
from auditsite.login.welcome import welcome
from auditsite.middleware.headers import csp_report
from auditsite.views import healthz, metrics_page, not_found, readyz

handler400 = "auditsite.views.bad_request"
handler500 = "auditsite.middleware.busy.server_error"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="events:list", query_string=True), name="home"),
    path("", include("events.urls")),
    path("", include("accounts.urls")),
    # The admin's redirect to an object's own page knows no scope: it would tell staff the keys of foreign accounts.
    path("admin/r/<path:rest>", not_found, name="admin_redirect"),
    # One place for the own password: allauth's, which counts wrong ones.
    path(
        "admin/password_change/",
        RedirectView.as_view(pattern_name="account_change_password"),
        name="admin_password_change",
    ),
    path("admin/password_change/done/", not_found, name="admin_password_change_done"),
    path("admin/", admin.site.urls),
    path("assets/site-<slug:digest>.<slug:kind>", asset, name="asset"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
    path("csp-report", csp_report, name="csp_report"),
    path("welcome/", welcome, name="welcome"),
    # allauth, by name: only what a site without sign-up and without e-mail needs.
    path("login/", login_views.login, name="account_login"),
    path("logout/", login_views.logout, name="account_logout"),
    path("login/inactive/", login_views.account_inactive, name="account_inactive"),
    path("login/confirm/", confirm, name="account_reauthenticate"),
    path("profile/password/", login_views.password_change, name="account_change_password"),
    path(
        "profile/second-factor/webauthn/reauthenticate/",
        ConfirmWithPasskeyView.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("profile/second-factor/webauthn/login/", LoginWithPasskeyView.as_view(), name="mfa_login_webauthn"),
    path("profile/second-factor/", include("allauth.mfa.urls")),
    # allauth's pages look these up by name; nobody can sign up or reset a password by themselves.
    path("login/none/", RedirectView.as_view(pattern_name="account_login"), name="account_signup"),
    path("login/none/", RedirectView.as_view(pattern_name="account_login"), name="account_reset_password"),
    path("login/none/", RedirectView.as_view(pattern_name="account_login"), name="account_set_password"),
    path("login/none/", RedirectView.as_view(pattern_name="account_login"), name="account_email"),
]

if apps.is_installed("accounts.sso"):
    urlpatterns.append(path("", include("accounts.sso.urls")))

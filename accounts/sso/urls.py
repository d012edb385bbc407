"""The paths of single sign-on."""

from __future__ import annotations

from django.urls import path

from accounts.sso import views

app_name = "sso"

urlpatterns = [
    path("sso/openid/", views.openid_begin, name="openid"),
    path("sso/openid/callback/", views.openid_callback, name="openid_callback"),
    path("sso/saml/", views.saml_begin, name="saml"),
    path("sso/saml/acs/", views.saml_acs, name="saml_acs"),
    path("sso/saml/finish/", views.saml_finish, name="saml_finish"),
    path("sso/saml/metadata/", views.saml_metadata, name="saml_metadata"),
]

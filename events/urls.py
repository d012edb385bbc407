"""The paths of events and of the accounts they belong to."""

from __future__ import annotations

from django.urls import path

from events.views import accounts, detail, export, lists

app_name = "events"

urlpatterns = [
    path("events/", lists.merged, name="list"),
    path("events/export.<str:kind>", export.merged, name="export"),
    path("events/<path:event_id>/", detail.find, name="find"),
    path("accounts/", accounts.overview, name="accounts"),
    path("accounts/<str:api_key>/", accounts.account, name="account"),
    path("accounts/<str:api_key>/sync/", accounts.sync, name="sync"),
    path("accounts/<str:api_key>/events/", lists.one_account, name="account_events"),
    path("accounts/<str:api_key>/events/export.<str:kind>", export.one_account, name="account_export"),
    path("accounts/<str:api_key>/events/<path:event_id>/", detail.event, name="event"),
]

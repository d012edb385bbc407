"""The demo's site: every path of the site, and the demo's own page."""

from __future__ import annotations

from django.urls import path

from auditsite import demo_views, urls

handler400, handler500 = urls.handler400, urls.handler500
urlpatterns = [
    path("demo/", demo_views.page, name="demo"),
    path("demo/attack/", demo_views.attack_now, name="demo_attack"),
    *urls.urlpatterns,
]

"""The demo's site: every path of the site, and the demo's own page."""

from __future__ import annotations

from django.urls import path

from auditsite import urls
from auditsite.demo import views

handler400, handler500 = urls.handler400, urls.handler500
urlpatterns = [
    path("demo/", views.page, name="demo"),
    path("demo/attack/", views.attack_now, name="demo_attack"),
    *urls.urlpatterns,
]

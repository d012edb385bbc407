"""The admin, with as many rows on a page as ours has: the packages' own 100 would cost them more."""

from __future__ import annotations

from auditlog.models import LogEntry
from django.contrib import admin
from django.urls import path
from easyaudit.models import CRUDEvent

for model in (LogEntry, CRUDEvent):
    admin.site._registry[model].list_per_page = 50

urlpatterns = [path("admin/", admin.site.urls)]

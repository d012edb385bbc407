"""What the page of events is compared with: the page as it is usually written, and as little as can be written."""

from __future__ import annotations

from html import escape
from typing import Any

import django_filters
import django_tables2 as tables
import requests
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.models import NexmoAccount
from events.models import AuditEvent
from tests.benchmarks import internals
from tests.benchmarks.vocabulary import LARGEST_KEY

ROWS = 50


class StockTable(tables.Table):
    """As the documentation of django-tables2 has it: columns generated from the model, cells from small templates."""

    account = tables.TemplateColumn('<span title="{{ record.account.api_key }}">{{ record.account.name }}</span>')
    event_type = tables.TemplateColumn(
        '<a href="{{ record.get_absolute_url }}">{{ record.event_type_description }}</a>'
        " <code>{{ record.event_type }}</code>"
    )
    source = tables.TemplateColumn('<span title="{{ record.source_description }}">{{ record.source }}</span>')
    origin = tables.TemplateColumn(
        "{{ record.source_country }} <code>{{ record.source_ip }}</code>", order_by="source_ip"
    )
    details = tables.TemplateColumn(
        "{% for name, value in record.context.items %}{{ name }}: {{ value }}; {% endfor %}", orderable=False
    )

    class Meta:
        model = AuditEvent
        template_name = "django_tables2/table.html"
        fields = ("created_at", "account", "event_type", "user_email", "source", "origin", "details")


class StockFilter(django_filters.FilterSet):
    """As the documentation of django-filter has it."""

    account = django_filters.ModelMultipleChoiceFilter(queryset=NexmoAccount.objects.all())
    date = django_filters.DateFromToRangeFilter(field_name="created_at")
    search_text = django_filters.CharFilter(field_name="raw", lookup_expr="icontains")

    class Meta:
        model = AuditEvent
        fields = ("event_type", "user_email", "source", "source_ip", "source_country")


def stock_page(request: HttpRequest) -> HttpResponse:
    """Filter form, table and Paginator with its COUNT."""
    events = AuditEvent.objects.visible_to(request.user).select_related("account")
    found = StockFilter(request.GET, queryset=events)
    table = StockTable(found.qs)
    tables.RequestConfig(request, paginate={"per_page": ROWS}).configure(table)
    return render(request, "benchmarks/stock.html", {"filter": found, "table": table})


def as_rows(found: Any) -> str:
    """Rows of HTML by a string join."""
    return "".join(
        f'<tr data-event-id="{escape(row[0])}">'
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in row[1:])
        + "</tr>"
        for row in found
    )


def bare_page(request: HttpRequest) -> HttpResponse:
    """Django and nothing else: a cursor and a string join. No form, no filter, no scope."""
    with connection.cursor() as cursor:
        cursor.execute(internals.NEWEST_ROWS)
        return HttpResponse(f"<table>{as_rows(cursor.fetchall())}</table>")


def floor(raw_connection: Any) -> str:
    """The driver and a string join, without Django."""
    cursor = raw_connection.cursor()
    cursor.execute(internals.NEWEST_ROWS)
    return f"<table>{as_rows(cursor.fetchall())}</table>"


def live_page(request: HttpRequest) -> HttpResponse:
    """As Nexmo's sample program does it: asks for types and events at every view, keeps nothing."""
    address = f"{settings.NEXMO_AUDIT_URL}/events"
    login = (LARGEST_KEY, f"sandbox-secret-{LARGEST_KEY[-4:]}")
    types = requests.options(address, auth=login, timeout=10).json()["eventTypes"]
    body = requests.get(address, params={"size": str(ROWS)}, auth=login, timeout=10).json()
    events = body.get("_embedded", {}).get("events", [])
    return render(request, "benchmarks/live.html", {"types": types, "events": events})

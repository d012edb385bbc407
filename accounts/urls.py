"""The paths of teams."""

from __future__ import annotations

from django.urls import path

from accounts.teams import views

app_name = "accounts"

urlpatterns = [
    path("teams/", views.team_list, name="teams"),
    path("teams/<int:pk>/", views.team_page, name="team"),
]

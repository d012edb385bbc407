"""The paths of teams, API tokens and sessions."""

from __future__ import annotations

from django.urls import path

from accounts.login import views as login
from accounts.teams import views as teams
from accounts.tokens import views as tokens

app_name = "accounts"

urlpatterns = [
    path("teams/", teams.team_list, name="teams"),
    path("teams/<int:pk>/", teams.team_page, name="team"),
    path("profile/sessions/", login.own_sessions, name="sessions"),
    path("profile/sessions/end", login.end_other_sessions, name="sessions_end"),
    path("profile/sessions/<int:pk>/end", login.end_session, name="session_end"),
    path("profile/tokens/", tokens.own_tokens, name="tokens"),
    path("profile/tokens/new", tokens.new_token, name="token_new"),
    path("tokens/", tokens.others_tokens, name="others_tokens"),
    path("tokens/<str:identifier>/revoke", tokens.revoke_token, name="token_revoke"),
    path("accounts/<str:api_key>/tokens/", tokens.others_tokens, name="account_tokens"),
]

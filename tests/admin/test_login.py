"""Getting into the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.tools.admin import Login


def test_admins_login_is_the_sites(client: Client) -> None:
    response = Client().get("/admin/login/?next=/admin/accounts/")

    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=")
    assert Client().get("/admin/", follow=True).request["PATH_INFO"] == "/login/"


def test_admins_login_takes_no_password_itself(cast: dict[str, Any]) -> None:
    """Else the throttling and the second factor of the site's own login could be walked around."""
    client = Client()

    response = client.post("/admin/login/", {"username": "admin", "password": "audit-demo"})

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/login/")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_who_is_no_staff_is_refused(login: Login, person: str) -> None:
    response = login(person).get("/admin/", follow=True)

    assert response.status_code == 403


def test_email_addresses_are_not_managed(login: Login) -> None:
    assert login("admin").get("/admin/account/emailaddress/").status_code == 404


@pytest.mark.parametrize("length", [10, 2_000, 5_000, 12_000])
def test_login_leads_back_to_a_long_address(cast: dict[str, Any], length: int) -> None:
    address = "/events/?search_text=" + "a" * length

    sent_away = Client().get(address)
    response = Client().post(sent_away["Location"], {"login": "alice", "password": "audit-demo", "next": address})

    assert (response.status_code, response["Location"]) == (302, address)


@pytest.mark.parametrize(
    "address", ["//evil.example/", "/\\evil.example/", "https://evil.example/", "/\\/evil.example/", "javascript:x"]
)
def test_login_leads_nowhere_else(cast: dict[str, Any], address: str) -> None:
    for long in (address, address + "a" * 5_000):
        response = Client().post("/login/", {"login": "alice", "password": "audit-demo", "next": long})

        assert response["Location"] == "/events/"

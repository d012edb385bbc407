"""A passkey in Chromium, with a virtual authenticator: set up, log out, log in with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.tools.browser import BROWSER, PAGES_ALONE, log_in

pytestmark = [*BROWSER, PAGES_ALONE]


def test_passkey_is_set_up_and_logs_in(open_page: Callable[..., Any], cast: Any, live_server: Any) -> None:
    page = open_page("/healthz", viewport={"width": 390, "height": 900})
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    authenticator = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    virtual = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": authenticator})["authenticatorId"]
    page.goto("/events/")
    log_in(page, "bob")
    page.goto("/profile/second-factor/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Telephone")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/recovery-codes/")

    page.context.clear_cookies()
    page.goto("/teams/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/teams/")
    assert page.locator(".me summary").inner_text() == "bob"

    page.context.clear_cookies()
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": virtual, "isUserVerified": False})
    page.goto("/login/")
    page.get_by_role("button", name="Use a passkey").click()
    page.locator("#passkey-problem:not([hidden])").wait_for()
    assert "Nothing was confirmed" in page.locator("#passkey-problem").inner_text()
    page.goto(live_server.url.replace("localhost", "127.0.0.1") + "/login/")  # passkeys are bound to names
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("under the name of the site").wait_for()

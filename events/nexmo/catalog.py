"""The event types known without asking: the union of every list Nexmo has published.

OPTIONS is the definitive list and it changes; this one stands in until it has been asked, and keeps retired types
readable.
"""

from __future__ import annotations

EVENT_TYPES = {
    "USER_STATUS": "User status updated",
    "USER_UPDATE": "User updated",
    "USER_BILLING_UPDATE": "User billing updated",
    "USER_CREATE": "User created",
    "USER_LOGIN": "User login into Customer dashboard",
    "USER_LOGOUT": "User logout from Customer dashboard",
    "USER_PRODUCT_SEARCH": "User product search",
    "USER_API_KEYS_UPDATE": "Sub-accounts for user updated",
    "ACCOUNT_SECRET_DELETE": "Account secret deleted",
    "ACCOUNT_SECRET_CREATE": "Account secret created",
    "ACCOUNT_UPDATE_SPAMMER": "Messaging Account Banned",
    "ACCOUNT_UPDATE_SETTINGS": "Account Settings updated",
    "ACCOUNT_UPDATE_SETTINGS_API": "Account Settings updated via API",
    "NUMBER_ASSIGN": "Number assigned",
    "NUMBER_UPDATED": "Number updated",
    "NUMBER_RELEASE": "Number released",
    "NUMBER_USER_CANCELED": "Number canceled by user",
    "NUMBER_LINKED": "Number linked to application",
    "NUMBER_UNLINKED": "Number unlinked from application",
    "APP_CREATE": "Application created",
    "APP_UPDATE": "Application updated",
    "APP_DELETE": "Application deleted",
    "APP_DISABLE": "Application disabled",
    "APP_ENABLE": "Application enabled",
    "IP_WHITELIST_CREATE": "Whitelist IP added",
    "IP_WHITELIST_DELETE": "Whitelist IP deleted",
    "AUTORELOAD_ENABLE": "Autoreload enabled",
    "AUTORELOAD_UPDATE": "Autoreload settings updated",
    "AUTORELOAD_DISABLE": "Autoreload disabled",
}

# The sources that Nexmo documents; there are others, which it calls internal.
SOURCES = {"CD": "Dashboard", "DEVAPI": "API"}

# Families by the first words of the code; an unknown code falls into "other".
FAMILIES = (
    ("USER_", "users", "Sign-ins and people"),
    ("ACCOUNT_SECRET_", "secrets", "Secrets"),
    ("NUMBER_", "numbers", "Numbers"),
    ("APP_", "applications", "Applications"),
    ("IP_WHITELIST_", "network", "Network"),
    ("AUTORELOAD_", "money", "Money"),
    ("ACCOUNT_", "account", "Account"),
)


def family(code: str) -> tuple[str, str]:
    """The slug and the title of the family that an event type belongs to."""
    for prefix, slug, title in FAMILIES:
        if code.startswith(prefix):
            return slug, title
    return "other", "Other"

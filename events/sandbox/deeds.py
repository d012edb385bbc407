"""What people and machines do to an account, and what they do it to: applications, numbers, users, settings.

A deed changes the `Estate` and returns the event's type and context. A deed that is impossible just now
(nothing to unlink, no application yet) becomes the nearest possible one, so no event speaks of a thing
that does not exist. Contexts of APP_CREATE, NUMBER_LINKED, NUMBER_UNLINKED and NUMBER_UPDATED follow the
vendor's samples. ALL OTHER CONTEXTS ARE SYNTHETIC: no source shows them; they are guessed from the request
fields of sibling APIs, and no program may rely on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from events.sandbox.people import Company, Person, address, country_of, hire, msisdn
from events.sandbox.shape import Event, new_id

_APP_NAMES = (
    "Order notifications", "Booking line", "Café reservations", "Straßenservice", "日本 予約",
    "Two-factor codes", "Night desk", "Delivery tracker", "Élodie's survey", "Call recording",
    "Voicemail", "Callback queue", "Wartezimmer", "Número de guardia", "Appointment reminders",
    "Marketing IVR", "Conference bridge", "Fax to mail",
)  # fmt: skip
_MOST_APPS, _MOST_NUMBERS, _MOST_STAFF = 24, 60, 40

Done = tuple[str, Event | None]


@dataclass(slots=True, eq=False)
class App:
    app_id: str
    name: str
    enabled: bool = True
    numbers: int = 0  # how many numbers are linked to it


@dataclass(slots=True, eq=False)
class Number:
    country: str
    msisdn: str
    app: App | None = None


class Estate:
    """Everything an account has at one moment of its story."""

    def __init__(self, api_key: str, company: Company, rng: Random, lane: int) -> None:
        self.api_key, self.company, self.rng, self.lane = api_key, company, rng, lane
        self.staff: list[Person] = []
        self.emails: set[str] = set()
        self.apps: list[App] = []
        self.numbers: list[Number] = []
        self.held: set[str] = set()
        self.allowed: list[str] = []
        self.autoreload = False
        self.autoreload_pinned = False  # true where a later chapter needs it to be on
        self.amount = 20
        self._countries: dict[str, str] = {}

    def country_of(self, ip: str) -> str:
        if ip not in self._countries:
            self._countries[ip] = country_of(ip)
        return self._countries[ip]

    def hook(self, path: str) -> str:
        """A webhook address; now and then it carries a (fake) token, as real ones do."""
        token = f"?token=sandbox-{self.rng.getrandbits(32):08x}" if self.rng.random() < 0.2 else ""
        return f"https://hooks.{self.company.domain}/{path}{token}"

    def fresh_number(self) -> Number | None:
        for _ in range(20):
            country = self.rng.choice(self.company.numbers)
            number = msisdn(country, self.rng, self.lane, 8)
            if number not in self.held:
                return Number(country, number)
        return None


def _login(estate: Estate, who: Person | None) -> Done:
    return "USER_LOGIN", None


def _logout(estate: Estate, who: Person | None) -> Done:
    return "USER_LOGOUT", None


def _search(estate: Estate, who: Person | None) -> Done:
    rng = estate.rng
    number = rng.choice(estate.numbers).msisdn if estate.numbers else msisdn("GB", rng)
    product = rng.choice(("SMS", "SMS", "Voice", "Verify", "Number Insight"))
    return "USER_PRODUCT_SEARCH", {"product": product, "query": number}


def _app_create(estate: Estate, who: Person | None) -> Done:
    rng = estate.rng
    if len(estate.apps) >= _MOST_APPS:
        return _app_delete(estate, who)
    app = App(new_id(rng), f"{rng.choice(_APP_NAMES)} {rng.choice(('', 'test', 'staging', 'live', '2'))}".strip())
    estate.apps.append(app)
    created = {
        "accountId": estate.api_key,
        "appId": app.app_id,
        "name": app.name,
        "answer_url": {"method": "GET", "url": estate.hook("answer")},
        "event_url": {"method": "POST", "url": estate.hook("event")},
        "type": "voice",
    }
    return "APP_CREATE", {"appId": app.app_id, "created": created}


def _app_update(estate: Estate, who: Person | None) -> Done:
    if not estate.apps:
        return _app_create(estate, who)
    rng = estate.rng
    app = rng.choice(estate.apps)
    if rng.random() < 0.25:
        previous, app.name = app.name, f"{rng.choice(_APP_NAMES)} {rng.randint(2, 9)}"
        renamed: Event = {"appId": app.app_id, "updated": {"name": app.name}, "previous": {"name": previous}}
        return "APP_UPDATE", renamed
    updated: Event = {rng.choice(("answer_url", "event_url")): {"method": "POST", "url": estate.hook("v2")}}
    return "APP_UPDATE", {"appId": app.app_id, "updated": updated}


def _app_delete(estate: Estate, who: Person | None) -> Done:
    idle = [app for app in estate.apps if not app.numbers]
    if not idle or len(estate.apps) < 3:
        return _app_update(estate, who)
    app = estate.rng.choice(idle)
    estate.apps.remove(app)
    return "APP_DELETE", {"appId": app.app_id}


def _app_disable(estate: Estate, who: Person | None) -> Done:
    enabled = [app for app in estate.apps if app.enabled and not app.numbers]
    if not enabled:
        return _app_update(estate, who)
    app = estate.rng.choice(enabled)
    app.enabled = False
    return "APP_DISABLE", {"appId": app.app_id}


def _app_enable(estate: Estate, who: Person | None) -> Done:
    disabled = [app for app in estate.apps if not app.enabled]
    if not disabled:
        return _app_update(estate, who)
    app = estate.rng.choice(disabled)
    app.enabled = True
    return "APP_ENABLE", {"appId": app.app_id}


def _assign(estate: Estate, who: Person | None) -> Done:
    number = estate.fresh_number() if len(estate.numbers) < _MOST_NUMBERS else None
    if number is None:
        return _cancel(estate, who)
    estate.numbers.append(number)
    estate.held.add(number.msisdn)
    return "NUMBER_ASSIGN", {"country": number.country, "msisdn": number.msisdn}


def _cancel(estate: Estate, who: Person | None) -> Done:
    free = [number for number in estate.numbers if number.app is None]
    if len(estate.numbers) < 4 or not free:
        return _update_number(estate, who)
    number = estate.rng.choice(free)
    estate.numbers.remove(number)
    estate.held.discard(number.msisdn)
    event_type = "NUMBER_RELEASE" if estate.rng.random() < 0.2 else "NUMBER_USER_CANCELED"
    return event_type, {"country": number.country, "msisdn": number.msisdn}


def _link(estate: Estate, who: Person | None) -> Done:
    free = [number for number in estate.numbers if number.app is None]
    apps = [app for app in estate.apps if app.enabled]
    if not apps:
        return _app_create(estate, who) if len(estate.apps) < _MOST_APPS else _app_enable(estate, who)
    if not free:
        return _assign(estate, who) if len(estate.numbers) < _MOST_NUMBERS else _unlink(estate, who)
    number, app = estate.rng.choice(free), estate.rng.choice(apps)
    number.app = app
    app.numbers += 1
    return "NUMBER_LINKED", _number_context(estate, number, app)


def _unlink(estate: Estate, who: Person | None) -> Done:
    linked = [number for number in estate.numbers if number.app is not None]
    if not linked:
        return _link(estate, who)
    number = estate.rng.choice(linked)
    app, number.app = number.app, None
    if app is None:  # cannot be: `linked` holds only numbers with an application
        return _link(estate, who)
    app.numbers -= 1
    return "NUMBER_UNLINKED", _number_context(estate, number, app)


def _number_context(estate: Estate, number: Number, app: App) -> Event:
    return {
        "country": number.country,
        "account": estate.api_key,
        "msisdn": number.msisdn,
        "applicationId": app.app_id,
    }


def _update_number(estate: Estate, who: Person | None) -> Done:
    if not estate.numbers:
        return _assign(estate, who)
    rng = estate.rng
    number = rng.choice(estate.numbers)
    context: Event = {"country": number.country, "msisdn": number.msisdn}
    if rng.random() < 0.5:
        context["http"] = estate.hook("inbound-sms")
    if number.app is not None:
        context |= {"voice-type": "app", "voice-value": number.app.app_id}
    else:
        kind = rng.choice(("sip", "tel", "vxml"))
        value = {
            "sip": f"sip:desk{rng.randint(1, 40)}@sip.{estate.company.domain}",
            "tel": msisdn("GB", rng),
            "vxml": estate.hook("voice.xml"),
        }[kind]
        context |= {"voice-type": kind, "voice-value": value}
    return "NUMBER_UPDATED", context


def _allow_address(estate: Estate, who: Person | None) -> Done:
    ip = address(estate.company.country, estate.rng.randrange(200))
    if ip in estate.allowed or len(estate.allowed) > 8:
        return _remove_address(estate, who)
    estate.allowed.append(ip)
    return "IP_WHITELIST_CREATE", {"ip": ip}


def _remove_address(estate: Estate, who: Person | None) -> Done:
    if not estate.allowed:
        return _search(estate, who)
    ip = estate.rng.choice(estate.allowed)
    estate.allowed.remove(ip)
    return "IP_WHITELIST_DELETE", {"ip": ip}


def _autoreload(estate: Estate, who: Person | None) -> Done:
    rng = estate.rng
    if not estate.autoreload:
        estate.autoreload = True
        return "AUTORELOAD_ENABLE", {"amount": estate.amount, "threshold": 10}
    if rng.random() < 0.15 and not estate.autoreload_pinned:
        estate.autoreload = False
        return "AUTORELOAD_DISABLE", {"amount": estate.amount, "threshold": 10}
    estate.amount = rng.choice([amount for amount in (20, 30, 50, 80) if amount != estate.amount])
    return "AUTORELOAD_UPDATE", {"amount": estate.amount, "threshold": rng.choice((5, 10, 20))}


def _hire(estate: Estate, who: Person | None) -> Done:
    active = sum(person.active for person in estate.staff)
    if active >= min(_MOST_STAFF, estate.company.staff + 6) or len(estate.emails) > 400:
        return _user_update(estate, who)
    role = estate.rng.choice(("developer", "support", "support", "finance"))
    person = hire(estate.company, estate.rng, role, estate.emails)
    estate.staff.append(person)
    return "USER_CREATE", {"email": person.email, "role": role}


def _user_update(estate: Estate, who: Person | None) -> Done:
    rng = estate.rng
    person = rng.choice([person for person in estate.staff if person.active])
    changed: Event = rng.choice(({"phone": msisdn("GB", rng)}, {"timezone": "Etc/UTC"}, {"notifications": True}))
    return "USER_UPDATE", {"email": person.email} | changed


def _user_status(estate: Estate, who: Person | None) -> Done:
    leavers = [person for person in estate.staff if person.active and not person.protected and person is not who]
    if len(leavers) < 2:
        return _hire(estate, who)
    person = estate.rng.choice(leavers)
    person.active = False
    return "USER_STATUS", {"email": person.email, "status": "disabled"}


def _billing(estate: Estate, who: Person | None) -> Done:
    email = who.email if who else estate.staff[0].email
    return "USER_BILLING_UPDATE", {"email": email, "invoice_email": f"accounts@{estate.company.domain}"}


def _api_keys(estate: Estate, who: Person | None) -> Done:
    keys = [
        estate.api_key,
        *(f"sub{estate.rng.randrange(10**5):05d}" for _ in range(estate.rng.randint(0, 2))),
    ]
    return "USER_API_KEYS_UPDATE", {"apiKeys": keys}


def _settings(estate: Estate, who: Person | None) -> Done:
    # The documentation's table has this type, OPTIONS has not: one that can only be learnt from an event.
    return "ACCOUNT_UPDATE_SETTINGS", {"moCallBackUrl": estate.hook("mo"), "drCallBackUrl": estate.hook("dr")}


def _settings_api(estate: Estate, who: Person | None) -> Done:
    return "ACCOUNT_UPDATE_SETTINGS_API", {
        "moCallBackUrl": estate.hook("mo"),
        "drCallBackUrl": estate.hook("dr"),
    }


DEEDS: dict[str, Callable[[Estate, Person | None], Done]] = {
    "login": _login,
    "logout": _logout,
    "search": _search,
    "app_create": _app_create,
    "app_update": _app_update,
    "app_delete": _app_delete,
    "app_disable": _app_disable,
    "app_enable": _app_enable,
    "assign": _assign,
    "cancel": _cancel,
    "link": _link,
    "unlink": _unlink,
    "update_number": _update_number,
    "allow_address": _allow_address,
    "remove_address": _remove_address,
    "autoreload": _autoreload,
    "hire": _hire,
    "user_update": _user_update,
    "user_status": _user_status,
    "billing": _billing,
    "api_keys": _api_keys,
    "settings": _settings,
    "settings_api": _settings_api,
}

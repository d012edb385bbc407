"""Who appears in the sandbox: fictional companies, their staff, their addresses and telephone numbers.

Nothing here can reach a real person. E-mail domains lie under example.com/.net/.org, addresses come from
the ranges reserved for documentation (RFC 5737, RFC 3849), and telephone numbers from the ranges that
national regulators keep free for drama.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# country -> (IPv4 prefix, first and last host, hours ahead of UTC). Every address belongs to one country.
# Offsets are fixed, without daylight saving: the zone database is absent on some machines, and the same
# seed must give the same events everywhere.
_PLACES: dict[str, tuple[str, int, int, int]] = {
    "GB": ("192.0.2.", 1, 50, 0),
    "IE": ("192.0.2.", 51, 80, 0),
    "FR": ("192.0.2.", 81, 120, 1),
    "DE": ("192.0.2.", 121, 170, 1),
    "NL": ("192.0.2.", 171, 200, 1),
    "ES": ("192.0.2.", 201, 230, 1),
    "SE": ("192.0.2.", 231, 254, 1),
    "US": ("198.51.100.", 1, 90, -5),
    "CA": ("198.51.100.", 91, 120, -5),
    "AU": ("198.51.100.", 121, 160, 10),
    "JP": ("198.51.100.", 161, 190, 9),
    "SG": ("198.51.100.", 191, 215, 8),
    "IN": ("198.51.100.", 216, 240, 5),
    "NZ": ("198.51.100.", 241, 254, 12),
    "BR": ("203.0.113.", 1, 40, -3),
    "PL": ("203.0.113.", 41, 80, 1),
    "IT": ("203.0.113.", 81, 110, 1),
    "PT": ("203.0.113.", 111, 140, 0),
    "ZA": ("203.0.113.", 141, 170, 2),
    "AT": ("203.0.113.", 171, 200, 1),
    "CH": ("203.0.113.", 201, 230, 1),
    "SC": ("203.0.113.", 231, 254, 4),  # nobody lives or travels here: the place the takeover comes from
}
TAKEOVER_COUNTRY = "SC"
_HOMES = [country for country in _PLACES if country != TAKEOVER_COUNTRY]

# country -> (prefixes, how many digits follow), all reserved for drama.
_NUMBERS: dict[str, tuple[tuple[str, ...], int]] = {
    "GB": (("447700900",), 3),
    "US": (tuple(f"1{area}55501" for area in (202, 206, 212, 303, 312, 404, 415, 512, 617, 702)), 2),
    "CA": (tuple(f"1{area}55501" for area in (204, 403, 416, 514, 604)), 2),
    "FR": (("3363998",), 4),
    "DE": (("493023125", "496990009", "498999998"), 3),
    "AU": (("6125550", "6127010"), 4),
    "IE": (("3532091",), 5),
    "SE": (("463139006", "468465004"), 2),
}

_FIRST = (
    "Ada", "Amara", "Anouk", "Asha", "Bea", "Bruno", "Carla", "Chidi", "Dario", "Edda", "Elif",
    "Emil", "Farah", "Femi", "Greta", "Hana", "Hugo", "Ines", "Ivo", "Jonas", "Kaia", "Kenji",
    "Lena", "Liam", "Lucia", "Mara", "Mateo", "Mina", "Nadia", "Nils", "Omar", "Paula", "Priya",
    "Quinn", "Rafael", "Rosa", "Sami", "Tara", "Theo", "Uma", "Vera", "Wanda", "Yara", "Yusuf",
    "Zoe",
)  # fmt: skip
_LAST = (
    "Abara", "Aldana", "Bellweather", "Brandis", "Calloway", "Castellan", "Demirel", "Dunmore",
    "Ekwall", "Fairbourne", "Ferreira", "Galloway", "Hallstein", "Hartigan", "Ivanek", "Jansma",
    "Kessler", "Kimura", "Lindqvist", "Lorimer", "Marchetti", "Merriweather", "Nakata", "Novak",
    "Okafor", "Oyelaran", "Pemberton", "Quintero", "Rasmus", "Rossiter", "Sandoval", "Severin",
    "Tanaka", "Thorne", "Ulrich", "Vandermeer", "Vasquez", "Whitlock", "Yamada", "Zielinski",
)  # fmt: skip


@dataclass(frozen=True)
class Company:
    """The customer behind one account. `numbers` are the countries in which it rents telephone numbers."""

    name: str
    domain: str
    country: str
    numbers: tuple[str, ...]
    staff: int
    premium: bool = True  # without Premium Support the audit log has no logins and logouts


@dataclass(slots=True, eq=False)
class Person:
    """One dashboard user. `protected` people never leave: the owner, and the developer next to them."""

    email: str
    user_id: int
    role: str
    country: str
    office: str
    home: str
    offset: int  # hours ahead of UTC
    protected: bool = False
    active: bool = True
    away: str = ""  # the country of a journey, while it lasts
    away_until: int = -1  # day number


_COMPANIES = (
    Company("Quillfern Parcel", "quillfern.example.com", "GB", ("GB", "US"), 14),
    Company("Marrowby Health", "marrowby.example.net", "US", ("US", "CA"), 11),
    Company("Tannelhof Reisen", "tannelhof.example.org", "DE", ("DE", "FR"), 8),
    Company("Bluegum Ledger", "bluegum-ledger.example.com", "AU", ("AU", "US"), 6, premium=False),
    Company("Petit Passereau", "passereau.example.org", "FR", ("FR",), 3),
)
_FORE = (
    "Alder", "Brack", "Cinder", "Dapple", "Ember", "Fallow", "Gorse", "Hazel", "Isling", "Juniper",
    "Kelp", "Larch", "Mallow", "Nettle", "Osier",
)  # fmt: skip
_BACK = (
    "Freight", "Dental", "Tickets", "Energy", "Tutors", "Kitchens", "Couriers", "Insurance",
    "Gardens", "Radio", "Clinics", "Taxis",
)  # fmt: skip


def company(index: int) -> Company:
    """The company of account number `index` (from 1). The first five are written by hand."""
    if index <= len(_COMPANIES):
        return _COMPANIES[index - 1]
    fore, back = _FORE[index % len(_FORE)], _BACK[index % len(_BACK)]
    country = _HOMES[index * 5 % len(_HOMES)]
    numbers = (country,) if country in _NUMBERS else ("GB",)
    tld = ("com", "net", "org")[index % 3]
    return Company(f"{fore} {back} {index}", f"{fore}{index}.example.{tld}".lower(), country, numbers, 3 + index % 4)


def address(country: str, host: int, *, six: bool = False) -> str:
    """The documentation address number `host` of a country; the same arguments always give the same one."""
    prefix, first, last, _offset = _PLACES[country]
    if six:
        return f"2001:db8:{_HOMES.index(country) + 1:x}::{host % 65535 + 1:x}"
    return f"{prefix}{first + host % (last - first + 1)}"


def countries() -> list[str]:
    """Every country that has addresses."""
    return list(_PLACES)


def takeover_address(rng: Random) -> str:
    """An address in the country that nobody of any account lives in or travels to."""
    return address(TAKEOVER_COUNTRY, rng.randrange(20))


def country_of(text: str) -> str:
    """The country of an address made by `address`.

    Raises:
        KeyError: the address is not one of the sandbox.
    """
    if ":" in text:
        return _HOMES[int(text.split(":")[2], 16) - 1]
    host = int(text.rpartition(".")[2])
    for country, (prefix, first, last, _offset) in _PLACES.items():
        if text.startswith(prefix) and first <= host <= last:
            return country
    raise KeyError(text)


def msisdn(country: str, rng: Random, lane: int = 0, lanes: int = 1) -> str:
    """A telephone number reserved for drama. Accounts with different `lane`s never get the same one."""
    prefixes, digits = _NUMBERS[country]
    tail = rng.randrange(10**digits // lanes) * lanes + lane % lanes
    return f"{rng.choice(prefixes)}{tail:0{digits}d}"


def hire(employer: Company, rng: Random, role: str, taken: set[str], *, protected: bool = False) -> Person:
    """A new colleague with an e-mail address that is not in `taken` (which then has it)."""
    while True:
        local = f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}".lower()
        email = f"{local}@{employer.domain}"
        if email not in taken:
            taken.add(email)
            break
    remote = rng.random() < 0.2 and not protected
    country = rng.choice(_HOMES) if remote else employer.country
    office = address(country, rng.randrange(200)) if remote else address(employer.country, len(employer.domain))
    return Person(
        email=email,
        user_id=rng.randrange(1_000_000, 9_999_999),
        role=role,
        country=country,
        office=office,
        home=address(country, rng.randrange(60_000), six=rng.random() < 0.25),
        offset=_PLACES[country][3],
        protected=protected,
    )


def journey(person: Person, rng: Random) -> str:
    """A country that the person may travel to."""
    return rng.choice([country for country in _HOMES if country != person.country])

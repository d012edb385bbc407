"""What the generated events are made of, and the values that filters and searches are measured with.

Shares are skewed as they are in life: a few values make up most of the archive, many are rare. Nothing here can reach
a real person: addresses come from the ranges for benchmarks and documentation (RFC 2544, RFC 3849), domains from
example.com, telephone numbers from ranges kept free for drama.
"""

from __future__ import annotations

from itertools import accumulate

SEED = "auditsite benchmark 1"
ACCOUNTS = 20
SILENT = 5  # the last five accounts hold only so many events each, whatever the archive's size
SILENT_EVENTS = 60
OLD_SILENT = 2  # and two of these fell silent in the first year

# Type -> weight. The rarest comes about once in 20,000 events.
TYPES: dict[str, float] = {
    "NUMBER_UPDATED": 2300, "USER_LOGIN": 1700, "APP_UPDATE": 1200, "NUMBER_ASSIGN": 900, "USER_LOGOUT": 700,
    "ACCOUNT_UPDATE_SETTINGS_API": 600, "NUMBER_LINKED": 500, "NUMBER_RELEASE": 400, "APP_CREATE": 300,
    "NUMBER_UNLINKED": 250, "USER_PRODUCT_SEARCH": 200, "USER_UPDATE": 160, "ACCOUNT_UPDATE_SETTINGS": 130,
    "APP_DELETE": 110, "USER_STATUS": 90, "ACCOUNT_SECRET_CREATE": 80, "ACCOUNT_SECRET_DELETE": 70, "USER_CREATE": 60,
    "AUTORELOAD_UPDATE": 50, "IP_WHITELIST_CREATE": 40, "USER_BILLING_UPDATE": 35, "IP_WHITELIST_DELETE": 30,
    "AUTORELOAD_ENABLE": 25, "USER_API_KEYS_UPDATE": 20, "APP_DISABLE": 15, "APP_ENABLE": 12, "AUTORELOAD_DISABLE": 8,
    "NUMBER_USER_CANCELED": 5, "ESIM_ACTIVATE": 2, "ACCOUNT_UPDATE_SPAMMER": 0.5,
}  # fmt: skip
COUNTRIES: dict[str, float] = {
    "GB": 3000, "US": 2200, "DE": 1100, "FR": 700, "ES": 600, "NL": 500, "IE": 400, "SE": 300, "AU": 260, "CA": 220,
    "SG": 180, "IN": 160, "JP": 130, "BR": 100, "PL": 80, "IT": 60, "PT": 50, "ZA": 40, "AT": 30, "CH": 25, "NZ": 20,
    "DK": 15, "NO": 12, "FI": 10, "BE": 8, "CZ": 5, "GR": 3, "HU": 2, "EE": 1, "MT": 0.6, "IS": 0.4,
}  # fmt: skip
SOURCES: dict[str, tuple[str, float]] = {
    "CD": ("Customer dashboard", 6900),
    "DEVAPI": ("Developer API", 2900),
    "INTERNAL": ("Internal service", 190),
    "SUPPORT": ("Support desk", 0.6),
}
COMPANIES = (
    "Quillfern Parcel", "Marrowby Health", "Tannelhof Reisen", "Bluegum Ledger", "Petit Passereau", "Alder Freight",
    "Brack Dental", "Cinder Tickets", "Dapple Energy", "Ember Tutors", "Fallow Kitchens", "Gorse Couriers",
    "Hazel Insurance", "Isling Gardens", "Juniper Radio", "Kelp Clinics", "Larch Taxis", "Mallow Press",
    "Nettle Films", "Osier Looms",
)  # fmt: skip
FIRST = (
    "ada", "amara", "anouk", "asha", "bea", "bruno", "carla", "chidi", "dario", "edda", "elif", "emil", "farah",
    "femi", "greta", "hana", "hugo", "ines", "ivo", "jonas", "kaia", "kenji", "lena", "liam", "lucia", "mara",
    "mateo", "mina", "nadia", "nils", "omar", "paula", "priya", "quinn", "rafael", "rosa", "sami", "tara",
)  # fmt: skip
LAST = (
    "abara", "aldana", "bellweather", "brandis", "calloway", "castellan", "demirel", "dunmore", "ekwall", "ferreira",
    "galloway", "hallstein", "ivanek", "jansma", "kessler", "kimura", "lindqvist", "marchetti", "nakata", "okafor",
    "pemberton", "quintero", "rasmus", "sandoval", "tanaka", "ulrich", "vasquez", "whitlock", "yamada", "zielinski",
)  # fmt: skip

# What is searched for. How many events hold each is a matter of `NOTES`.
COMMON, MEDIUM, OLD, NEEDLE = "callback", "settlement", "legacyportal", "needle7f3a9c"
# Every three letters of it occur everywhere, the words in this order nowhere.
ABSENT_PHRASE = "number carrier"
ABSENT = "zzqxv"
OLD_SHARE = 0.05  # of the archive, from its beginning
NEEDLE_AT = 0.37

# (share of events, sentence): each event's note is made of those that fall to it.
NOTES: tuple[tuple[float, str], ...] = (
    (0.67, "Customer callback set for the renewed number."),
    (0.50, "The carrier confirmed the change in writing."),
    (0.30, "Routing follows the office hours of the branch."),
    (0.12, "Approved by the duty manager after a second look."),
    (0.05, "Ticket raised with the porting desk, awaiting reply."),
    (0.017, "Belongs to the yearly settlement with the reseller."),
    (0.010, "Prüfung durch die Außenstelle in Zürich abgeschlossen."),
    (0.006, "Discount of 100% agreed_upon, see \"annex B\" and C:\\contracts\\2024."),
    (0.003, "日本 予約 の 番号 を 更新 しました."),
    (0.0005, "Escalated to counsel: quarantine lifted."),
)  # fmt: skip
OLD_NOTE = f"Imported from the {OLD}."
NEEDLE_NOTE = f"Reference {NEEDLE}."


def cumulated(weights: list[float]) -> list[float]:
    """Weights as the upper ends of their shares of 1."""
    total = sum(weights)
    return [sum_so_far / total for sum_so_far in accumulate(weights)]


def api_key(number: int) -> str:
    """The key of account `number` (from 0): those of the sandbox, so that both can play together."""
    return f"demo{number + 1:04d}"


SILENT_KEYS = tuple(api_key(ACCOUNTS - SILENT + number) for number in range(SILENT))
LARGEST_KEY = api_key(0)

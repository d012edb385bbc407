"""What Nexmo's event types mean in the words of ECS and of OCSF: one line for each type, and one for each family of
types that are not known yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from events.nexmo import applications
from events.nexmo.catalog import EVENT_TYPES, family
from events.streams.record import EventRecord
from events.wording.sentences import ADDRESS, NUMBER, PERSON, SECRET


@dataclass(frozen=True)
class OcsfClass:
    """A class of OCSF: its names and numbers, and the activities that are used here."""

    uid: int
    name: str
    category_uid: int
    category: str
    activities: dict[int, str]

    def type_uid(self, activity: int) -> int:
        return self.uid * 100 + activity


UNKNOWN, OTHER = 0, 99
CREATE, READ, UPDATE, DELETE = 1, 2, 3, 4  # of API Activity and Entity Management; the first too of others
ENABLE, DISABLE, LOCK, UNLOCK = 2, 5, 9, 12  # of Account Change
PASSWORD_CHANGE, REMOVE, FACTOR_ON, FACTOR_OFF = 3, 6, 10, 11  # likewise
LOGON, LOGOFF = 1, 2

API_ACTIVITY = OcsfClass(
    6003,
    "API Activity",
    6,
    "Application Activity",
    {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete", OTHER: "Other"},
)
ACCOUNT_CHANGE = OcsfClass(
    3001,
    "Account Change",
    3,
    "Identity & Access Management",
    {
        CREATE: "Create",
        ENABLE: "Enable",
        PASSWORD_CHANGE: "Password Change",
        DISABLE: "Disable",
        REMOVE: "Delete",
        LOCK: "Lock",
        FACTOR_ON: "MFA Factor Enable",
        FACTOR_OFF: "MFA Factor Disable",
        UNLOCK: "Unlock",
        OTHER: "Other",
    },
)
AUTHENTICATION = OcsfClass(
    3002, "Authentication", 3, "Identity & Access Management", {LOGON: "Logon", LOGOFF: "Logoff", OTHER: "Other"}
)
ENTITY_MANAGEMENT = OcsfClass(
    3004,
    "Entity Management",
    3,
    "Identity & Access Management",
    {CREATE: "Create", READ: "Read", UPDATE: "Update", DELETE: "Delete"},
)
DETECTION_FINDING = OcsfClass(2004, "Detection Finding", 2, "Findings", {1: "Create", 2: "Update", 3: "Close"})
CLASSES = (API_ACTIVITY, ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, DETECTION_FINDING)

# Nexmo rates nothing. Here routine is informational; low is what decides who gets in and what money is spent.
SEVERITIES = {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
ROUTINE, ACCESS, SERIOUS = 1, 2, 4


@dataclass(frozen=True)
class Thing:
    """A kind of thing that events are about.

    Attributes:
        kind: what it is called.
        uid, name: the names in a context, any of which tells its id or its name.
    """

    kind: str
    uid: tuple[str, ...] = ()
    name: tuple[str, ...] = ()


ACCOUNT = Thing("account")  # the event's own
PHONE_NUMBER = Thing("phone number", NUMBER)
APPLICATION = Thing("application", applications.IDS, applications.NAMES)
API_SECRET = Thing("API secret", SECRET)
ALLOWED_ADDRESS = Thing("allowed address", ADDRESS)
USER = Thing("user", ("userid", "user_id"), PERSON)


@dataclass(frozen=True)
class Meaning:
    """What one event type means.

    Attributes:
        ecs_category, ecs_types: ECS's event.category and event.type.
        ocsf, activity: OCSF's class and activity_id.
        severity: OCSF's severity_id.
        about: the thing it is about.
        activity_name: where the activity is one that OCSF has no number for.
        activity_by_status: the activity by what the context gives as status.
        is_known: that Nexmo has published the type, so that it says what was done.
    """

    ecs_category: str
    ecs_types: tuple[str, ...]
    ocsf: OcsfClass
    activity: int
    severity: int
    about: Thing
    activity_name: str = ""
    activity_by_status: dict[str, int] = field(default_factory=dict)
    is_known: bool = True


def _configured(activity: int, about: Thing, severity: int = ROUTINE) -> Meaning:
    """Something that is set up in an account."""
    kinds = {CREATE: "creation", UPDATE: "change", DELETE: "deletion"}
    return Meaning("configuration", (kinds[activity],), API_ACTIVITY, activity, severity, about)


_LOGIN = Meaning("authentication", ("start",), AUTHENTICATION, LOGON, ROUTINE, USER)
_LOGOUT = Meaning("authentication", ("end",), AUTHENTICATION, LOGOFF, ROUTINE, USER)
_SEARCH = Meaning("api", ("access",), API_ACTIVITY, READ, ROUTINE, ACCOUNT)
_USER_CREATED = Meaning("iam", ("user", "creation"), ACCOUNT_CHANGE, CREATE, ACCESS, USER)
_USER_CHANGED = Meaning("iam", ("user", "change"), ACCOUNT_CHANGE, OTHER, ACCESS, USER, activity_name="Update")
_USER_STATUS = Meaning(
    *("iam", ("user", "change"), ACCOUNT_CHANGE, OTHER, ACCESS, USER, "Status Update"),
    activity_by_status={
        **dict.fromkeys(("active", "activated", "enable", "enabled"), ENABLE),
        **dict.fromkeys(("inactive", "deactivated", "disable", "disabled", "suspended"), DISABLE),
        **dict.fromkeys(("lock", "locked", "blocked"), LOCK),
        **dict.fromkeys(("unlock", "unlocked"), UNLOCK),
    },
)
_BANNED = Meaning("iam", ("change",), ACCOUNT_CHANGE, DISABLE, SERIOUS, ACCOUNT)
_SECRET_CREATED = Meaning("iam", ("creation",), API_ACTIVITY, CREATE, ACCESS, API_SECRET)
_SECRET_DELETED = Meaning("iam", ("deletion",), API_ACTIVITY, DELETE, ACCESS, API_SECRET)

BY_TYPE: dict[str, Meaning] = {
    "USER_STATUS": _USER_STATUS,
    "USER_UPDATE": _USER_CHANGED,
    "USER_BILLING_UPDATE": _configured(UPDATE, ACCOUNT, ACCESS),
    "USER_CREATE": _USER_CREATED,
    "USER_LOGIN": _LOGIN,
    "USER_LOGOUT": _LOGOUT,
    "USER_PRODUCT_SEARCH": _SEARCH,
    "USER_API_KEYS_UPDATE": _USER_CHANGED,
    "ACCOUNT_SECRET_DELETE": _SECRET_DELETED,
    "ACCOUNT_SECRET_CREATE": _SECRET_CREATED,
    "ACCOUNT_UPDATE_SPAMMER": _BANNED,
    "ACCOUNT_UPDATE_SETTINGS": _configured(UPDATE, ACCOUNT),
    "ACCOUNT_UPDATE_SETTINGS_API": _configured(UPDATE, ACCOUNT),
    "NUMBER_ASSIGN": _configured(CREATE, PHONE_NUMBER),
    "NUMBER_UPDATED": _configured(UPDATE, PHONE_NUMBER),
    "NUMBER_RELEASE": _configured(DELETE, PHONE_NUMBER),
    "NUMBER_USER_CANCELED": _configured(DELETE, PHONE_NUMBER),
    "NUMBER_LINKED": _configured(UPDATE, PHONE_NUMBER),
    "NUMBER_UNLINKED": _configured(UPDATE, PHONE_NUMBER),
    "APP_CREATE": _configured(CREATE, APPLICATION),
    "APP_UPDATE": _configured(UPDATE, APPLICATION),
    "APP_DELETE": _configured(DELETE, APPLICATION),
    "APP_DISABLE": _configured(UPDATE, APPLICATION),
    "APP_ENABLE": _configured(UPDATE, APPLICATION),
    "IP_WHITELIST_CREATE": _configured(CREATE, ALLOWED_ADDRESS, ACCESS),
    "IP_WHITELIST_DELETE": _configured(DELETE, ALLOWED_ADDRESS, ACCESS),
    "AUTORELOAD_ENABLE": _configured(UPDATE, ACCOUNT, ACCESS),
    "AUTORELOAD_UPDATE": _configured(UPDATE, ACCOUNT, ACCESS),
    "AUTORELOAD_DISABLE": _configured(UPDATE, ACCOUNT, ACCESS),
}


def _unknown(category: str, about: Thing) -> Meaning:
    return Meaning(category, ("info",), API_ACTIVITY, OTHER, UNKNOWN, about, is_known=False)


# By family, for types that Nexmo adds: nothing is guessed from their names but what they are about.
BY_FAMILY: dict[str, Meaning] = {
    "users": _unknown("iam", USER),
    "secrets": _unknown("iam", API_SECRET),
    "numbers": _unknown("configuration", PHONE_NUMBER),
    "applications": _unknown("configuration", APPLICATION),
    "network": _unknown("configuration", ALLOWED_ADDRESS),
    "money": _unknown("configuration", ACCOUNT),
    "account": _unknown("configuration", ACCOUNT),
    "other": _unknown("configuration", ACCOUNT),
}


def meaning(event_type: str) -> Meaning:
    """What an event type means, be it known or not."""
    return BY_TYPE.get(event_type) or BY_FAMILY[family(event_type)[0]]


def activity(record: EventRecord) -> tuple[int, str]:
    """OCSF's activity of an event, and what it is called."""
    meant = meaning(record.event_type)
    number = meant.activity
    if meant.activity_by_status:
        number = meant.activity_by_status.get(record.values.get("status", "").lower(), number)
    if number != OTHER:
        return number, meant.ocsf.activities[number]
    return number, meant.activity_name or record.event_type or "Other"


SUCCESS, FAILURE, NOT_TOLD = "success", "failure", "unknown"
# As the shipped rule about failures reads contexts (`failures_in_series.yml`).
FAILED = ("failed", "failure", "error", "denied", "rejected", "forbidden", "unauthorized", "invalid")


def outcome(record: EventRecord) -> str:
    """Whether what the event tells of was done. Nexmo lists what was done, so that known types mean success, unless the
    context says otherwise; of a type that is not known, nobody knows."""
    meant = meaning(record.event_type)
    values = record.values
    # Where the status is the subject's own, it says nothing of the deed.
    names = ("result", "outcome") if meant.activity_by_status else ("status", "result", "outcome")
    if any(values.get(name, "").lower() in FAILED for name in names):
        return FAILURE
    told = record.details.get("success") if isinstance(record.details, dict) else None
    if told is False or (isinstance(told, str) and told.lower() == "false"):
        return FAILURE
    return SUCCESS if meant.is_known else NOT_TOLD


def told(record: EventRecord, names: tuple[str, ...]) -> str:
    """The first of some names of a context that has a value."""
    for name in names:
        if value := record.values.get(name.lower()):
            return value
    return ""


def words(record: EventRecord) -> str:
    """What the event type means, in English: as Nexmo says, else as it has published."""
    return record.event_type_description or EVENT_TYPES.get(record.event_type, "") or record.event_type

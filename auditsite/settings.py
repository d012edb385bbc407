"""Django's settings. What an operator may choose is declared in `auditsite/configuration/env.py` and read here."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from accounts.sso.config import APPS as SSO_APPS
from accounts.sso.config import SingleSignOn
from auditsite.configuration import checks, home, single_sign_on
from auditsite.configuration import env as environment
from auditsite.configuration.reader import Reader
from auditsite.middleware import time_limits
from auditsite.monitoring import logs

_env_file = os.environ.get("ENV_FILE")
BASE_DIR: Path = environment.BASE_DIR
read = Reader(environment.load(Path(_env_file) if _env_file else None))

# --- who may reach the site, and how ---------------------------------------------------------------------------
SECRET_KEY = checks.secret_key(read.text("SECRET_KEY"))
DEBUG = read.boolean("DEBUG")
ALLOWED_HOSTS = read.list("ALLOWED_HOSTS")
_loopback_only = all(checks.is_loopback(host) for host in ALLOWED_HOSTS)
HTTPS = not _loopback_only if read.text("HTTPS").lower() == "auto" else read.boolean("HTTPS")
checks.hosts(ALLOWED_HOSTS, debug=DEBUG, https=HTTPS)
CSRF_TRUSTED_ORIGINS = [f"https://{host.lstrip('.')}" for host in ALLOWED_HOSTS if HTTPS]
# Health checks on the machine itself, such as a container's, ask for it by these names.
ALLOWED_HOSTS = list(dict.fromkeys([*ALLOWED_HOSTS, "localhost", "127.0.0.1", "[::1]"]))

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Set below, beside DATABASES: SESSION_COOKIE_NAME, CSRF_COOKIE_NAME, LANGUAGE_COOKIE_NAME, MESSAGES_COOKIE_NAME.
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# A load balancer asks over plain http, and so does Prometheus beside it: a redirect would come after its token.
# The API refuses by itself (events/api/operation.py).
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$", r"^api/v1/", r"^beta/"]
METRICS_TOKEN = checks.metrics_token(read.text("METRICS_TOKEN"))
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if read.boolean("TRUST_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1  # throttle people by their own address, not by the proxy's

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        **{name: ["'none'"] for name in ("object-src", "base-uri", "frame-src", "worker-src", "media-src")},
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "report-uri": ["/csp-report"],  # for browsers that do not know the next one
        "report-to": ["csp"],
    }
}
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# Of every answer, beside what Django and django-csp send (auditsite/middleware/headers.py).
ANSWER_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
            *("hid", "idle-detection", "magnetometer", "microphone", "midi", "payment", "picture-in-picture"),
            *("screen-wake-lock", "serial", "usb", "xr-spatial-tracking"),
        )
    ),
    "Reporting-Endpoints": 'csp="/csp-report"',
}

# --- Nexmo ----------------------------------------------------------------------------------------------------
CREDENTIAL_KEYS = checks.credential_keys(read.list("CREDENTIAL_KEYS"))
NEXMO_AUDIT_URL = checks.audit_url(read.text("NEXMO_AUDIT_URL"))
NEXMO_REQUESTS_PER_SECOND = read.number("NEXMO_REQUESTS_PER_SECOND", least=0, most=1000)
NEXMO_TIMEOUT = read.number("NEXMO_TIMEOUT", least=0.1, most=600)
NEXMO_DATE_STYLE = read.choice("NEXMO_DATE_STYLE", ("zulu", "naive", "date"))
EVENT_TIME_ZONE = read.zone("EVENT_TIME_ZONE")
SYNC_INTERVAL = read.duration("SYNC_INTERVAL")
WATCH_INTERVAL = read.duration("WATCH_INTERVAL")
WATCH_REQUESTS_PER_HOUR = read.whole("WATCH_REQUESTS_PER_HOUR", least=0, most=100_000)
SYNC_CONCURRENCY = read.whole("SYNC_CONCURRENCY", least=1, most=64)

# --- proofs ---------------------------------------------------------------------------------------------------
SEAL_KEY = checks.seal_key(read.text("SEAL_KEY"))
SEAL_PUBLIC_KEYS = checks.public_keys(read.list("SEAL_PUBLIC_KEYS"))
SEAL_INTERVAL = read.duration("SEAL_INTERVAL")
SEAL_CHANNELS = checks.seal_channels(read.list("SEAL_CHANNELS"))
EVIDENCE_DIR = checks.evidence_dir(read.text("EVIDENCE_DIR"))
RETENTION_WAIT = checks.retention_wait(read.duration("RETENTION_WAIT"))
EVIDENCE_KEEP = read.duration("EVIDENCE_KEEP")
ACCESS_LOG_KEEP = checks.access_log_keep(read.duration("ACCESS_LOG_KEEP"))
CHECK_INTERVAL = read.duration("CHECK_INTERVAL")

# --- alerts ---------------------------------------------------------------------------------------------------
SITE_URL = checks.site_url(read.text("SITE_URL"), ALLOWED_HOSTS, https=HTTPS)
ALERT_TARGETS = checks.targets("ALERT_TARGETS", read.list("ALERT_TARGETS"))
ALERT_MAIL_SERVER = checks.mail_server(read.text("ALERT_MAIL_SERVER"))
ALERT_MAIL_FROM = checks.mail_from(read.text("ALERT_MAIL_FROM"), needed=bool(ALERT_MAIL_SERVER))

# --- reports --------------------------------------------------------------------------------------------------
REPORT_CSV_ROWS = read.whole("REPORT_CSV_ROWS", least=0, most=1_000_000)

# --- streams --------------------------------------------------------------------------------------------------
STREAM_TARGETS = checks.targets("STREAM_TARGETS", read.list("STREAM_TARGETS"))
STREAM_FILES = checks.stream_files(read.text("STREAM_FILES"))

# --- detection ------------------------------------------------------------------------------------------------
DETECTION_RULES = checks.rules_folder(read.text("DETECTION_RULES"))

# --- the API --------------------------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = read.whole("API_REQUESTS_PER_MINUTE", least=1, most=1_000_000)
API_TOKEN_DAYS = read.whole("API_TOKEN_DAYS", least=1, most=3650)

# --- single sign-on -------------------------------------------------------------------------------------------
_groups = single_sign_on.group_map(read.text("SSO_GROUPS"))
_openid = single_sign_on.openid(
    issuer=read.text("OIDC_ISSUER"),
    client_id=read.text("OIDC_CLIENT_ID"),
    secret=read.text("OIDC_CLIENT_SECRET"),
    label=read.text("OIDC_LABEL"),
    scopes=read.text("OIDC_SCOPES").split(),
    groups=read.text("OIDC_GROUPS"),
    required=read.list("OIDC_REQUIRE"),
)
_saml = single_sign_on.saml(
    metadata=read.text("SAML_METADATA"),
    certificate=read.text("SAML_METADATA_CERTIFICATE"),
    idp=read.text("SAML_IDP"),
    entity_id=read.text("SAML_ENTITY_ID"),
    site=SITE_URL,
    label=read.text("SAML_LABEL"),
    subject=read.text("SAML_SUBJECT"),
    groups=read.text("SAML_GROUPS"),
    unsolicited=read.boolean("SAML_UNSOLICITED"),
)
_sso = bool(_openid or _saml)
SINGLE_SIGN_ON = SingleSignOn(
    openid=_openid,
    saml=_saml,
    group_map=_groups,
    group_needed=single_sign_on.group_needed(
        read.choice("SSO_ADMIT", ("groups", "everyone")), configured=_sso, mapped=_groups
    ),
    provisions=read.boolean("SSO_PROVISION"),
    session=read.duration("SSO_SESSION"),
    clock_skew=read.whole("SSO_CLOCK_SKEW", least=0, most=600),
)
LOCAL_LOGIN = single_sign_on.local_login(read.choice("LOCAL_LOGIN", ("everyone", "superusers")), configured=_sso)

# --- where things are kept ------------------------------------------------------------------------------------
DATABASES: dict[str, Any] = {"default": read.database("DATABASE_URL")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Each thread has pages of the database of its own. Web pages read few; the system keeps the others.
    _kept_kilobytes = 6_000 if environment.is_web_process() else 12_000
    DATABASES["default"]["OPTIONS"] = {
        # A transaction that will write says so at once: upgrading a read lock cannot wait, it fails.
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=20000; "
            f"PRAGMA cache_size=-{_kept_kilobytes}; PRAGMA temp_store=MEMORY;"
        ),
    }
    # Kept open: opening it anew for each request would read the schema and warm the cache anew.
    DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
    # Tests use a file: threads that share an in-memory database lock each other's tables.
    DATABASES["default"]["TEST"] = {"NAME": str(BASE_DIR / "var" / "test.sqlite3")}
_cookies = environment.cookie_prefix(SECRET_KEY, str(DATABASES["default"]["NAME"]), secure=HTTPS)
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_cookies}session", f"{_cookies}csrf"
LANGUAGE_COOKIE_NAME, MESSAGES_COOKIE_NAME = f"{_cookies}language", f"{_cookies}messages"
KNOWN_BROWSER_COOKIE_NAME = f"{_cookies}browser"
MESSAGE_STORAGE = "auditsite.middleware.private.MessageStorage"
WEB_PROCESSES = read.whole("WEB_PROCESSES", least=1, most=64)
WEB_THREADS = read.whole("WEB_THREADS", least=1, most=64)
EXPORTS_AT_ONCE = max(1, WEB_THREADS // 2)  # of a process: the other threads are for pages
_pool = environment.pool_size(read.text("DATABASE_POOL"), max(WEB_THREADS, SYNC_CONCURRENCY))
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    # Pages are short reads along an index, on disks without a head to move: so the planner is to see them.
    _options["options"] = time_limits.postgresql_options(_options.get("options", "-c random_page_cost=1.1 -c jit=off"))
    _options.setdefault("connect_timeout", 10)  # a server that is gone must not hold up those who ask whether it is
    if _pool:
        DATABASES["default"]["CONN_MAX_AGE"] = 0  # each goes back to the pool at the end of its request
        _options["pool"] = {"min_size": 1, "max_size": _pool, "timeout": 5}
        _options.setdefault("prepare_threshold", 5)  # these connections are ours: no pooler hands them to another
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
QUEUE_URL = checks.queue_url(read.text("QUEUE_URL"))
CACHES = {
    "default": environment.cache(read.text("CACHE_URL")),  # shared: throttling counts across processes and machines
    "local": {"BACKEND": "auditsite.caches.LocalCache"},  # quick, this process's own
}

# --- the site -------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "accounts",
    "accounts.access",
    "events",
    "auditsite.apps.GuardedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "accounts.login.apps.SessionsConfig",
    *(SSO_APPS if _sso else ()),
    "csp",
    "django_countries",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "auditsite.apps.AuditsiteConfig",  # last: its admin adjusts what allauth registers
]

MIDDLEWARE = [
    "auditsite.middleware.request_log.RequestMiddleware",  # first: it times and names all that follows
    "auditsite.server.proxy.HostPortMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "auditsite.middleware.headers.HeadersMiddleware",  # before static files, which have these two's headers as well
    "auditsite.middleware.headers.PolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "auditsite.middleware.private.NoStoreMiddleware",  # after static files, which browsers may keep
    "auditsite.middleware.busy.BusyMiddleware",  # before sessions, which are in the database
    "django.middleware.locale.LocaleMiddleware",
    "auditsite.middleware.programs.ProgramMiddleware",  # after the language: programs are told errors in it too
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "auditsite.login.middleware.LoginMiddleware",
    "auditsite.middleware.display.DisplayMiddleware",
    "accounts.login.second_factor.SecondFactorMiddleware",  # in the reader's language and zone
    "accounts.login.confirm.ConfirmMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "auditsite.middleware.time_limits.TimeLimitMiddleware",
    "auditsite.access_log.write.AccessLogMiddleware",  # last: it is told whether a view was reached
]

CSRF_FAILURE_VIEW = "auditsite.login.middleware.form_refused"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # as the web server and the proxies have it
# Set by `manage.py demo` alone, for itself and the processes that it starts.
DEMO = "AUDITSITE_DEMO" in os.environ and _loopback_only
ROOT_URLCONF = "auditsite.demo.urls" if DEMO else "auditsite.urls"
WSGI_APPLICATION = "auditsite.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [home.RESOURCES / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.page_context.reader",
                *(["auditsite.demo.views.navigation"] if DEMO else []),
                "events.detection.findings.open_findings.in_navigation",
            ],
        },
    }
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # widgets of ours may have templates of ours

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns where it is missing
STATICFILES_DIRS = [home.PACKAGE / "static"]
WHITENOISE_USE_FINDERS = True  # serves straight from the packages: no collecting step before the first page

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("es", "Español")]
LOCALE_PATHS = [home.RESOURCES / "locale"]
FORMAT_MODULE_PATH = ["auditsite.formats"]
USE_TZ = True
TIME_ZONE = read.zone("TIME_ZONE")

# --- logging in -----------------------------------------------------------------------------------------------
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "events:list"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = ["auditsite.login.Backend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": read.whole("PASSWORD_LENGTH", least=8, most=64)},
    },
    {"NAME": "accounts.login.passwords.NotPersonal"},
    {"NAME": "accounts.login.passwords.NotSimple"},
    {"NAME": "accounts.login.passwords.NotCommon"},
    {"NAME": "accounts.login.passwords.NoContext"},
]
ACCOUNT_FORMS = {
    "login": "auditsite.login.forms.LoginForm",
    "reauthenticate": "auditsite.login.forms.ReauthenticateForm",
    "change_password": "auditsite.login.forms.ChangePasswordForm",
}
ACCOUNT_ADAPTER = "auditsite.login.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_SESSION_REMEMBER = True
SESSION_ENGINE = "accounts.login.session_store"
SESSION_IDLE = read.duration("SESSION_IDLE")
SESSION_MAX = checks.session_max(read.duration("SESSION_MAX"), SESSION_IDLE)
# Beyond its end a session is kept only to say why it ended: accounts/login/session_store.py opens it to nobody.
SESSION_COOKIE_AGE = int((SESSION_MAX + timedelta(days=7)).total_seconds())
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(read.duration("REAUTHENTICATION_TIMEOUT").total_seconds())
REAUTHENTICATE_ROWS = read.whole("REAUTHENTICATE_ROWS", least=0, most=1_000_000_000)
ACCOUNT_RATE_LIMITS = {  # `key` is said in auditsite/login/limits.py
    "login_failed": "10/m/ip,5/5m/key,20/h/key",
    "login_failed_name": "300/h/key",
    "login_failed_known_browser": "5/5m/key,20/h/key",
}
SOCIALACCOUNT_ADAPTER = "accounts.sso.adapter.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = SINGLE_SIGN_ON.allauth_providers
MFA_ADAPTER = "auditsite.login.adapters.MFAAdapter"
MFA_FORMS = {
    "activate_totp": "auditsite.login.forms.ActivateSecondFactorForm",
    "add_webauthn": "accounts.login.passkeys.AddForm",
    "authenticate_webauthn": "accounts.login.passkeys.AuthenticateForm",
    "edit_webauthn": "accounts.login.passkeys.RenameForm",
    "login_webauthn": "accounts.login.passkeys.LoginForm",
    "reauthenticate_webauthn": "accounts.login.passkeys.ReauthenticateForm",
}
# Where passkeys are for; empty where SITE_URL is not said: they are then for whatever host is asked.
PASSKEY_ORIGIN = "" if read.text("SITE_URL").lower() == "auto" else checks.passkey_origin(SITE_URL)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up here, so nobody takes an address that is somebody else's
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}  # two requests each; nothing that can be guessed
MFA_TOTP_ISSUER = "Auditsite"
REQUIRE_MFA = read.choice("REQUIRE_MFA", ("off", "staff", "everyone"))
REQUIRE_MFA_GRACE = read.duration("REQUIRE_MFA_GRACE", may_be_none=True)
REQUIRE_MFA_EXCEPT_SSO = read.boolean("REQUIRE_MFA_EXCEPT_SSO")

# --- logs -----------------------------------------------------------------------------------------------------
LOG_FORMAT = read.choice("LOG_FORMAT", ("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    **logs.console(LOG_FORMAT),
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"level": read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"))}
        for name in ("auditsite", "accounts", "events")
    }
    # At DEBUG these two repeat what must not be kept: session keys in SQL, and whatever a template was given.
    | {name: {"level": "WARNING"} for name in ("django.db.backends", "django.template")},
}

DJANGO_TABLES2_TEMPLATE = "events/table.html"

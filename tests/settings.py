"""Settings of the test suite: nothing of the developer's own `.env` or keys, no waiting, and no real Nexmo."""

import os

os.environ["SECRET_KEY"] = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
os.environ["CREDENTIAL_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
os.environ["SEAL_KEY"] = "c2VhbHMtb2YtdGhlLXRlc3RzLXNlYWxzLW9mLXRlc3Q="
os.environ["ENV_FILE"] = os.devnull
os.environ["NEXMO_AUDIT_URL"] = "http://127.0.0.1:9/beta/audit"  # nobody answers: a test says where to go
os.environ["NEXMO_REQUESTS_PER_SECOND"] = "0"
os.environ["QUEUE_URL"] = os.environ.get("TEST_QUEUE_URL", "memory:")
os.environ["CACHE_URL"] = os.environ.get("TEST_CACHE_URL", "locmem://")
os.environ["DATABASE_POOL"] = os.environ.get("TEST_DATABASE_POOL", "0")
for name in (
    "ACCESS_LOG_KEEP",
    "ALERT_MAIL_FROM",
    "ALERT_MAIL_SERVER",
    "ALERT_TARGETS",
    "ALLOWED_HOSTS",
    "API_REQUESTS_PER_MINUTE",
    "API_TOKEN_DAYS",
    "DEBUG",
    "EVENT_TIME_ZONE",
    "EVIDENCE_DIR",
    "EVIDENCE_KEEP",
    "RETENTION_WAIT",
    "HTTPS",
    "LOG_FORMAT",
    "LOCAL_LOGIN",
    "LOG_LEVEL",
    "METRICS_TOKEN",
    "OIDC_ISSUER",
    "SAML_METADATA",
    "PASSWORD_LENGTH",
    "REAUTHENTICATE_ROWS",
    "REAUTHENTICATION_TIMEOUT",
    "REPORT_CSV_ROWS",
    "REQUIRE_MFA",
    "REQUIRE_MFA_EXCEPT_SSO",
    "REQUIRE_MFA_GRACE",
    "SEAL_PUBLIC_KEYS",
    "SITE_URL",
    "SESSION_IDLE",
    "SESSION_MAX",
    "STREAM_FILES",
    "STREAM_TARGETS",
    "SYNC_INTERVAL",
    "TIME_ZONE",
    "WATCH_INTERVAL",
    "WATCH_REQUESTS_PER_HOUR",
    "WEB_PROCESSES",
    "WEB_THREADS",
):
    os.environ.pop(name, None)

os.environ["SEAL_CHANNELS"] = os.environ.get("TEST_SEAL_CHANNELS", "")
os.environ["SYNC_INTERVAL"] = os.environ.get("TEST_SYNC_INTERVAL", "5m")

from accounts.sso.config import APPS  # noqa: E402
from auditsite.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("postgresql"):  # noqa: F405
    _options = DATABASES["default"]["OPTIONS"]  # noqa: F405
    _options["prepare_threshold"] = 5  # as with the pool that sites have
    # Tests end processes, never the server: what it has not yet written to the disk is not lost.
    _options["options"] = f"{_options.get('options', '')} -c synchronous_commit=off".strip()

# Here without a provider: tests of single sign-on name one, and all others see a site without.
INSTALLED_APPS = [*INSTALLED_APPS[:-1], *APPS, INSTALLED_APPS[-1]]  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

"""Settings of the test suite: nothing of the developer's own `.env` or keys, no waiting, and no real Nexmo."""

import os

os.environ["SECRET_KEY"] = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
os.environ["CREDENTIAL_KEYS"] = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
os.environ["ENV_FILE"] = os.devnull
os.environ["NEXMO_AUDIT_URL"] = "http://127.0.0.1:9/beta/audit"  # nobody answers: a test says where to go
os.environ["NEXMO_REQUESTS_PER_SECOND"] = "0"
os.environ.setdefault("QUEUE_URL", "memory:")
for name in ("ALLOWED_HOSTS", "DEBUG", "HTTPS", "TIME_ZONE", "EVENT_TIME_ZONE", "SYNC_INTERVAL"):
    os.environ.pop(name, None)

from auditsite.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}

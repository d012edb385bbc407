"""The site's own settings, with the pages that it is compared with added to its paths."""

from auditsite.settings import *  # noqa: F403
from auditsite.settings import BASE_DIR, TEMPLATES

ROOT_URLCONF = "tests.benchmarks.urls"
TEMPLATES = [TEMPLATES[0] | {"DIRS": [*TEMPLATES[0]["DIRS"], BASE_DIR / "tests" / "benchmarks" / "templates"]}]

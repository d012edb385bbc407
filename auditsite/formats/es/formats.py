"""As in English: dates and times that sort, with their zone."""

from auditsite.formats.en.formats import *  # noqa: F403

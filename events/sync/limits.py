"""The figures that shape a sync; see docs/architecture.md for why they are what they are."""

from __future__ import annotations

from datetime import timedelta

PAGE_SIZE = 100
# A window with more events than this is halved, as long as both halves are long enough ...
READ_AT_ONCE = 2_500
# ... that their margins (a day on each side) cost at most an eighth more requests.
SHORTEST_HALF_DAYS = 16
# Beyond this even short windows are halved, down to a day: so deep a walk may not be answered.
READ_AT_MOST = 20_000
MARGIN = timedelta(days=1)
# How far back each run reads again what is verified already: events may arrive late.
OVERLAP = timedelta(days=2)
PASSES = 4
MOST_PAGES = 100_000
# A lease outlives the longest silence of a healthy sync: a whole answer at the default timeout, or one pause.
LEASE = timedelta(minutes=4)
# A full check compares counts by spans of so many days.
CHECK_DAYS = 30
ASK_TYPES_EVERY = timedelta(hours=24)
# An unverified window is tried again after an hour, not at every run.
RETRY_UNVERIFIED_AFTER = timedelta(hours=1)
LONGEST_BACKOFF = timedelta(hours=1)

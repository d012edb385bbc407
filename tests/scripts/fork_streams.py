"""Run by a test in a process of its own: for each line on standard input, fork a child that serves all streams.

Prints each child's process id, so that the test can kill it; children are reaped at once. Argument: the database's
name.
"""

import os
import signal
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.urls import reverse

from events.streams import deliver, read

settings.STREAM_TARGETS, settings.SITE_URL = ["127.0.0.1"], "https://audit.example.com"
read.MOST_AT_ONCE = 5
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
reverse("events:findings")  # the site's addresses are read once, not by every child
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        for thread in deliver.start_ready():
            thread.join()
        os._exit(0)
    print(child, flush=True)

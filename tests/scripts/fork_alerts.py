"""Run by a test in a process of its own: for each line on standard input, fork a child that routes and sends alerts.

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

from events.alerts import deliver, route
from events.detection.rules import ruleset

settings.ALERT_TARGETS = ["127.0.0.1"]
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
# Read once, not by every child: the rules, and the site's addresses.
ruleset.shipped()
reverse("events:findings")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        route.route_findings()
        for thread in deliver.start_due():
            thread.join()
        os._exit(0)
    print(child, flush=True)

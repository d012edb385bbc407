"""Run by a test in a process of its own: for each line on standard input, fork a child that syncs demo0001.

Prints each child's process id, so that the test can kill it; children are reaped at once. Arguments: the sandbox's
address and the database's name.
"""

import os
import signal
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection

from accounts.models import NexmoAccount
from events.sync.engine import sync_account

settings.NEXMO_AUDIT_URL = sys.argv[1]
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[2]
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        sync_account(NexmoAccount.objects.get(api_key="demo0001"))
        os._exit(0)
    print(child, flush=True)

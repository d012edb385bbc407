"""Run by tests in a process of its own: one management command on the test database.

Arguments: the sandbox's address, the database's name, the command and its arguments. TEST_MACHINE makes it another
machine's process, whose end nobody here can see; TEST_LEASE is how many seconds it holds an account.
"""

import os
import sys
from datetime import timedelta
from unittest import mock

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection

from events.storage import leases
from events.sync import state

if machine := os.environ.get("TEST_MACHINE"):
    mock.patch.object(leases, "machine", lambda: machine).start()  # which fails where that name is gone
if lease := os.environ.get("TEST_LEASE"):
    mock.patch.object(state, "longest_lease", lambda: timedelta(seconds=float(lease))).start()
settings.NEXMO_AUDIT_URL = sys.argv[1]
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[2]
execute_from_command_line(["manage.py", *sys.argv[3:]])

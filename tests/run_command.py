"""Run by tests in a process of its own: one management command on the test database.

Arguments: the sandbox's address, the database's name, the command and its arguments.
"""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import connection

settings.NEXMO_AUDIT_URL = sys.argv[1]
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[2]
execute_from_command_line(["manage.py", *sys.argv[3:]])

"""Run by a test in a process of its own: send all reports that are due, as the worker does.

Arguments: the database's name, and the port of the mail server.
"""

import os
import sys

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection

from events.reports import deliver

settings.SITE_URL = "https://audit.example.com"
settings.ALERT_MAIL_SERVER, settings.ALERT_MAIL_FROM = f"smtp://127.0.0.1:{sys.argv[2]}", "auditsite@example.com"
connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
deliver.send_due(lambda: None)

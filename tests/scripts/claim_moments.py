"""Run by a test in a process of its own: take moments for requests of demo0001 and print when each of them is.

Arguments: the database's name, how many moments, and the seconds between two.
"""

import os
import sys
from datetime import timedelta

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import NexmoAccount
from events.sync.clients import SharedPacer

connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = sys.argv[1]
pacer = SharedPacer(NexmoAccount.objects.get(api_key="demo0001"), 1 / float(sys.argv[3]))
for _ in range(int(sys.argv[2])):
    delay = pacer.delay()
    print((timezone.now() + timedelta(seconds=delay)).timestamp())

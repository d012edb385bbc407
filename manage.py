#!/usr/bin/env python
"""Auditsite's commands: `manage.py help` lists them."""

from auditsite.main import main

if __name__ == "__main__":
    main()

"""django-easy-audit and django-auditlog in a site of their own, with the same events in their tables."""

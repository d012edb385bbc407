"""`python -m auditsite` is what the command `auditsite` is."""

from auditsite.main import main

if __name__ == "__main__":
    main()

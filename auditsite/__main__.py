"""`python -m auditsite` is what the command `auditsite` is."""

import os
import sys

# `-m` puts the current directory first, where anything may lie; only a source tree has its code there.
if sys.path[0] == os.getcwd() != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]

from auditsite.main import main  # noqa: E402

if __name__ == "__main__":
    main()

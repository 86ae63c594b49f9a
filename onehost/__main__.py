"""`python -m onehost` is the command `posthorn`."""

import sys

from onehost.main import main

if __name__ == "__main__":
    sys.exit(main())

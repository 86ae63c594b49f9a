"""`python -m chalicelib.cli` is the command `posthorn`."""

import sys

from chalicelib.cli.main import main

sys.exit(main())

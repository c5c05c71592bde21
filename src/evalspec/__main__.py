"""`python -m evalspec`."""

import sys

from evalspec.cli.main import main

sys.exit(main())

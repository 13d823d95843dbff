"""Every test of this folder. The last line counts: `N passed, N failed, N skipped`."""

import sys

sys.dont_write_bytecode = True

import counted

sys.exit(counted.main(__file__))

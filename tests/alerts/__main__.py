"""Every test of alerts and dashboards. The last line counts: `N passed, N failed, N skipped`."""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tools"))

import counted

sys.exit(counted.main(__file__))

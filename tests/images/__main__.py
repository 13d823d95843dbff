"""Every test of the images. The last line counts: `N passed, N failed, N skipped`."""

import pathlib
import sys

sys.dont_write_bytecode = True
sys.path += [str(pathlib.Path(__file__).resolve().parents[1] / each) for each in ("tools", "manifests")]

import counted
import engine

try:
    code = counted.main(__file__)
except KeyboardInterrupt:
    code = 130
finally:
    engine.close()
sys.exit(code)

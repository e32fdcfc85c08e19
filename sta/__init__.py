"""Student-teacher analysis: how a student network comes to resemble its teacher.

Data flows one way. `sta.spectral` and `sta.sweep` make students, `sta.analysis` measures
them, `sta.cli` drives and prints.
"""

import os
from importlib.metadata import PackageNotFoundError, version

from sta.errors import ConfigError, FileFormatError, ShapeError, StaError

# Read by the linear algebra of torch at its first product: rounding must not depend on where in
# memory an array begins, or a student's numbers would depend on its neighbours in the stack.
os.environ.setdefault("MKL_CBWR", "AUTO")

try:
    __version__ = version("student-teacher-analysis")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0"

__all__ = ["ConfigError", "FileFormatError", "ShapeError", "StaError", "__version__"]

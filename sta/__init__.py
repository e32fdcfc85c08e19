"""Student-teacher analysis: how a student network comes to resemble its teacher.

Data flows one way. `sta.spectral` and `sta.sweep` make students, `sta.analysis` measures
them, `sta.cli` drives and prints.
"""

from importlib.metadata import PackageNotFoundError, version

from sta.errors import ConfigError, FileFormatError, ShapeError, StaError

try:
    __version__ = version("student-teacher-analysis")
except PackageNotFoundError:  # imported from a source tree that was never installed
    __version__ = "0"

__all__ = ["ConfigError", "FileFormatError", "ShapeError", "StaError", "__version__"]

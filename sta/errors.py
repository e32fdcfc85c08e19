"""The errors a user can cause: one line each, naming the value and the mend."""


class StaError(Exception):
    """A mistake in the input; the message is one line that says what to change."""


class ConfigError(StaError):
    """A setting that is unknown, of the wrong type, or out of range."""


class FileFormatError(StaError):
    """A file that is missing, damaged, unsafe, or not what it should be."""


class ShapeError(StaError):
    """Arrays whose shapes or values do not fit together."""

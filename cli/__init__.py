"""The command line: thin commands that validate, make one library call, and print."""

from sta.cli.main import main

__all__ = ["main"]

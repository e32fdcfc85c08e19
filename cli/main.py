"""The group of all commands; each is imported only when it is called."""

from __future__ import annotations

from importlib import import_module

import click

from sta import StaError, __version__

COMMANDS = {
    "analyze": "sta.cli.analyze",
    "collapse": "sta.cli.collapse",
    "coverage": "sta.cli.coverage",
    "demo": "sta.cli.demo",
    "distill": "sta.cli.distill",
    "export": "sta.cli.export",
    "prune": "sta.cli.prune",
    "quadratic": "sta.cli.quadratic",
    "report": "sta.cli.report",
    "reproduce": "sta.cli.reproduce",
    "sweep": "sta.cli.sweep",
    "train": "sta.cli.train",
    "transfer": "sta.cli.transfer",
}


class LazyGroup(click.Group):
    """A group that imports a command's module on use and turns a StaError into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command by name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a user's mistake ends with one line on stderr and exit code 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of the output has left
            raise
        except (StaError, OSError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error


@click.group("sta", cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sta")
def main() -> None:
    """Train students, prune them, and measure how they come to resemble their teacher."""

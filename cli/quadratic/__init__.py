"""`sta quadratic`: one-pass SGD in quadratic networks, theory beside simulation."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = ("escape", "flow", "hessian", "plateau", "select", "simulate")


class _Commands(click.Group):
    """A group that imports a command's module on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command


@click.group(cls=_Commands)
def quadratic() -> None:
    """One-pass SGD of a quadratic student on a quadratic teacher, from plateau to solution.

    alpha counts steps over N. Without --a and --b outputs are averages over units.
    """

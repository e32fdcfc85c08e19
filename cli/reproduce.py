"""`sta reproduce`: the claims of four papers, measured again and judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sta.cli.options import (
    EXISTING_OR_NOT,
    interval,
    json_option,
    print_json,
    print_table,
    seed_option,
)

NAMES = ("spectral", "quadratic", "distillation", "transfer")


@click.command()
@click.argument("papers", type=click.Choice(NAMES), nargs=-1)
@click.option(
    "--quick/--full",
    default=True,
    show_default=True,
    help="Fewer seeds and smaller sizes, or all; the rules are the same.",
)
@click.option(
    "-o", "--out", type=EXISTING_OR_NOT,
    help="Folder of runs, claims.json, figures and page; a reproduction in it goes on.",
)  # fmt: skip
@click.option("--ledger", is_flag=True, help="Print the claims and what would confirm each.")
@seed_option
@json_option
def reproduce(
    papers: tuple[str, ...],
    quick: bool,
    out: Path | None,
    ledger: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Measure the claims of PAPERS (all unless named) and judge them by the ledger's rules.

    Each claim has the quantity that is measured for it, and the numbers that would confirm or
    refute it, in a ledger that was written before. Stopped and called again, it goes on.
    """
    if ledger:
        _show_ledger(papers or NAMES, as_json)
        return
    if out is None:
        raise click.UsageError("-o: name a folder, or ask for the --ledger")
    from sta.analysis.claims import reproduce as measure
    from sta.analysis.claims import write_page

    found = measure(
        out, papers or NAMES, full=not quick, seed=seed,
        say=lambda what: click.echo(f"  {what}", err=True),
    )  # fmt: skip
    page = write_page(found)
    report = found.to_dict()
    if as_json:
        print_json(report | {"page": str(page)})
        return
    for paper, title in report["papers"].items():
        rows = [
            [one["sentence"], one["verdict"], _measured(one)]
            for one in report["claims"]
            if one["name"].startswith(f"{paper}.")
        ]
        print_table(title, ["claim", "verdict", "measured"], rows)
    for name, variants in report["changed"].items():
        told = ", ".join(f"{variant}: {verdict}" for variant, verdict in variants.items())
        click.echo(f"{name} with {told}")
    click.echo(f"claims: {out / 'claims.json'}")
    click.echo(f"page: {page}")


def _measured(claim: dict[str, Any]) -> str:
    if claim["rule"] == "calibrated":  # a test's outcome is no quantity
        return "-"
    return interval({"value": claim["value"], "ci95": claim["interval"]})


def _show_ledger(papers: tuple[str, ...], as_json: bool) -> None:
    from dataclasses import asdict

    from sta.analysis.claims.ledger import PAPERS, load_ledger

    entries = load_ledger(papers)
    if as_json:
        print_json({"format": "sta.ledger/1", "claims": [asdict(one) for one in entries]})
        return
    for paper in papers:
        rows = [
            [one.sentence, one.quantity, one.confirm, one.rule]
            for one in entries
            if one.paper == paper
        ]
        print_table(PAPERS[paper], ["claim", "measured", "confirms", "rule"], rows)

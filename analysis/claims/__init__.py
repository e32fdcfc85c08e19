"""Claims of the papers as numbers with intervals, and a verdict on each."""

from sta.analysis.claims.claim import Measured, PaperClaim
from sta.analysis.claims.distillation import distillation_claims
from sta.analysis.claims.errata import Erratum, distillation_errata
from sta.analysis.claims.ledger import PAPERS, Entry, load_ledger
from sta.analysis.claims.page import write_page
from sta.analysis.claims.reproduction import Reproduction, reproduce
from sta.analysis.claims.rules import Judged, Measurement, judge, level_for

__all__ = [
    "PAPERS",
    "Entry",
    "Erratum",
    "Judged",
    "Measured",
    "Measurement",
    "PaperClaim",
    "Reproduction",
    "distillation_claims",
    "distillation_errata",
    "judge",
    "level_for",
    "load_ledger",
    "reproduce",
    "write_page",
]

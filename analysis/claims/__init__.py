"""Claims of the papers as numbers with intervals, and a verdict on each."""

from sta.analysis.claims.claim import Measured, PaperClaim
from sta.analysis.claims.distillation import distillation_claims
from sta.analysis.claims.errata import Erratum, distillation_errata

__all__ = [
    "Erratum",
    "Measured",
    "PaperClaim",
    "distillation_claims",
    "distillation_errata",
]

"""Order of a transition, pseudo-critical points, cumulants, and null hypotheses."""

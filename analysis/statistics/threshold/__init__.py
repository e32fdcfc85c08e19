"""Threshold and smooth models of a curve: fits, intervals, scores, calibrated claims."""

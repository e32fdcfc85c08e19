"""Scaling collapse: one master curve for all sizes, its exponents and its error bars."""

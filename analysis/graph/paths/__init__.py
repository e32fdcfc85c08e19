"""Paths of a layered graph: their number, weights, distribution, and what they pass through."""

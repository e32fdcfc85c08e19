"""Motifs, clustering, persistence, spectra and communities, and the graphs of chance."""

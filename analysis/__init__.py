"""What is measured: graphs, statistics, figures, and the report."""

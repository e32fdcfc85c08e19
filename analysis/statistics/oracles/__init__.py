"""Generated data whose critical point and exponents are known exactly."""

from sta.analysis.statistics.oracles.oracle import Oracle
from sta.analysis.statistics.oracles.order_statistics import order_statistics_mean
from sta.analysis.statistics.oracles.registry import ORACLES, generate_oracle, oracle_options

__all__ = ["ORACLES", "Oracle", "generate_oracle", "oracle_options", "order_statistics_mean"]

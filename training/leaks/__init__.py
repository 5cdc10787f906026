"""The leak suite: checks of a team's own data for columns and features that contain the outcome too early.

In: a prepared `Dataset`. Out: one `Finding` per check, as a table on the console. Open `suite.py` first.
"""

from training.leaks.findings import failed, show_findings
from training.leaks.suite import run_leaks

__all__ = ["failed", "run_leaks", "show_findings"]

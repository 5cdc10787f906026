"""Registry: models as folders of plain data (`bundle.py`), runs and versions in MLflow, and the champion.

Start with `bundle.py`; `champion.py` decides which version predicts, `champion_finder.py` finds it for the service.
"""

import os

# MLflow reads these when it is first imported.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

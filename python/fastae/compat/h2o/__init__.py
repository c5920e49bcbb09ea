"""H2O's deep learning interface on fastae: scripts run with only the import changed.

Write ``from fastae.compat import h2o`` for ``import h2o``, and
``from fastae.compat.h2o.estimators.deeplearning import H2OAutoEncoderEstimator`` for H2O's line.
`from_h2o` takes over a network that H2O trained. Frames are pandas, polars or NumPy;
`docs/coming-from-h2o.md` says what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastae.compat.h2o import estimators
from fastae.compat.h2o._encoder import FrameEncoder
from fastae.compat.h2o._estimator import (
    H2OAutoEncoderEstimator,
    H2ODeepLearningEstimator,
    get_model,
)
from fastae.compat.h2o._facade import (
    connect,
    import_file,
    init,
    no_progress,
    remove,
    remove_all,
    show_progress,
    shutdown,
    upload_file,
)
from fastae.compat.h2o._from_h2o import from_h2o
from fastae.compat.h2o._mapping import estimator_parameters
from fastae.compat.h2o._metrics import AutoEncoderMetrics
from fastae.compat.h2o._supervised_metrics import ClassificationMetrics, RegressionMetrics

if TYPE_CHECKING:
    from fastae.compat.h2o._frame import H2OFrame

__all__ = [
    "AutoEncoderMetrics",
    "ClassificationMetrics",
    "FrameEncoder",
    "H2OAutoEncoderEstimator",
    "H2ODeepLearningEstimator",
    "H2OFrame",
    "RegressionMetrics",
    "connect",
    "estimator_parameters",
    "estimators",
    "from_h2o",
    "get_model",
    "import_file",
    "init",
    "no_progress",
    "remove",
    "remove_all",
    "show_progress",
    "shutdown",
    "upload_file",
]


def __getattr__(name: str) -> Any:
    # Frames need pandas, which fastae does not: it is imported with the first H2OFrame.
    if name == "H2OFrame":
        from fastae.compat.h2o._frame import H2OFrame

        return H2OFrame
    msg = f"module 'fastae.compat.h2o' has no attribute {name!r}"
    raise AttributeError(msg)

"""Where H2O's scripts import its estimators from."""

from fastae.compat.h2o._estimator import H2OAutoEncoderEstimator, H2ODeepLearningEstimator

__all__ = ["H2OAutoEncoderEstimator", "H2ODeepLearningEstimator"]

"""Bridges to tools that users have already: skore checks, MLflow runs, pytest."""

from __future__ import annotations

from marginscope.integrations.class_assertion import assert_classes_learned
from marginscope.integrations.mlflow_log import log_to_mlflow
from marginscope.integrations.skore_bridge import skore_checks

__all__ = ["assert_classes_learned", "log_to_mlflow", "skore_checks"]

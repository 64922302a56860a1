"""Models that live in Python made into ONNX, each by its own library's exporter: torch, scikit-learn, xgboost.

These libraries are extras: one is imported only when a model of its kind is given.
"""

from zkml.model.source.export import export, export_file, is_exportable
from zkml.model.source.exported import Exported
from zkml.model.source.file import onnx_file

__all__ = ["Exported", "export", "export_file", "is_exportable", "onnx_file"]

"""Turn a trained ONNX model into a zero-knowledge circuit, prove its inferences, and let anyone check them."""

__version__ = "0.1.0"

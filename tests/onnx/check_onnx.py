"""Lets ONNX's own checker look at files, shapes included: check_onnx.py FILE..."""
import sys

import onnx

for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error:
        sys.exit(f"{path}: {error}")

# SPDX-License-Identifier: Apache-2.0
# Runs every NAME.onnx of a folder on NAME.npy with onnxruntime and prints "NAME y0 y1 ..." for each:
#   python run_onnx.py FOLDER
import pathlib
import sys

import numpy
import onnxruntime

try:
    import onnx
except ImportError:
    onnx = None
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    if onnx:
        onnx.checker.check_model(onnx.load(str(path)), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    x = numpy.load(path.with_suffix(".npy"))
    y = session.run(["output"], {"input": x})[0]
    one = session.run(["output"], {"input": x[:1]})[0]  # another number of samples
    assert numpy.allclose(one[0], y[0], atol=1e-5), path
    print(path.stem, *(repr(float(v)) for v in y.ravel()))

# SPDX-License-Identifier: Apache-2.0
"""Pruned networks by onnxruntime, and by deepsparse where it is installed."""
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from serve import serve

rng = np.random.default_rng(1)
THREADS = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))


class Graph:
    """A network of layers, one after the other, with so many of its weights in a hundred."""

    def __init__(self, batch, shape):
        self.nodes, self.values, self.last = [], [], "x"
        self.batch, self.input = batch, helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])

    def add(self, op, *values, **attributes):
        names = []
        for v in values:
            names.append(f"v{len(self.values)}")
            self.values.append(numpy_helper.from_array(v, names[-1]))
        out = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *names], [out], **attributes))
        self.last = out
        return self

    def weights(self, percent, *shape):
        w = rng.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(np.prod(shape[1:])))
        w[rng.random(shape) * 100 >= percent] = 0
        return w

    def dense(self, n_in, n_out, percent):
        return self.add("Gemm", self.weights(percent, n_out, n_in), np.zeros(n_out, np.float32), transB=1)

    def conv(self, channels, filters, percent):
        w = self.weights(percent, filters, channels, 5, 5)
        self.add("Conv", w, np.zeros(filters, np.float32), kernel_shape=[5, 5])
        return self.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])

    def model(self):
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [self.batch, 10])
        graph = helper.make_graph(self.nodes, "net", [self.input], [y], self.values)
        m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        m.ir_version = 7
        onnx.checker.check_model(m)
        return m


def mlp(batch, percent):
    g = Graph(batch, [784]).dense(784, 1000, percent).add("Relu")
    return g.dense(1000, 1000, percent).add("Relu").dense(1000, 10, percent).model()


def lenet(batch, percents):
    g = Graph(batch, [1, 28, 28]).conv(1, 20, percents[0]).conv(20, 50, percents[1]).add("Flatten")
    return g.dense(800, 500, percents[2]).add("Relu").dense(500, 10, percents[3]).model()


def network(make, batch, kept):
    def images():
        shape = [batch, 784] if make is mlp else [batch, 1, 28, 28]
        return rng.random(shape, dtype=np.float32)

    def runtime():
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(make(batch, kept).SerializeToString(), options)
        x = images()
        return lambda: session.run(None, {"x": x})

    def deepsparse():
        from deepsparse import Engine

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "net.onnx")
            onnx.save(make(batch, kept), path)
            engine, x = Engine(model=path, batch_size=batch, num_cores=THREADS), images()
        return lambda: engine.run([x])

    return lambda: {f"onnxruntime {onnxruntime.__version__}": runtime, "deepsparse": deepsparse}


ALL, FEW = (100, 100, 100, 100), (66, 12, 8, 19)
serve(
    "onnxruntime or deepsparse",
    {
        "mlp1000_full_b1": network(mlp, 1, 100),
        "mlp1000_full_b100": network(mlp, 100, 100),
        "mlp1000_pruned_b1": network(mlp, 1, 5),
        "mlp1000_pruned_b100": network(mlp, 100, 5),
        "lenet5_full_b1": network(lenet, 1, ALL),
        "lenet5_full_b100": network(lenet, 100, ALL),
        "lenet5_pruned_b1": network(lenet, 1, FEW),
        "lenet5_pruned_b100": network(lenet, 100, FEW),
    },
)

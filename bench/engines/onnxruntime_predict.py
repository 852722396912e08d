"""ONNX Runtime: a graph of Gemm and activations, all optimisations on, by `run` or with inputs and output bound."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from data import Problem
from definitions import Prediction
from onnx import TensorProto, helper, numpy_helper

from engines.calls import call_all, call_inputs, joined

OPERATORS = {"relu": "Relu", "tanh": "Tanh", "sigmoid": "Sigmoid", "identity": "Identity", "softmax": "Softmax"}
IR_VERSION, OPSET = 8, 17


class Engine:
    """A session, and its inputs as it wants them; one row is (1, n_in) here."""

    def __init__(self, work: Prediction, problem: Problem, form: str, threads: int) -> None:
        self.work = work
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        model = _model(work, problem).SerializeToString()
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        arrays = call_inputs(work, problem, keep_rows_2d=True)
        if form == "run":
            self.inputs: list[Any] = [{"x": x} for x in arrays]
            self.predict = self._run
        else:
            self.inputs = [self._bound(x) for x in arrays]
            self.predict = self.session.run_with_iobinding

    def _run(self, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        return self.session.run(None, feed)

    def _bound(self, x: np.ndarray) -> Any:
        """Return a binding of `x` and of memory for its output."""
        binding = self.session.io_binding()
        binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x))
        shape = (self.work.batch_size, self.work.layer_sizes[-1])
        output = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, x.dtype, "cpu")
        binding.bind_ortvalue_output("a", output)
        return binding

    def run(self) -> None:
        """Call it for every input."""
        call_all(self.predict, self.inputs, self.work.epochs)

    def outputs(self) -> np.ndarray:
        """Return what the calls give."""
        call_all(self.predict, self.inputs, 1)
        if self.predict == self._run:
            return joined((self.predict(feed)[0] for feed in self.inputs), self.work)
        return joined((binding.copy_outputs_to_cpu()[0] for binding in self.inputs), self.work)


def _model(work: Prediction, problem: Problem) -> Any:
    """Return the network as an ONNX model for calls of `work.batch_size` rows."""
    element = helper.np_dtype_to_tensor_dtype(np.dtype(work.dtype))
    nodes, constants, name = [], [], "x"
    for layer, (W, b) in enumerate(zip(problem.weights, problem.biases, strict=True)):
        is_last = layer == len(problem.weights) - 1
        constants += [numpy_helper.from_array(W, f"W{layer}"), numpy_helper.from_array(b, f"b{layer}")]
        nodes.append(helper.make_node("Gemm", [name, f"W{layer}", f"b{layer}"], [f"z{layer}"]))
        name = "a" if is_last else f"a{layer}"
        nodes.append(helper.make_node(OPERATORS[work.output if is_last else work.hidden], [f"z{layer}"], [name]))
    x, a = _value("x", element, work, 0), _value("a", element, work, -1)
    graph = helper.make_graph(nodes, work.name, [x], [a], constants)
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[helper.make_opsetid("", OPSET)])


def _value(name: str, element: int, work: Prediction, layer: int) -> Any:
    """Return the description of the graph's input or output."""
    return helper.make_tensor_value_info(name, element or TensorProto.FLOAT, (work.batch_size, work.layer_sizes[layer]))

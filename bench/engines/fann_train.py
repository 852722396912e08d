"""FANN: all epochs in its own loop, `fann_train_on_data`, after each row or after all rows.

Its sigmoid is 1/(1 + exp(-2 s z)) with steepness s, so s = 1/2 is the logistic function. With the linear error
function and no momentum its update is that of half the squared error, but for the slope of a unit that saturates:
see the workload's `nearest`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from ctypes import CFUNCTYPE, POINTER, c_float, c_int, c_uint, c_void_p

import numpy as np
from data import Problem
from definitions import Training

TRAIN_INCREMENTAL, TRAIN_BATCH, SIGMOID, ERROR_LINEAR = 0, 1, 3, 0  # of FANN's enumerations


class Connection(ctypes.Structure):
    """FANN's struct fann_connection."""

    _fields_ = (("source", c_uint), ("target", c_uint), ("weight", c_float))


class Engine:
    """A network of FANN and its copy of the rows."""

    def __init__(self, work: Training, problem: Problem, form: str, threads: int) -> None:
        self.work, self.problem = work, problem
        self.library = _load()
        self.network = self._make_network()
        self.rows = self._copy_rows()

    def start(self, *, shuffle: bool) -> None:
        """Set the initial weights."""
        layers = zip(self.problem.weights, self.problem.biases, strict=True)
        in_order = [np.concatenate([W, b[None, :]]).T.ravel() for W, b in layers]  # a unit's weights, then its bias
        for connection, value in zip(self._connections(), np.concatenate(in_order), strict=True):
            self.library.fann_set_weight(self.network, connection.source, connection.target, value)
        if shuffle and self.work.batch_size < self.work.n_rows:
            self.library.fann_shuffle_train_data(self.rows)

    def train(self) -> None:
        """Train without reports; an error below every error stops nothing."""
        self.library.fann_train_on_data(self.network, self.rows, self.work.epochs, 0, -1.0)

    def parameters(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return the weights, and the biases, which are the weights from a unit that is always 1."""
        values = np.array([connection.weight for connection in self._connections()])
        weights, biases, first = [], [], 0
        for fan_in, fan_out in self.work.fans:
            layer = values[first : first + (fan_in + 1) * fan_out].reshape(fan_out, fan_in + 1).T
            weights.append(layer[:-1])
            biases.append(layer[-1])
            first += layer.size
        return weights, biases

    def _make_network(self) -> c_void_p:
        library, sizes = self.library, self.work.layer_sizes
        network = c_void_p(library.fann_create_standard_array(len(sizes), (c_uint * len(sizes))(*sizes)))
        for part in ("hidden", "output"):
            getattr(library, f"fann_set_activation_function_{part}")(network, SIGMOID)
            getattr(library, f"fann_set_activation_steepness_{part}")(network, 0.5)
        library.fann_set_training_algorithm(network, TRAIN_INCREMENTAL if self.work.batch_size == 1 else TRAIN_BATCH)
        library.fann_set_train_error_function(network, ERROR_LINEAR)
        library.fann_set_learning_rate(network, self.work.optimizer.learning_rate)
        library.fann_set_learning_momentum(network, 0.0)
        return network

    def _copy_rows(self) -> c_void_p:
        """Return FANN's copy of the rows, which asks for one row after another."""
        n_in, n_out = self.work.layer_sizes[0], self.work.layer_sizes[-1]

        def give(s: int, n_x: int, n_y: int, x: ctypes.Array, y: ctypes.Array) -> None:
            np.ctypeslib.as_array(x, (n_x,))[:] = self.problem.X[s]
            np.ctypeslib.as_array(y, (n_y,))[:] = self.problem.y[s]

        callback = self.library.fann_create_train_from_callback.argtypes[-1](give)
        return c_void_p(self.library.fann_create_train_from_callback(self.work.n_rows, n_in, n_out, callback))

    def _connections(self) -> ctypes.Array:
        """Return every connection, ordered by layer, then target unit, then source unit, the bias last."""
        array = (Connection * self.library.fann_get_total_connections(self.network))()
        self.library.fann_get_connection_array(self.network, array)
        return array


def _load() -> ctypes.CDLL:
    """Open the library and declare what is called with more than a pointer and whole numbers."""
    library = ctypes.CDLL(ctypes.util.find_library("floatfann"))
    give = CFUNCTYPE(None, c_uint, c_uint, c_uint, POINTER(c_float), POINTER(c_float))
    library.fann_create_standard_array.restype = c_void_p
    library.fann_create_train_from_callback.restype = c_void_p
    library.fann_create_train_from_callback.argtypes = [c_uint, c_uint, c_uint, give]
    library.fann_set_activation_steepness_hidden.argtypes = [c_void_p, c_float]
    library.fann_set_activation_steepness_output.argtypes = [c_void_p, c_float]
    library.fann_set_learning_rate.argtypes = [c_void_p, c_float]
    library.fann_set_learning_momentum.argtypes = [c_void_p, c_float]
    library.fann_set_weight.argtypes = [c_void_p, c_uint, c_uint, c_float]
    library.fann_train_on_data.argtypes = [c_void_p, c_void_p, c_uint, c_uint, c_float]
    library.fann_get_total_connections.restype = c_uint
    library.fann_get_total_connections.argtypes = [c_void_p]
    library.fann_get_connection_array.argtypes = [c_void_p, c_void_p]
    library.fann_set_activation_function_hidden.argtypes = [c_void_p, c_int]
    library.fann_set_activation_function_output.argtypes = [c_void_p, c_int]
    return library

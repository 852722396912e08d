"""Calls of the engines that work, and what can be spoilt about them: for the tests of the engines' own checks."""

import numpy as np

from bp_core import _parameters, activations
from bp_core._recipe import ADAM, Recipe
from bp_core.losses import Objective
from support import uniform

N, SIZES = 20, (4, 9, 3)
NOTHING = (None,) * 5
BAD = (TypeError, ValueError, BufferError)


def words(plan):
    return np.frombuffer(plan, np.int64).copy()


def plan_of(sizes=SIZES, hidden="tanh", output="sigmoid"):
    names = [*[hidden] * (len(sizes) - 2), output]
    return _parameters.make_plan(sizes, [activations.CODES[name] for name in names], [2] * len(names))


class Call:
    """The arguments of a train call that works; `with_` replaces some."""

    def __init__(self, engine, optimizer=ADAM, batch_size=8, clip_norm=0.0, threads=1):
        self.engine = engine
        self.plan = plan_of()
        size = engine.layout(self.plan)[0]
        self.parameters = np.zeros(size, engine.DTYPE)
        for i, W in enumerate(_parameters.weight_views(self.parameters, engine.layout(self.plan))):
            W[...] = uniform(3 + i, W.shape)
        self.recipe = Recipe(optimizer, 0.9, 0.999, 1e-8, clip_norm=clip_norm)
        self.m, self.v = np.zeros(size, engine.DTYPE), np.zeros(size, engine.DTYPE)
        self.mean = None
        self.counters, self.running = np.zeros(3, np.int64), np.array([1.0, 1.0, 1.0, 0.0, 0.0])
        self.X = uniform(1, (N, SIZES[0])).astype(engine.DTYPE)
        self.y = uniform(2, (N, SIZES[-1])).astype(engine.DTYPE)
        self.classes = self.weights = self.sizes = None
        self.missing = False
        self.objective = Objective(0)
        self.epochs, self.batch_size, self.random = 2, batch_size, np.random.PCG64(1)
        self.order, self.losses, self.seconds = np.arange(N), np.zeros(2), np.zeros(2)
        self.given_order, self.rates, self.varies = False, np.array([0.01]), False
        self.workspace = np.zeros(self.needed(batch_size, clip_norm, threads), engine.DTYPE)
        self.threads = threads

    def needed(self, batch_size, clip_norm=0.0, threads=1, loss=0, drops=False):
        """The length of the workspace."""
        return self.engine.training_workspace(self.plan, N, batch_size, loss, clip_norm > 0, drops, threads)

    def with_(self, **changes):
        for name, value in changes.items():
            assert hasattr(self, name), name
            setattr(self, name, value)
        return self

    def __call__(self):
        random = self.random.capsule if isinstance(self.random, np.random.PCG64) else self.random
        limits = (-np.inf, np.inf)
        return self.engine.train(
            self.plan,
            self.parameters,
            self.recipe,
            (self.m, self.v, self.mean, self.counters, self.running),
            (self.X, self.y, self.classes, self.weights, self.sizes, self.missing),
            self.objective,
            (
                *(self.epochs, self.batch_size, *limits, self.order, self.given_order, self.losses, self.seconds),
                *(random, self.threads, self.rates, self.varies),
            ),
            self.workspace,
        )


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


SPOILT = {
    "short": lambda array: array[:-1].copy(),
    "empty": lambda array: array[:0].copy(),
    "float16": lambda array: array.astype(np.float16),
    "int32": lambda array: array.astype(np.int32),
    "uint64": lambda array: array.astype(np.uint64),
    "the other dtype": lambda array: array.astype(np.float32 if array.dtype == np.float64 else np.float64),
    "the other byte order": lambda array: array.astype(array.dtype.newbyteorder()),
    "bytes": lambda array: array.tobytes(),
    "strided": lambda array: np.repeat(array, 2)[::2],
    "backwards": lambda array: array[::-1],
    "read-only": lambda array: read_only(array),
    "a list": lambda array: array.tolist(),
    "a number": lambda array: 3,
    "objects": lambda array: array.astype(object),
}

"""The work: what each workload trains, and the nearest work of a peer that cannot do exactly that.

Everything a reader needs to repeat a measurement stands here; how it is measured stands in ``runner.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Optimizer:
    """One optimiser and its settings; the update is that of torch.optim's class of the same name."""

    name: str  # "sgd", "adam" or "rmsprop"
    learning_rate: float
    beta1: float = 0.9
    beta2: float = 0.999
    rho: float = 0.9  # rmsprop only
    epsilon: float = 1e-8
    corrects_epsilon: bool = True  # adam: epsilon is added to the bias-corrected root, not before the correction


@dataclass(frozen=True)
class Nearest:
    """What a peer does instead of the exact work, and the words printed beside its ratio."""

    note: str
    loss: str | None = None
    optimizer: Optimizer | None = None


@dataclass(frozen=True)
class Workload:
    """One training task: a network, its data and how it is trained.

    A timed call trains `epochs` epochs from the initial weights; the answer is checked after `check_steps` steps
    over unshuffled rows, few enough that float32 does not yet part from float64 at the kink of a relu. `n_rows` is a
    multiple of `batch_size`, so that every step is the same work.
    """

    name: str
    layer_sizes: tuple[int, ...]
    hidden: str
    output: str
    loss: str
    optimizer: Optimizer
    batch_size: int
    n_rows: int
    inputs: str  # "xor", "normal" or "pixels": see data.py
    epochs: int = 1
    check_steps: int = 50
    dtype: str = "float32"
    nearest: Mapping[str, Nearest] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def steps(self) -> int:
        """The number of updates in one call."""
        return self.epochs * (self.n_rows // self.batch_size)

    def for_check(self) -> Workload:
        """Return the first `check_steps` steps as a workload of their own."""
        n_rows = min(self.n_rows, self.check_steps * self.batch_size)
        return replace(self, n_rows=n_rows, epochs=self.check_steps * self.batch_size // n_rows)

    @property
    def flops_per_step(self) -> int:
        """2 per multiply-add: forward, grad_W, and delta_prev of every layer but the first."""
        fans = list(zip(self.layer_sizes, self.layer_sizes[1:], strict=False))
        multiply_adds = sum((2 if layer == 0 else 3) * m * n for layer, (m, n) in enumerate(fans))
        return 2 * self.batch_size * multiply_adds

    def as_done_by(self, engine: str) -> Workload:
        """Return the work that `engine` does: this one, or the nearest it can do."""
        nearest = self.nearest.get(engine)
        if nearest is None:
            return self
        return replace(self, loss=nearest.loss or self.loss, optimizer=nearest.optimizer or self.optimizer)

    def describe(self) -> str:
        """Return the work in one line."""
        sizes = "-".join(str(size) for size in self.layer_sizes)
        activations = f"{self.hidden}, {self.output}"
        rule = f"{self.optimizer.name} {self.optimizer.learning_rate:g}"
        return f"{sizes}, {activations}; {self.loss}, {rule}; {self.n_rows} rows, batch {self.batch_size}"


ADAM = Optimizer("adam", 0.001)

SIGMOID_OUTPUT = Nearest(
    note="scikit-learn has no squared error behind a sigmoid: binary cross-entropy instead",
    loss="binary_cross_entropy",
)
EARLY_EPSILON = Nearest(
    note="scikit-learn's Adam adds epsilon before the bias correction",
    optimizer=replace(ADAM, corrects_epsilon=False),
)
NO_RMSPROP = Nearest(note="scikit-learn has no RMSprop: its Adam instead", optimizer=EARLY_EPSILON.optimizer)

_ALL = (
    Workload(
        "xor", (2, 3, 1), "sigmoid", "sigmoid", "half_squared_error", Optimizer("sgd", 2.0),
        batch_size=4, n_rows=4, inputs="xor", epochs=10_000, check_steps=1_000,
        nearest=MappingProxyType({"sklearn": SIGMOID_OUTPUT}),
    ),
    Workload(
        "tab", (30, 64, 64, 1), "relu", "identity", "mse", ADAM,
        batch_size=32, n_rows=16_384, inputs="normal",
        nearest=MappingProxyType({"sklearn": EARLY_EPSILON}),
    ),
    Workload(
        "nielsen", (784, 30, 10), "sigmoid", "sigmoid", "half_squared_error", Optimizer("sgd", 3.0),
        batch_size=10, n_rows=50_000, inputs="pixels",
        nearest=MappingProxyType({"sklearn": SIGMOID_OUTPUT}),
    ),
    Workload(
        "mnist", (784, 128, 10), "relu", "softmax", "cross_entropy", ADAM,
        batch_size=128, n_rows=59_904, inputs="pixels",
        nearest=MappingProxyType({"sklearn": EARLY_EPSILON}),
    ),
    Workload(
        "chain", (4, 32, 32, 4), "tanh", "identity", "mse", ADAM,
        batch_size=64, n_rows=16_384, inputs="normal",
        nearest=MappingProxyType({"sklearn": EARLY_EPSILON}),
    ),
    Workload(
        "wide", (784, 1024, 1024, 10), "relu", "softmax", "cross_entropy", ADAM,
        batch_size=256, n_rows=4_096, inputs="pixels", check_steps=10,
        nearest=MappingProxyType({"sklearn": EARLY_EPSILON}),
    ),
    Workload(
        "W1", (4, 32, 16, 4), "tanh", "identity", "mse", ADAM,
        batch_size=10_000, n_rows=10_000, inputs="normal", epochs=100,
        nearest=MappingProxyType({"sklearn": EARLY_EPSILON}),
    ),
    Workload(
        "W3", (784, 64, 10), "relu", "sigmoid", "binary_cross_entropy", Optimizer("rmsprop", 0.001, rho=0.9),
        batch_size=64, n_rows=59_968, inputs="pixels",
        nearest=MappingProxyType({"sklearn": NO_RMSPROP}),
    ),
)  # fmt: skip

WORKLOADS: Mapping[str, Workload] = MappingProxyType({work.name: work for work in _ALL})

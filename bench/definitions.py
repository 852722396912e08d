"""What a workload is: a network, its data and what is done with them, as plain data.

The workloads themselves stand in ``workloads.py``; how they are measured stands in ``runner.py``.
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
    bias: str | None = None
    slope_margin: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A network and its data; a timed call takes all rows `epochs` times, `batch_size` rows a step.

    `n_rows` is a multiple of `batch_size`, so that every step is the same work.
    """

    name: str
    layer_sizes: tuple[int, ...]
    hidden: str
    output: str
    batch_size: int
    n_rows: int
    inputs: str  # "xor", "normal" or "pixels": see data.py
    bias: str = "unit"  # or "none"
    epochs: int = 1
    dtype: str = "float32"
    forms: Mapping[str, tuple[str, ...]] | None = field(default=None, hash=False)  # None: every engine, as it likes
    shows_every_form: bool = False  # in the table; else only the fastest of each engine

    @property
    def steps(self) -> int:
        """The number of steps in one timed call."""
        return self.epochs * (self.n_rows // self.batch_size)

    @property
    def fans(self) -> list[tuple[int, int]]:
        """(fan_in, fan_out) of every layer."""
        return list(zip(self.layer_sizes, self.layer_sizes[1:], strict=False))

    @property
    def flops_per_step(self) -> int:
        """2 per multiply-add of the matrix products of one step."""
        raise NotImplementedError

    def as_done_by(self, engine: str) -> Workload:
        """Return the work that `engine` does: this one, or the nearest it can do."""
        return self

    def note_on(self, engine: str) -> str:
        """Return in what the work of `engine` differs; "" where it does exactly this."""
        return ""

    def describe(self) -> str:
        """Return the work in one line."""
        raise NotImplementedError

    def _describe_network(self) -> str:
        sizes = "-".join(str(size) for size in self.layer_sizes)
        bias = "" if self.bias == "unit" else ", no bias"
        return f"{sizes}, {self.hidden}, {self.output}{bias}"


@dataclass(frozen=True, kw_only=True)
class Training(Workload):
    """Training from the initial weights; a step is one batch forward, its loss, backward, one update.

    The answer is checked after `check_steps` steps over unshuffled rows, few enough that float32 does not yet part
    from float64 at the kink of a relu.
    """

    loss: str
    optimizer: Optimizer
    shuffle: bool = True  # the rows of each epoch, unless it is one batch
    check_steps: int = 50
    slope_margin: float = 0.0  # the slope of an activation is taken no nearer than this to a = 0 or 1
    dropout: float = 0.0  # the share of the hidden units that a step leaves out; the others times 1 / (1 - dropout)
    nearest: Mapping[str, Nearest] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    def for_check(self) -> Training:
        """Return the first `check_steps` steps as a workload of their own.

        Without dropout: no two engines drop the same units.
        """
        n_rows = min(self.n_rows, self.check_steps * self.batch_size)
        return replace(self, n_rows=n_rows, epochs=self.check_steps * self.batch_size // n_rows, dropout=0.0)

    @property
    def flops_per_step(self) -> int:
        """2 per multiply-add: forward, grad_W, and delta_prev of every layer but the first."""
        multiply_adds = sum((2 if layer == 0 else 3) * m * n for layer, (m, n) in enumerate(self.fans))
        return 2 * self.batch_size * multiply_adds

    def as_done_by(self, engine: str) -> Training:
        """Return the work that `engine` does: this one, or the nearest it can do."""
        nearest = self.nearest.get(engine)
        if nearest is None:
            return self
        return replace(
            self,
            loss=nearest.loss or self.loss,
            optimizer=nearest.optimizer or self.optimizer,
            bias=nearest.bias or self.bias,
            slope_margin=nearest.slope_margin,
        )

    def note_on(self, engine: str) -> str:
        """Return the note of the nearest work of `engine`."""
        return self.nearest[engine].note if engine in self.nearest else ""

    def describe(self) -> str:
        """Return the work in one line."""
        rule = f"{self.optimizer.name} {self.optimizer.learning_rate:g}"
        order = "" if self.shuffle else ", rows in order"
        rows = f"{self.n_rows} rows, batch {self.batch_size}{order}"
        dropout = f", dropout {self.dropout:g}" if self.dropout else ""
        return f"{self._describe_network()}{dropout}; {self.loss}, {rule}; {rows}"


@dataclass(frozen=True, kw_only=True)
class Prediction(Workload):
    """Prediction from Python; a step is one call that predicts `batch_size` rows: one row is handed over as 1-D x."""

    shows_every_form: bool = True

    @property
    def flops_per_step(self) -> int:
        """2 per multiply-add of the forward pass."""
        return 2 * self.batch_size * sum(m * n for m, n in self.fans)

    def describe(self) -> str:
        """Return the work in one line."""
        rows = "one row" if self.batch_size == 1 else f"{self.batch_size} rows"
        return f"{self._describe_network()}; predict {rows} in a call from Python"

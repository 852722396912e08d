"""What the engine is told about a step: how a gradient becomes a change."""

from typing import NamedTuple

PLAIN, MOMENTUM, NESTEROV, RMSPROP, ADAGRAD, ADAM, ADAMW, NADAM, RPROP = range(9)
"""The engine's codes."""


class Recipe(NamedTuple):
    """What the engine takes: how a gradient becomes a change, but for the learning rates."""

    code: int
    momentum: float = 0.0
    """Or beta1; Rprop's decrease."""
    rho: float = 0.0
    """Or beta2; Rprop's increase."""
    epsilon: float = 0.0
    """Or Rprop's smallest."""
    weight_decay: float = 0.0
    """Or 0.96^momentum_decay of NAdam, or Rprop's largest."""
    l2: float = 0.0
    l1: float = 0.0
    clip_norm: float = 0.0
    """0: no clipping."""
    velocity: bool = False
    """Momentum whose m holds the rates: m = momentum m - rate g."""
    raw_epsilon: bool = False
    """Adam with rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon)."""
    shares_penalty: bool = False
    """l2 and l1 are divided by the size of the batch."""
    max_norm: float = 0.0
    """0: no limit."""
    average_share: float = 0.0
    """What of each step's parameters goes into their moving average; 0: none."""
    dropout: tuple[float, ...] = ()
    """A rate for each hidden layer, or none."""
    dropout_key: int = 0

"""Train and run small feed-forward networks on a CPU, fast, with every number open to view.

>>> import bp_core as bp
>>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=1)
>>> net.predict([0.0, 1.0]).shape
(1,)
"""

from importlib.util import find_spec as _find_spec
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _find_spec("bp_core._dispatch") is None:
    raise ImportError(
        "this bp_core is the source folder and is not compiled: run 'pip install -e .' in it, "
        "or start Python in another folder to use the installed package"
    )

from bp_core import _dispatch
from bp_core._version import __version__
from bp_core.errors import DivergenceError
from bp_core.history import Epoch, History
from bp_core.losses import Huber, Quantile
from bp_core.network import Network
from bp_core.optimizers import SGD, Adagrad, Adam, AdamW, NAdam, RMSprop, Rprop
from bp_core.predictor import Predictor
from bp_core.results import ForwardPass, GradientCheck, Gradients
from bp_core.trainer import Trainer
from bp_core.whole_batch import LBFGS, LevenbergMarquardt

if _TYPE_CHECKING:
    from bp_core import data, plot, schedules
    from bp_core.explain import Explanation
    from bp_core.learning_rates import draw_descent, find_learning_rate, sweep_learning_rates
    from bp_core.model import Model
    from bp_core.replay import Replay
    from bp_core.sensitivity import Sensitivities, sensitivities


def isa() -> str:
    """Return the instruction set in use: "base", "v3", "v4" or "neon".

    The best one that this CPU can run, unless the environment variable ``BP_CORE_ISA`` named a
    lower one when the package was imported.

    Examples
    --------
    >>> import bp_core as bp
    >>> bp.isa() in ("base", "v3", "v4", "neon")
    True
    """
    return _dispatch.isa()


_LATER = {
    "Explanation": "bp_core.explain",
    "Model": "bp_core.model",
    "Replay": "bp_core.replay",
    "Sensitivities": "bp_core.sensitivity",
    "data": "bp_core.data",
    "draw_descent": "bp_core.learning_rates",
    "find_learning_rate": "bp_core.learning_rates",
    "plot": "bp_core.plot",
    "schedules": "bp_core.schedules",
    "sensitivities": "bp_core.sensitivity",
    "sweep_learning_rates": "bp_core.learning_rates",
}
"""What is built on the library or may be left out of it, and where: loaded when it is first asked for."""


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})


def __getattr__(name: str) -> object:
    """Load what is built on the library when it is first asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'bp_core' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(_LATER[name])
    return module if _LATER[name] == f"bp_core.{name}" else getattr(module, name)


__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "DivergenceError",
    "Epoch",
    "Explanation",
    "ForwardPass",
    "GradientCheck",
    "Gradients",
    "History",
    "Huber",
    "LevenbergMarquardt",
    "Model",
    "NAdam",
    "Network",
    "Predictor",
    "Quantile",
    "RMSprop",
    "Replay",
    "Rprop",
    "Sensitivities",
    "Trainer",
    "__version__",
    "data",
    "draw_descent",
    "find_learning_rate",
    "isa",
    "plot",
    "schedules",
    "sensitivities",
    "sweep_learning_rates",
]

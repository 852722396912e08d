"""Train and run small feed-forward networks on a CPU, fast, with every number open to view.

>>> import bp_core as bp
>>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=1)
>>> net.predict([0.0, 1.0]).shape
(1,)
"""

from importlib.util import find_spec as _find_spec

if _find_spec("bp_core._dispatch") is None:
    raise ImportError(
        "this bp_core is the source folder and is not compiled: run 'pip install -e .' in it, "
        "or start Python in another folder to use the installed package"
    )

from bp_core import _dispatch
from bp_core._version import __version__
from bp_core.errors import DivergenceError
from bp_core.history import Epoch, History
from bp_core.losses import Huber
from bp_core.network import Network
from bp_core.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from bp_core.predictor import Predictor
from bp_core.results import ForwardPass, GradientCheck, Gradients
from bp_core.trainer import Trainer


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


def __getattr__(name: str) -> object:
    """Load what is built on the library when it is first asked for."""
    if name == "data":
        from bp_core import data

        return data
    raise AttributeError(f"module 'bp_core' has no attribute {name!r}")


__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "DivergenceError",
    "Epoch",
    "ForwardPass",
    "GradientCheck",
    "Gradients",
    "History",
    "Huber",
    "Network",
    "Predictor",
    "RMSprop",
    "Trainer",
    "__version__",
    "isa",
]

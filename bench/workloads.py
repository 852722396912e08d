"""The work: what each workload trains or predicts, and the nearest work of a peer that cannot do exactly that.

Everything a reader needs to repeat a measurement stands here; how it is measured stands in ``runner.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from definitions import Nearest, Optimizer, Prediction, Training, Workload

ADAM = Optimizer("adam", 0.001)

SIGMOID_OUTPUT = Nearest(
    note="scikit-learn has no squared error behind a sigmoid: binary cross-entropy instead",
    loss="binary_cross_entropy",
)
SIGMOID_OUTPUT_AND_BIAS = Nearest(
    note="scikit-learn has no squared error behind a sigmoid, and no network without biases: "
    "binary cross-entropy instead, with biases",
    loss="binary_cross_entropy",
    bias="unit",
)
EARLY_EPSILON = Nearest(
    note="scikit-learn's Adam adds epsilon before the bias correction",
    optimizer=replace(ADAM, corrects_epsilon=False),
)
NO_RMSPROP = Nearest(note="scikit-learn has no RMSprop: its Adam instead", optimizer=EARLY_EPSILON.optimizer)
CUT_SLOPE = Nearest(note="FANN takes the slope of its sigmoid no nearer than 0.01 to a = 0 or 1", slope_margin=0.01)


def _nearest(**by_engine: Nearest) -> Mapping[str, Nearest]:
    return MappingProxyType(by_engine)


XOR = Training(
    name="xor",
    layer_sizes=(2, 3, 1), hidden="sigmoid", output="sigmoid",
    loss="half_squared_error", optimizer=Optimizer("sgd", 2.0),
    batch_size=4, n_rows=4, inputs="xor", epochs=10_000, check_steps=1_000,
    nearest=_nearest(sklearn=SIGMOID_OUTPUT, fann=CUT_SLOPE),
)  # fmt: skip

ONLINE = Training(
    name="online",
    layer_sizes=(2, 3, 1), hidden="sigmoid", output="sigmoid",
    loss="half_squared_error", optimizer=Optimizer("sgd", 0.5),
    batch_size=1, n_rows=4, inputs="xor", shuffle=False, epochs=2_500, check_steps=1_000,
    nearest=_nearest(sklearn=SIGMOID_OUTPUT, fann=CUT_SLOPE),
)  # fmt: skip

TAB = Training(
    name="tab",
    layer_sizes=(30, 64, 64, 1), hidden="relu", output="identity",
    loss="mse", optimizer=ADAM,
    batch_size=32, n_rows=16_384, inputs="normal",
    nearest=_nearest(sklearn=EARLY_EPSILON),
)  # fmt: skip

NIELSEN = Training(
    name="nielsen",
    layer_sizes=(784, 30, 10), hidden="sigmoid", output="sigmoid",
    loss="half_squared_error", optimizer=Optimizer("sgd", 3.0),
    batch_size=10, n_rows=50_000, inputs="pixels",
    nearest=_nearest(sklearn=SIGMOID_OUTPUT),
)  # fmt: skip

MNIST = Training(
    name="mnist",
    layer_sizes=(784, 128, 10), hidden="relu", output="softmax",
    loss="cross_entropy", optimizer=ADAM,
    batch_size=128, n_rows=59_904, inputs="pixels",
    nearest=_nearest(sklearn=EARLY_EPSILON),
)  # fmt: skip

CHAIN = Training(
    name="chain",
    layer_sizes=(4, 32, 32, 4), hidden="tanh", output="identity",
    loss="mse", optimizer=ADAM,
    batch_size=64, n_rows=16_384, inputs="normal",
    nearest=_nearest(sklearn=EARLY_EPSILON),
)  # fmt: skip

WIDE = Training(
    name="wide",
    layer_sizes=(784, 1024, 1024, 10), hidden="relu", output="softmax",
    loss="cross_entropy", optimizer=ADAM,
    batch_size=256, n_rows=4_096, inputs="pixels", check_steps=10,
    nearest=_nearest(sklearn=EARLY_EPSILON),
)  # fmt: skip

W1 = Training(
    name="W1",
    layer_sizes=(4, 32, 16, 4), hidden="tanh", output="identity",
    loss="mse", optimizer=ADAM,
    batch_size=10_000, n_rows=10_000, inputs="normal", epochs=100,
    nearest=_nearest(sklearn=EARLY_EPSILON),
)  # fmt: skip

W2 = Training(
    name="W2",
    layer_sizes=(24, 8, 2), hidden="tanh", output="identity", bias="none", dropout=0.2,
    loss="mse", optimizer=Optimizer("sgd", 0.1),
    batch_size=200, n_rows=200, inputs="normal", epochs=2_000,
)  # fmt: skip

W3 = Training(
    name="W3",
    layer_sizes=(784, 64, 10), hidden="relu", output="sigmoid",
    loss="binary_cross_entropy", optimizer=Optimizer("rmsprop", 0.001, rho=0.9),
    batch_size=64, n_rows=59_968, inputs="pixels",
    nearest=_nearest(sklearn=NO_RMSPROP),
)  # fmt: skip

W4 = Training(
    name="W4",
    layer_sizes=(784, 200, 10), hidden="sigmoid", output="sigmoid", bias="none",
    loss="half_squared_error", optimizer=Optimizer("sgd", 0.1),
    batch_size=1, n_rows=2_048, inputs="pixels",
    nearest=_nearest(sklearn=SIGMOID_OUTPUT_AND_BIAS),
)  # fmt: skip

W5_WIDTHS = (32, 45, 46, 64, 128, 256)


def _w5(width: int) -> Training:
    """Return a network without activations, whose cost should grow smoothly with its width."""
    return Training(
        name=f"W5-{width}",
        layer_sizes=(10, width, width, 10), hidden="identity", output="identity",
        loss="mse", optimizer=ADAM,
        batch_size=128, n_rows=16_384, inputs="normal",
        nearest=_nearest(sklearn=EARLY_EPSILON),
    )  # fmt: skip


STEP_FORMS = MappingProxyType({"bp_core": ("fit", "step")})
STEPS = (
    replace(XOR, name="step-2-3-1", forms=STEP_FORMS, shows_every_form=True),
    replace(TAB, name="step-tab", forms=STEP_FORMS, shows_every_form=True),
)

PREDICTIONS = (
    Prediction(
        name="row-2-3-1",
        layer_sizes=(2, 3, 1), hidden="sigmoid", output="sigmoid",
        batch_size=1, n_rows=16, inputs="normal", epochs=500,
    ),
    Prediction(
        name="row-784-128-10",
        layer_sizes=(784, 128, 10), hidden="relu", output="softmax",
        batch_size=1, n_rows=16, inputs="pixels", epochs=250,
    ),
    Prediction(
        name="row-784-1024-1024-10",
        layer_sizes=(784, 1024, 1024, 10), hidden="relu", output="softmax",
        batch_size=1, n_rows=16, inputs="pixels", epochs=50,
    ),
    Prediction(
        name="rows-784-128-10",
        layer_sizes=(784, 128, 10), hidden="relu", output="softmax",
        batch_size=1_000, n_rows=1_000, inputs="pixels", epochs=20,
    ),
)  # fmt: skip

_TRAININGS = (XOR, ONLINE, TAB, NIELSEN, MNIST, CHAIN, WIDE, W1, W2, W3, W4, *map(_w5, W5_WIDTHS), *STEPS)

WORKLOADS: Mapping[str, Workload] = MappingProxyType({work.name: work for work in (*_TRAININGS, *PREDICTIONS)})

"""Gradients of every activation, loss and bias mode against the oracle and against central differences."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from bp_core._targets import Data
from support import (
    BATCHES,
    DTYPES,
    TOLERANCE,
    arrays_of,
    assert_close,
    assert_same_bits,
    make_network,
    oracle_forward,
    oracle_gradients,
    targets,
    uniform,
)

pytestmark = pytest.mark.usefixtures("isa")

BIAS_MODES = ("unit", "layer", "none")
KINK = 1e-4
CASES = [
    *(("tanh", loss, output) for loss, output in oracle.PAIRS),
    *((hidden, "half_squared_error", "identity") for hidden in oracle.ACTIVATIONS),
    *((hidden, "cross_entropy", "softmax") for hidden in oracle.ACTIVATIONS),
    *((hidden, "binary_cross_entropy", "sigmoid") for hidden in oracle.ACTIVATIONS),
    *((hidden, "mse", "tanh") for hidden in oracle.ACTIVATIONS),
    *((hidden, "mae", "silu") for hidden in oracle.ACTIVATIONS),
    *((hidden, "huber", "softplus") for hidden in oracle.ACTIVATIONS),
    *((hidden, "poisson", "exp") for hidden in oracle.ACTIVATIONS),
]


def bias_scale(delta, grad_b, dtype):
    """What a sum of deltas is measured by: in float64 its own size; in float32, where sums may cancel, the sizes added.

    So too where nothing is left: the bias that a softmax layer shares shifts every z alike, its gradient is 0.
    """
    if grad_b.size == 0:
        return 0.0
    sizes = np.abs(delta).sum(axis=0)
    added = sizes.sum() if grad_b.size == 1 else sizes.max()
    largest = np.abs(grad_b).max()
    return added if dtype == "float32" or largest < 1e-15 * added else largest


def compare(actual, expected, dtype):
    tolerance = TOLERANCE[dtype]
    assert isinstance(actual.loss, float)
    assert_close(actual.loss, expected.loss, tolerance)
    assert len(actual.weights) == len(actual.biases) == len(actual.deltas) == len(expected.weights)
    for l in range(len(expected.weights)):
        assert_close(actual.weights[l], expected.weights[l], tolerance)
        assert_close(actual.deltas[l], expected.deltas[l], tolerance)
        scale = bias_scale(expected.deltas[l], expected.biases[l], dtype)
        assert_close(actual.biases[l], expected.biases[l], tolerance, scale)
    assert_close(actual.inputs, expected.inputs, tolerance)
    assert all(array.dtype == np.dtype(dtype) for array in arrays_of(actual))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", BIAS_MODES)
@pytest.mark.parametrize(("hidden", "loss", "output"), CASES)
def test_against_the_oracle(hidden, loss, output, bias, dtype, weighted):
    net = make_network((4, 6, 5, 3), seed=3, hidden=hidden, output=output, bias=bias, dtype=dtype)
    X = uniform(1, (13, 4), -1.5, 1.5).astype(dtype)
    y = targets(loss, 2, 13, 3).astype(dtype)
    sample_weight = uniform(4, 13, 0.1, 2.0) if weighted else None
    expected = oracle_gradients(net, X, y, loss, sample_weight=sample_weight)
    assert np.abs(expected.weights[-1]).max() > 1e-4
    compare(net.gradients(X, y, loss=loss, sample_weight=sample_weight), expected, dtype)
    assert_close(net.loss(X, y, loss=loss, sample_weight=sample_weight), expected.loss, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 67])
def test_at_every_width(width, dtype):
    net = make_network((width, width, 3, width), seed=width, scale=0.4, hidden="tanh", output="sigmoid", dtype=dtype)
    X = uniform(1, (300, width)).astype(dtype)
    y = uniform(2, (300, width), 1.5, 2.0).astype(dtype)  # above every output: the deltas of a unit share their sign
    for n in BATCHES:
        expected = oracle_gradients(net, X[:n], y[:n], "mse", np.float64)
        compare(net.gradients(X[:n], y[:n], loss="mse"), expected, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "layer_sizes",
    [
        *[(1, 1), (3, 2), (40, 8), (17, 7, 1), (513, 20, 4), (1100, 24, 10), (9, 1100, 3)],
        *[(129, 128, 128), (128, 257, 131), (200, 131, 160, 140)],
    ],
)
def test_shapes_around_the_cuts(layer_sizes, dtype):
    scale = min(1.0, 2 / layer_sizes[0] ** 0.5, 2 / layer_sizes[-2] ** 0.5)
    net = make_network(layer_sizes, scale=scale, hidden="sigmoid", output="tanh", dtype=dtype)
    X = uniform(1, (130, layer_sizes[0])).astype(dtype)
    y = uniform(2, (130, layer_sizes[-1]), 1.5, 2.0).astype(dtype)
    compare(net.gradients(X, y, loss="mse"), oracle_gradients(net, X, y, "mse", np.float64), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer_sizes", [(128, 128), (129, 130, 128), (145, 400, 131)])
def test_few_rows_and_many_go_back_with_the_same_bits(layer_sizes, dtype):
    """Few by a transposed copy of W, many by W itself; twice the rows make every delta half as large, exactly."""
    net = make_network(layer_sizes, scale=0.1, hidden="tanh", dtype=dtype)
    X, y = uniform(1, (64, layer_sizes[0])).astype(dtype), uniform(2, (64, layer_sizes[-1])).astype(dtype)
    few, many = (net.gradients(X[:n], y[:n], loss="half_squared_error") for n in (16, 64))
    np.testing.assert_array_equal(few.inputs, 4 * many.inputs[:16])
    for a, b in zip(few.deltas, many.deltas, strict=True):
        np.testing.assert_array_equal(a, 4 * b[:16])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.float32, np.float64])
def test_class_indices_are_rows_of_zeros_and_a_one(kind, dtype):
    net = make_network((4, 5, 6), hidden="elu", output="softmax", dtype=dtype)
    X = uniform(1, (20, 4)).astype(dtype)
    classes = np.arange(20) % 6
    rows = np.eye(6)[classes]
    expected = oracle_gradients(net, X, rows, "cross_entropy")
    compare(net.gradients(X, classes.astype(kind)), expected, dtype)
    compare(net.gradients(X, rows.astype(kind)), expected, dtype)


@pytest.mark.parametrize("threshold", [0.1, 0.75, 5.0])
def test_huber_with_another_threshold(threshold):
    net = make_network((3, 4, 2), dtype="float64", hidden="tanh")
    X, y = uniform(1, (30, 3)), targets("huber", 2, 30, 2)
    expected = oracle_gradients(net, X, y, "huber", threshold=threshold)
    compare(net.gradients(X, y, loss=bp.Huber(threshold=threshold)), expected, "float64")


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_quantiles_of_several_levels(level):
    net = make_network((3, 4, 2), dtype="float64", hidden="tanh")
    X, y = uniform(1, (30, 3)), targets("quantile", 2, 30, 2)
    expected = oracle_gradients(net, X, y, "quantile", level=level)
    compare(net.gradients(X, y, loss=bp.Quantile(level=level)), expected, "float64")
    if level == 0.5:
        assert_same_bits(net.gradients(X, y, loss="quantile").inputs, net.gradients(X, y, loss=bp.Quantile()).inputs)


def outputs_of(values, output="identity", dtype="float64"):
    """A network whose outputs are f of these numbers, whatever its input."""
    values = np.asarray(values, dtype)
    return bp.Network.from_arrays([np.zeros((1, values.size), dtype)], [values], hidden=(), output=output)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [*range(1, 20), 31, 32, 33, 65])
def test_losses_of_a_word_and_its_rest(count, dtype):
    """Every loss at every length of its last word, and the same however the rows are padded."""
    for loss, output in [*((loss, "identity") for loss in oracle.REGRESSION_LOSSES), ("poisson", "exp")]:
        net = outputs_of(uniform(1, count, -2, 2), output, dtype)
        X, y = np.zeros((3, 1), dtype), targets(loss, 2, 3, count).astype(dtype)
        compare(net.gradients(X, y, loss=loss), oracle_gradients(net, X, y, loss), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [bp.Quantile(level=0.75), "log_cosh", "mae"])
def test_residuals_of_any_size(loss, dtype):
    """By hand: far off each is a slope times the residual, less log 2 where it is a hyperbola."""
    for r in (1e30, -1e30, 1e4, -1e4):
        above, below = (0.25, 0.75) if isinstance(loss, bp.Quantile) else (1.0, 1.0)
        expected = above * r if r > 0 else below * -r
        found = outputs_of([r], dtype=dtype).gradients(np.zeros(1), [0.0], loss=loss)
        shift = np.log(2) if loss == "log_cosh" else 0.0
        assert found.loss == pytest.approx(expected - shift, rel=1e-6 if dtype == "float32" else 1e-14)
        assert found.deltas[0][0] == (above if r > 0 else -below)


@pytest.mark.parametrize("dtype", DTYPES)
def test_log_cosh_near_zero_is_half_the_square(dtype):
    """log cosh r = r^2/2 - r^4/12 + ..., where |r| - log 2 + log1p(e^-2|r|) would leave rounding only."""
    for r in (1e-3, -3e-4, 1e-6, 1e-12):
        value = outputs_of([r], dtype=dtype).loss(np.zeros(1), [0.0], loss="log_cosh")
        assert value == pytest.approx(r * r / 2 - r**4 / 12, rel=1e-6 if dtype == "float32" else 1e-14)
    assert outputs_of([0.0], dtype=dtype).loss(np.zeros(1), [0.0], loss="log_cosh") == 0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("y", [0.0, 1.0, 3.5, 1e30])
@pytest.mark.parametrize("z", [-200.0, -1e4, -0.5, 0.0, 80.0])
def test_poisson_is_computed_from_z(z, y, dtype):
    """Where a = e^z is 0, log(y / a) would be infinite."""
    net = outputs_of([z], "exp", dtype)
    found, tolerance = net.gradients(np.zeros((1, 1)), [[y]], loss="poisson"), 1e-5 if dtype == "float32" else 1e-12
    y = np.dtype(dtype).type(y).astype(np.longdouble)
    a = np.exp(np.longdouble(z))
    expected = y * (np.log(y) - z) - y + a if y > 0 else a
    assert abs(found.loss - expected) <= tolerance * expected + np.finfo(dtype).tiny
    assert abs(found.deltas[0][0, 0] - (a - y)) <= tolerance * (a + y) + np.finfo(dtype).tiny


def test_poisson_beyond_the_numbers():
    """e^200 is a float64 and no float32: there the loss is infinite, as it must be."""
    assert outputs_of([200.0], "exp").loss(np.zeros(1), [3.0], loss="poisson") == pytest.approx(
        np.exp(200.0), rel=1e-12
    )
    assert outputs_of([200.0], "exp", "float32").loss(np.zeros(1), [3.0], loss="poisson") == np.inf
    trainer = bp.Trainer(outputs_of([200.0], "exp", "float32"), loss="poisson")
    with pytest.raises(bp.DivergenceError):
        trainer.step(np.zeros((1, 1), "f4"), np.ones((1, 1), "f4"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_poisson_near_its_minimum(dtype):
    """y (e^d - 1 - d) = y d^2 / 2 (1 + d / 3 + ...): not the rounding of y log(y / a) - y + a, and never below 0."""
    y = np.dtype(dtype).type(7.0)
    z = np.log(y, dtype=dtype)
    for d in (0.0, 1e-2, -1e-2, 1e-3):
        moved = np.dtype(dtype).type(z + d)
        exact = np.longdouble(moved) - np.log(np.longdouble(y))
        value = outputs_of([moved], "exp", dtype).loss(np.zeros(1), [float(y)], loss="poisson")
        assert value >= 0
        tolerance = {"float32": 2e-6, "float64": 1e-14}[dtype] * abs(exact) * 7 + np.finfo(dtype).eps ** 2
        assert abs(value - y * (np.expm1(exact) - exact)) <= tolerance


@pytest.mark.parametrize("weighted", [False, True])
def test_poisson_is_the_loss_of_scikit_learn(weighted):
    reference = pytest.importorskip("sklearn.neural_network._base").poisson_loss
    net = make_network((4, 6, 3), hidden="tanh", output="exp", dtype="float64")
    X, y = uniform(1, (200, 4)), targets("poisson", 2, 200, 3)
    w = uniform(3, 200, 0.1, 2.0) if weighted else None
    assert net.loss(X, y, loss="poisson", sample_weight=w) == pytest.approx(reference(y, net.predict(X), w), rel=1e-13)


@pytest.mark.parametrize(("loss", "output"), [("quantile", "identity"), ("log_cosh", "tanh"), ("poisson", "exp")])
def test_a_target_that_is_missing_adds_nothing(loss, output):
    """Of two outputs that share no weight, the one without targets stays, and the loss is half that of the other."""
    net = make_network((3, 2), output=output, dtype="float64")
    X, y = uniform(1, (9, 3)), targets(loss, 2, 9, 2)
    y[:, 1] = np.nan
    alone = bp.Network.from_arrays([net.weights[0][:, :1]], [net.biases[0][:1]], hidden=(), output=output)
    before, value = net.weights[0].copy(), alone.loss(X, y[:, 0], loss=loss)
    trainer = bp.Trainer(net, loss=loss)
    status, found, _ = trainer._state.step(
        trainer._recipe(), Data(X, y, missing=True), trainer._engine_objective(), 1, 0.1
    )
    assert status == 0
    assert_close(found, value if loss == "poisson" else value / 2, 1e-14)
    assert_same_bits(net.weights[0][:, 1].copy(), before[:, 1].copy())
    assert (net.weights[0][:, 0] != before[:, 0]).all()


@pytest.mark.parametrize(
    ("output", "loss"),
    [("softmax", "cross_entropy"), ("sigmoid", "half_squared_error"), ("relu", "half_squared_error")],
)
def test_the_automatic_loss(output, loss):
    net = make_network((3, 4, 2), output=output, dtype="float64")
    X, y = uniform(1, (9, 3)), targets(loss, 2, 9, 2)
    assert net.loss(X, y) == net.loss(X, y, loss=loss)
    for automatic, named in zip(arrays_of(net.gradients(X, y)), arrays_of(net.gradients(X, y, loss=loss)), strict=True):
        assert_same_bits(automatic, named)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
def test_entropies_are_computed_from_z(loss, dtype):
    """Where a is 0 or 1 to the last bit, log a would be infinite."""
    output = "sigmoid" if loss == "binary_cross_entropy" else "softmax"
    net = bp.Network.from_arrays([np.eye(2, dtype=dtype)], [np.zeros(2, dtype)], hidden=(), output=output)
    X = np.array([[300.0, -300.0], [-300.0, 300.0], [300.0, -300.0]])
    y = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    assert_close(net.loss(X, y, loss=loss), 200.0 if loss == "cross_entropy" else 100.0, TOLERANCE[dtype])
    compare(net.gradients(X, y, loss=loss), oracle_gradients(net, X, y, loss), dtype)


@pytest.mark.parametrize(
    ("output", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("identity", 1.0), ("softsign", 1.0)]
)
def test_at_a_kink_the_derivative_from_the_left(output, slope):
    net = bp.Network.from_arrays([np.ones((1, 1))], [np.zeros(1)], hidden=(), output=output)
    gradients = net.gradients(np.zeros((1, 1)), np.array([[-2.0]]), loss="half_squared_error")
    assert gradients.deltas[0].tolist() == [[2.0 * slope]]


def test_the_derivative_of_the_absolute_value_at_zero_is_zero():
    net = bp.Network.from_arrays([np.ones((1, 1))], [np.zeros(1)], hidden=(), output="identity")
    for loss in ("mae", "quantile", bp.Quantile(level=0.9)):
        assert net.gradients(np.array([[3.0]]), np.array([[3.0]]), loss=loss).deltas[0].tolist() == [[0.0]]


@pytest.mark.parametrize("loss", ["half_squared_error", "cross_entropy"])
def test_one_row_drops_the_row_axis(loss):
    net = make_network((4, 5, 3), output="softmax" if loss == "cross_entropy" else "tanh", dtype="float64")
    X, y = uniform(1, (1, 4)), targets(loss, 2, 1, 3)
    many, one = net.gradients(X, y, loss=loss), net.gradients(X[0], y[0], loss=loss)
    assert one.loss == many.loss == net.loss(X[0], y[0], loss=loss)
    assert [delta.shape for delta in one.deltas] == [(5,), (3,)]
    assert one.inputs.shape == (4,)
    for a, b in zip(arrays_of(one), arrays_of(many), strict=True):
        assert_same_bits(a.ravel(), b.ravel())


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_written_by_hand_count_at_once(dtype):
    """Also in the way back, where the transposed weights are used, and after training."""
    net = make_network((5, 9, 6, 2), hidden="tanh", dtype=dtype)
    X, y = uniform(1, (20, 5)).astype(dtype), uniform(2, (20, 2), 1.0, 2.0).astype(dtype)
    trainer = bp.Trainer(net, optimizer="adam", seed=0)
    trainer.fit(X, y, epochs=3)
    views = net.weights
    for l, W in enumerate(views):
        W[...] = uniform(10 + l, W.shape)
    compare(net.gradients(X, y), oracle_gradients(net, X, y, "half_squared_error"), dtype)
    trainer.fit(X, y, epochs=1)
    compare(net.gradients(X, y), oracle_gradients(net, X, y, "half_squared_error"), dtype)


def rows_away_from_kinks(net, loss, n, n_in, m):
    """X and y, rows near a kink drawn again: of a z of relu and kin, of a residual of mae, quantile and huber."""
    X, y = uniform(5, (n, n_in)), targets(loss, 6, n, m)
    for redraw in range(100):
        z, a = oracle_forward(net, X)
        names = [*oracle_names(net), net.output]
        sizes = [np.abs(values) for values, name in zip(z, names, strict=True) if name in ("relu", "leaky_relu", "elu")]
        residual = np.abs(a[-1] - y)
        sizes += {"mae": [residual], "quantile": [residual], "huber": [np.abs(residual - 1)]}.get(loss, [])
        near = [s for s in range(n) if any((size[s] < KINK).any() for size in sizes)]
        if not near:
            return X, y
        X[near], y[near] = uniform(700 + redraw, (len(near), n_in)), targets(loss, 800 + redraw, len(near), m)
    raise AssertionError("no rows away from the kinks in 100 draws")


def oracle_names(net):
    return [net.hidden] * (len(net.weights) - 1) if isinstance(net.hidden, str) else net.hidden


def difference_by_parameters(net, X, y, loss, sample_weight):
    vector = net.get_parameters()

    def value():
        net.set_parameters(vector)
        return net.loss(X, y, loss=loss, sample_weight=sample_weight)

    difference = oracle.numeric_gradient(value, vector)
    net.set_parameters(vector)
    return difference


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", BIAS_MODES)
@pytest.mark.parametrize(("hidden", "loss", "output"), CASES)
def test_against_central_differences(hidden, loss, output, bias, weighted):
    net = make_network((3, 4, 2), seed=8, hidden=hidden, output=output, bias=bias, dtype="float64")
    X, y = rows_away_from_kinks(net, loss, 7, 3, 2)
    sample_weight = uniform(9, 7, 0.1, 2.0) if weighted else None
    gradients = net.gradients(X, y, loss=loss, sample_weight=sample_weight)
    difference = difference_by_parameters(net, X, y, loss, sample_weight)
    start = 0
    for array in (gradients.weights[0], gradients.biases[0], gradients.weights[1], gradients.biases[1]):
        part = difference[start : start + array.size].reshape(array.shape)
        start += array.size
        largest = np.abs(array).max() if array.size else 0.0
        assert (np.abs(array - part) <= 1e-6 * (np.abs(part) + largest + 1e-3)).all()
    by_inputs = oracle.numeric_gradient(lambda: net.loss(X, y, loss=loss, sample_weight=sample_weight), X)
    largest = np.abs(gradients.inputs).max()
    assert (np.abs(gradients.inputs - by_inputs) <= 1e-6 * (np.abs(by_inputs) + largest + 1e-3)).all()


# Where both halves of a pair have a partner of their own, naming either is right.
WRONG_PAIRS = [
    *((loss, "softmax", "cross_entropy") for loss in oracle.REGRESSION_LOSSES),
    *(("binary_cross_entropy", output, "sigmoid") for output in oracle.ACTIVATIONS if output != "sigmoid"),
    *(("cross_entropy", output, "softmax") for output in oracle.ACTIVATIONS),
    *(("poisson", output, "exp") for output in oracle.ACTIVATIONS if output != "exp"),
    ("poisson", "softmax", "use cross_entropy"),
    ("poisson", "sigmoid", "needs output exp, not sigmoid; for sigmoid use binary_cross_entropy"),
    ("binary_cross_entropy", "exp", "needs output sigmoid, not exp; for exp use poisson"),
    ("binary_cross_entropy", "softmax", "sigmoid|use cross_entropy"),
]


@pytest.mark.parametrize(("loss", "output", "right"), WRONG_PAIRS)
def test_a_pair_not_in_the_table_names_the_right_one(loss, output, right):
    net = make_network((3, 2), output=output)
    X, y = uniform(1, (4, 3)), uniform(2, (4, 2), 0.1, 0.9)
    for refused in (
        lambda: net.loss(X, y, loss=loss),
        lambda: net.gradients(X, y, loss=loss),
        lambda: bp.Trainer(net, loss=loss),
    ):
        with pytest.raises(ValueError, match=right) as caught:
            refused()
        assert loss in str(caught.value)
        assert output in str(caught.value)

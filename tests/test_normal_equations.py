"""J^T J, J^T r and their damped solution against longdouble NumPy, central differences and numbers worked by hand."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from bp_core import _dispatch, _engine_f32, _engine_f64, _parameters, losses
from bp_core._targets import Data
from engine_calls import SPOILT
from support import (
    BAD_TYPE,
    DTYPES,
    TOLERANCE,
    assert_close,
    assert_same_bits,
    make_network,
    oracle_parameter_jacobian,
    uniform,
)

ENGINES = {"float32": _engine_f32, "float64": _engine_f64}
EDGES = sorted({0, *(n + d for n in (8, 16, 24, 32, 48, 96, 120, 128, 192, 256, 512) for d in (-1, 0, 1))} - {0})
"""Sizes around every multiple of a word and every block of the factorisation, and 1 and 2."""

NETWORKS = [
    ((1, 1), (), "identity", "unit"),
    ((2, 3, 1), "sigmoid", "sigmoid", "layer"),
    ((3, 9, 4), "tanh", "tanh", "layer"),
    ((20, 8, 3), "gelu", "sigmoid", ("none", "unit")),
    ((40, 5, 2), "relu", "identity", "none"),
    ((5, 7, 6, 11), "softplus", "softsign", "unit"),
]


def equations(net, X, y, loss="half_squared_error", *, weights=None, l2=0.0, missing=False, sizes=None):
    """The engine's answer: loss, norm of the gradient, J^T J and J^T r."""
    size, stride = net._engine.normal_equations_shape(net._plan)
    matrix = _parameters.zeros(size * stride, net.dtype)
    objective = losses.objective(loss, 1.0, net.layer_sizes[-1])
    data = Data(X, y, None, weights, sizes, missing)
    status, _, value, norm = net._engine.normal_equations(
        net._plan, net._parameters, data, objective, (l2, False), matrix
    )
    assert status == 0
    rows = matrix.reshape(size, stride)
    return value, norm, np.triu(rows[:, :size]), rows[:, size].copy()


def reference(net, X, y, loss="half_squared_error", *, weights=None, l2=0.0):
    """The same in longdouble from the oracle; a NaN in y is a residual that is not there."""
    X, y = X.astype(np.longdouble), y.astype(np.longdouble)
    n, m = y.shape
    J = oracle_parameter_jacobian(net, X)
    share = np.ones((n, 1)) if weights is None else weights[:, None]
    share = share / n * (np.longdouble(2) / m if loss == "mse" else 1) * np.ones((n, m))
    r = oracle.forward(*parts(net), X)[1][-1] - y
    share, r = np.where(np.isnan(y), 0, share), np.where(np.isnan(y), 0, r)
    is_weight = np.concatenate(
        [np.repeat([1.0, 0.0], [W.size, b.size]) for W, b in zip(net.weights, net.biases, strict=True)]
    )
    p = net.get_parameters().astype(np.longdouble)
    N = np.einsum("sjp,sj,sjq->pq", J, share, J) + np.diag(l2 * is_weight)
    g = np.einsum("sjp,sj->p", J, share * r) + l2 * is_weight * p
    return (share * r**2).sum() / 2 + l2 / 2 * (is_weight * p**2).sum(), np.triu(N), g


def parts(net):
    arrays = [[array.astype(np.longdouble) for array in arrays] for arrays in (net.weights, net.biases)]
    hidden = [net.hidden] * (len(net.weights) - 1) if isinstance(net.hidden, str) else list(net.hidden)
    return *arrays, hidden, net.output


def check(net, X, y, loss="half_squared_error", tolerance=1, **options):
    value, norm, N, g = equations(net, X, y, loss, **options, missing=bool(np.isnan(y).any()))
    expected_value, expected_N, expected_g = reference(net, X, y, loss, **options)
    limit = tolerance * TOLERANCE[net.dtype.name]
    assert_close(N, expected_N, limit)
    assert_close(g, expected_g, limit)
    assert_close(value, expected_value, limit)
    assert_close(norm, np.sqrt((expected_g**2).sum()), limit)


# ---- worked by hand ----


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_line_by_hand(isa, dtype):
    """a = 2 x + 1 on x = 1, 3 with y = 2, 9: r = (1, -2), J = [[1, 1], [3, 1]], all over n = 2."""
    net = bp.Network.from_arrays([np.array([[2.0]], dtype)], [np.array([1.0], dtype)], hidden=(), output="identity")
    X, y = np.array([[1.0], [3.0]], dtype), np.array([[2.0], [9.0]], dtype)
    value, norm, N, g = equations(net, X, y)
    assert_close(N, [[5.0, 2.0], [0.0, 1.0]], TOLERANCE[dtype])
    assert_close(g, [-2.5, -0.5], TOLERANCE[dtype])
    assert value == 1.25
    assert norm == pytest.approx(np.sqrt(6.5), rel=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_solution_by_hand(isa, dtype):
    """[[4, 2], [2, 3]] with damping 0 has the factors [[2, 1], [0, sqrt 2]]; for (8, 8) the solution is (1, 2)."""
    ok, U, x = solve(np.array([[4.0, 2.0], [2.0, 3.0]]), np.array([8.0, 8.0]), 0.0, dtype)
    assert ok
    assert_close(U, [[2.0, 1.0], [0.0, np.sqrt(2)]], TOLERANCE[dtype])
    assert_close(x, [1.0, 2.0], TOLERANCE[dtype])


# ---- the equations against the oracle ----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", ["half_squared_error", "mse"])
@pytest.mark.parametrize(("sizes", "hidden", "output", "bias"), NETWORKS, ids=str)
def test_every_kind_of_layer(isa, sizes, hidden, output, bias, loss, dtype):
    net = make_network(sizes, hidden=hidden, output=output, bias=bias, dtype=dtype)
    X, y = uniform(1, (37, sizes[0])).astype(dtype), uniform(2, (37, sizes[-1])).astype(dtype)
    check(net, X, y, loss, weights=uniform(3, 37, 0.0, 2.0), l2=0.125)


@pytest.mark.parametrize("n", [1, 2, 127, 128, 129, 255, 513, 700])
@pytest.mark.parametrize("outputs", [1, 3, 5])
def test_any_number_of_rows_and_outputs(isa, n, outputs):
    """Rows of J are collected in blocks of 128 and added 512 at a time."""
    net = make_network((3, 4, outputs), hidden="tanh", dtype="float64")
    check(net, uniform(1, (n, 3)), uniform(2, (n, outputs)), tolerance=4)


@pytest.mark.parametrize("sizes", [(46, 1), (47, 1), (48, 1), (6, 13, 1), (15, 15, 2), (31, 16)], ids=str)
def test_parameters_around_the_blocks_of_the_triangle(isa, sizes):
    net = make_network(sizes, hidden="tanh", dtype="float64", scale=0.3)
    check(net, uniform(1, (20, sizes[0])), uniform(2, (20, sizes[-1])))


def test_missing_targets_have_no_row(isa):
    net = make_network((3, 5, 2), hidden="tanh", output="sigmoid", dtype="float64")
    X, y = uniform(1, (150, 3)), uniform(2, (150, 2))
    y[::7, 0] = y[3::5, 1] = np.nan
    check(net, X, y, "mse")


def test_the_gradient_is_the_networks(isa):
    """J^T r is what backpropagation gives, in another order of additions."""
    net = make_network((4, 6, 3), hidden="silu", output="tanh", dtype="float64")
    X, y = uniform(1, (200, 4)), uniform(2, (200, 3))
    _, _, _, g = equations(net, X, y, "mse")
    gradients = net.gradients(X, y, loss="mse")
    assert_close(g, _parameters.join(gradients.weights, gradients.biases), 1e-13)


# ---- the solution ----


def solve(N, g, damping, dtype, relative=False):
    """The engine's factors and solution."""
    engine, size = ENGINES[dtype], len(g)
    stride = stride_of(engine, size)
    matrix, factors = (_parameters.zeros(size * stride, np.dtype(dtype)) for _ in range(2))
    rows = matrix.reshape(size, stride)
    rows[:, :size], rows[:, size] = np.triu(N), g
    step = np.full(stride, np.nan, dtype)
    ok = engine.solve_damped(size, matrix, damping, relative, factors, step)
    return ok, np.triu(factors.reshape(size, stride)[:, :size]), step[:size]


def stride_of(engine, size):
    found, stride = engine.normal_equations_shape(_parameters.make_plan((size, 1), [0], [0]))
    assert found == size
    return stride


def positive_definite(size):
    A = uniform(size, (size + 3, size))
    return A.T @ A, uniform((size, 1), size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", EDGES)
def test_the_factors_and_the_solution(isa, size, dtype):
    """Backward stable: U^T U is the matrix and the solution's residual is small, in units of the last place."""
    N, g = positive_definite(size)
    ok, U, x = solve(N, g, 0.5, dtype)
    assert ok
    unit = size * np.finfo(dtype).eps
    damped = N.astype(dtype).astype(np.float64) + 0.5 * np.eye(size)
    U, x = U.astype(np.float64), x.astype(np.float64)
    assert np.abs(U.T @ U - damped).max() <= unit * np.abs(damped).max()
    scale = np.abs(damped).sum(axis=1).max() * np.abs(x).max() + np.abs(g).max()
    assert np.abs(damped @ x - g).max() <= 4 * unit * scale


@pytest.mark.parametrize("size", [1, 7, 24, 25, 97, 130])
def test_the_factors_against_numpy(isa, size):
    N, g = positive_definite(size)
    damped = N + 0.5 * np.eye(size)
    _, U, x = solve(N, g, 0.5, "float64")
    assert_close(U, np.linalg.cholesky(damped).T, 1e-12)
    assert_close(x, np.linalg.solve(damped, g), 1e-11)


def test_damping_relative_to_the_diagonal(isa):
    """A diagonal of 0, as a unit that takes no part has, is damped as by the identity."""
    N, g = np.diag([8.0, 0.0, 2.0]), np.array([4.0, 0.0, 3.0])
    ok, _, x = solve(N, g, 1.0, "float64", relative=True)
    assert ok
    assert x.tolist() == [0.25, 0.0, 0.75]


@pytest.mark.parametrize("size", [1, 2, 24, 25, 100])
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_pivot_that_is_not_positive_and_finite(isa, size, bad):
    N, g = np.eye(size), np.ones(size)
    N[-1, -1] = bad
    assert not solve(N, g, 0.0, "float64")[0]


def test_a_singular_matrix_is_solved_with_damping(isa):
    """Rank 3 of 50: (J^T J + mu)^-1 J^T r by the dual formula J^T (J J^T + mu)^-1 r."""
    J, r = uniform(1, (3, 50)), uniform(2, 3)
    ok, _, x = solve(J.T @ J, J.T @ r, 1e-3, "float64")
    assert ok
    assert_close(x, J.T @ np.linalg.solve(J @ J.T + 1e-3 * np.eye(3), r), 1e-10)


FMA_LEVELS = [level for level in _dispatch.levels() if level != "base"]


@pytest.mark.skipif(len(FMA_LEVELS) < 2, reason="needs two levels with FMA")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", EDGES)
def test_two_levels_agree(size, dtype):
    before, found = bp.isa(), []
    try:
        for level in FMA_LEVELS:
            _dispatch.switch(level)
            found.append(solve(*positive_definite(size), 0.5, dtype))
    finally:
        _dispatch.switch(before)
    for _, U, x in found[1:]:
        assert_same_bits(U, found[0][1])
        assert_same_bits(x, found[0][2])


# ---- what the engine refuses ----


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("which", range(3))
def test_spoilt_arrays_of_a_solution(engine, kind, which):
    size = 5
    stride = stride_of(engine, size)
    arrays = [np.zeros(n, engine.DTYPE) for n in (size * stride, size * stride, stride)]
    if which == 0 and kind == "read-only":
        return
    arrays[which] = SPOILT[kind](arrays[which])
    with pytest.raises((*BAD_TYPE, BufferError)):
        engine.solve_damped(size, arrays[0], 1.0, False, arrays[1], arrays[2])


@pytest.mark.parametrize("size", [0, -1, 2**31, 2**62])
def test_a_size_that_is_none(size):
    room = np.zeros(100)
    with pytest.raises((ValueError, OverflowError)):
        _engine_f64.solve_damped(size, room, 1.0, False, room.copy(), room.copy())


@pytest.mark.parametrize("kind", SPOILT)
@pytest.mark.parametrize("which", ["parameters", "matrix", "step", "trial"])
def test_spoilt_arrays_of_the_equations(kind, which):
    net = make_network((3, 4, 2), hidden="tanh", dtype="float64")
    size, stride = net._engine.normal_equations_shape(net._plan)
    data, objective = Data(uniform(1, (9, 3)), uniform(2, (9, 2))), losses.objective("mse", 1.0, 2)
    arrays = {
        "parameters": net._parameters.copy(),
        "matrix": np.zeros(size * stride),
        "step": np.zeros(size),
        "trial": net._parameters.copy(),
    }
    if which in ("parameters", "step") and kind == "read-only":
        return
    arrays[which] = SPOILT[kind](arrays[which])
    with pytest.raises((*BAD_TYPE, BufferError)):
        net._engine.normal_equations(net._plan, arrays["parameters"], data, objective, (0.0, False), arrays["matrix"])
        net._engine.loss_behind(
            net._plan, arrays["parameters"], arrays["step"], arrays["trial"], data, objective, (0.0, False)
        )


@pytest.mark.parametrize("loss", ["mae", "huber", "binary_cross_entropy"])
def test_only_squared_errors(loss):
    net = make_network((3, 2), output="sigmoid", dtype="float64")
    with pytest.raises(ValueError, match="squared error"):
        equations(net, uniform(1, (9, 3)), uniform(2, (9, 2), 0.0, 1.0), loss)

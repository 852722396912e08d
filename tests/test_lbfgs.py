"""LBFGS against SciPy on the oracle's loss and gradient, and as an optimizer of Trainer.fit."""

import numpy as np
import pytest

import bp_core as bp
import oracle
from bp_core import _parameters
from support import assert_close, assert_same_bits, make_network, oracle_gradients, run_python, targets, uniform

optimize = pytest.importorskip("scipy.optimize")


def problem(loss="half_squared_error", output="identity", n=60):
    net = make_network((4, 7, 3), hidden="tanh", output=output, dtype="float64")
    return net, uniform(1, (n, 4)), targets(loss, 2, n, 3)


def trainer_of(net, *, loss="auto", l2=0.0, l1=0.0, **settings):
    return bp.Trainer(net, optimizer=bp.LBFGS(**settings), loss=loss, l2=l2, l1=l1)


def reference(net, X, y, loss, l2, epochs, weights=None):
    """SciPy's iterates on the oracle's loss and gradient: parameters at the end, losses from the start on."""
    copy, losses = net.copy(), []

    def loss_and_gradient(p):
        copy.set_parameters(p)
        found = oracle_gradients(copy, X, y, loss, np.float64, sample_weight=weights)
        grad_W = [grad + l2 * W for grad, W in zip(found.weights, copy.weights, strict=True)]
        value = found.loss + l2 / 2 * sum((W**2).sum() for W in copy.weights)
        return float(value), _parameters.join(grad_W, found.biases)

    losses.append(loss_and_gradient(net.get_parameters())[0])
    result = optimize.minimize(
        loss_and_gradient,
        net.get_parameters(),
        jac=True,
        method="L-BFGS-B",
        callback=lambda intermediate_result: losses.append(intermediate_result.fun),
        options={"maxiter": epochs},
    )
    return result.x, losses


@pytest.mark.parametrize(("loss", "output"), [pair for pair in oracle.PAIRS if pair[1] in ("sigmoid", "softmax")])
def test_ten_epochs_of_scipy(loss, output):
    net, X, y = problem(loss, output)
    weights = uniform(3, 60, 0.5, 2.0)
    p, losses = reference(net, X, y, loss, 0.01, 10, weights)
    history = trainer_of(net, loss=loss, l2=0.01).fit(X, y, epochs=10, sample_weight=weights)
    assert_close(net.get_parameters(), p, 1e-6)
    assert_close(history.loss, losses[:10], 1e-6)
    assert history.stop_reason == "epochs"
    assert history.index == list(range(10))


def test_l1_is_part_of_the_loss_and_the_gradient():
    net, X, y = problem()
    expected = net.loss(X, y) + 0.01 * sum(np.abs(W).sum() for W in net.weights)
    history = trainer_of(net, l1=0.01).fit(X, y, epochs=30)
    assert_close(history.loss[0], expected, 1e-12)
    assert history.loss[-1] < 0.8 * history.loss[0]


def test_why_it_stops():
    net, X, y = problem()
    flat = trainer_of(net.copy(), l2=0.1, min_gradient=1e-3, min_improvement=0.0).fit(X, y, epochs=5000)
    assert flat.stop_reason == "min_gradient"
    slow = trainer_of(net.copy(), l2=0.1, min_gradient=0.0, min_improvement=1e-4).fit(X, y, epochs=5000)
    assert slow.stop_reason == "min_improvement"
    assert slow.loss[-2] - slow.loss[-1] > 1e-4 * max(1, slow.loss[-1])
    few = trainer_of(net.copy(), max_evaluations=5).fit(X, y, epochs=5000)
    assert few.stop_reason == "max_evaluations"
    target = trainer_of(net.copy()).fit(X, y, epochs=5000, target_loss=0.9)
    assert target.stop_reason == "target_loss"
    assert target.loss[-1] <= 0.9 < target.loss[-2]
    called = trainer_of(net.copy()).fit(X, y, epochs=5000, callbacks=[lambda epoch: epoch.index == 3])
    assert (called.stop_reason, len(called)) == ("callback", 4)


def test_a_start_that_is_an_end():
    net = bp.Network((2, 1), init="zeros", dtype="float64")
    history = trainer_of(net).fit(np.eye(2), np.zeros((2, 1)), epochs=5)
    assert (history.stop_reason, history.loss) == ("min_gradient", [0.0])
    assert not net.get_parameters().any()


def test_patience_restores_the_best():
    net, X, y = problem()
    held_out = uniform(5, (9, 4)), targets("mse", 6, 9, 3)
    history = trainer_of(net).fit(X, y, epochs=5000, validation_data=held_out, patience=5)
    assert history.stop_reason == "patience"
    assert net.loss(*held_out) == min(history.validation_loss)


def test_float32_trains_too():
    net = make_network((4, 7, 3), hidden="tanh", dtype="float32")
    _, X, y = problem()
    history = trainer_of(net, l2=0.01).fit(X, y, epochs=100)
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_interrupted_in_a_line_search():
    """Ctrl-C between two looks at the loss: the network holds the end of an iteration, not a trial of the search."""
    net, X, y = problem()
    seen = []

    def keep(epoch):
        seen.append(epoch.network.get_parameters())
        if len(seen) == 3:
            raise KeyboardInterrupt

    trainer = trainer_of(net)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, y, epochs=50, callbacks=[keep])
    assert (trainer.history.stop_reason, len(trainer.history)) == ("interrupted", 3)
    assert_same_bits(net.get_parameters(), seen[-1])


def test_a_number_that_is_not_finite_is_named():
    net, X, y = problem()
    before = net.get_parameters()
    X[17, 2] = np.inf
    with pytest.raises(ValueError, match=r"X\[17, 2\] is inf"):
        trainer_of(net).fit(X, y, epochs=3)
    assert_same_bits(net.get_parameters(), before)


def test_a_loss_that_is_not_finite_diverges():
    net = make_network((3, 2), dtype="float32")
    net.weights[0][...] = 1e30
    with pytest.raises(bp.DivergenceError, match=r"in epoch 0; .*; try scaled inputs$"):
        trainer_of(net).fit(np.full((4, 3), 1e30), np.zeros((4, 2)), epochs=3)


@pytest.mark.parametrize(
    "settings",
    [{"memory": 0}, {"memory": 1.5}, {"max_evaluations": 0}, {"min_gradient": -1.0}, {"min_improvement": np.nan}],
    ids=str,
)
def test_settings_outside_their_range(settings):
    ((name, _),) = settings.items()
    with pytest.raises(ValueError, match=name):
        bp.LBFGS(**settings)


def test_what_a_trainer_refuses():
    net = make_network((3, 2))
    with pytest.raises(ValueError, match=r"clip_norm is 1\.0; LBFGS"):
        bp.Trainer(net, clip_norm=1.0, optimizer="lbfgs")
    with pytest.raises(ValueError, match="LBFGS takes all rows at once"):
        bp.Trainer(net, optimizer="lbfgs").step(np.zeros((1, 3)), np.zeros((1, 2)))


def test_without_scipy_the_extra_is_named():
    code = """
import sys
sys.modules["scipy.optimize"] = None
import bp_core as bp
try:
    bp.Trainer(bp.Network((1, 1)), optimizer="lbfgs").fit([[1.0]], [[1.0]], epochs=1)
except ImportError as error:
    print(error)
"""
    assert "bp-core[lbfgs]" in run_python(code).stdout


def test_the_import_of_the_package_leaves_scipy_alone():
    assert run_python("import sys, bp_core; print('scipy' in sys.modules)").stdout.strip() == "False"


def test_sparse_rows_train_as_dense_ones():
    net, X, y = problem()
    X[np.abs(X) < 0.7] = 0
    other = net.copy()
    dense = trainer_of(net).fit(X, y, epochs=10)
    sparse = trainer_of(other).fit(pytest.importorskip("scipy.sparse").csr_matrix(X), y, epochs=10)
    assert_close(sparse.loss, dense.loss, 1e-8)

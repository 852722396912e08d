"""LevenbergMarquardt against a trainer written in NumPy, and as an optimizer of Trainer.fit in every respect."""

import pickle

import numpy as np
import pytest

import bp_core as bp
import oracle
from support import DTYPES, assert_close, assert_same_bits, make_network, per_layer, uniform

pytestmark = pytest.mark.usefixtures("isa")


def problem(n=40, outputs=2, **options):
    net = make_network((3, 6, outputs), **{"hidden": "tanh", "dtype": "float64", "bias": "unit", **options})
    X = uniform(1, (n, 3))
    return net, X, np.sin(2 * X @ uniform(2, (3, outputs)))


def trainer_of(net, *, l2=0.0, loss="auto", **settings):
    return bp.Trainer(net, optimizer=bp.LevenbergMarquardt(**settings), loss=loss, l2=l2)


class Reference:
    """Levenberg-Marquardt with the oracle's derivatives and numpy.linalg."""

    def __init__(self, net, X, y, *, loss="half_squared_error", l2=0.0, weights=None, scaling="identity"):
        self.net, self.X, self.y, self.scaling = net.copy(), X, y, scaling
        n, m = y.shape
        share = np.ones(n) if weights is None else weights / weights.mean()
        self.share = np.repeat(share[:, None], m, axis=1) / n * (2 / m if loss == "mse" else 1)
        self.share[np.isnan(y)] = 0
        flags = [np.repeat([l2, 0.0], [W.size, b.size]) for W, b in zip(net.weights, net.biases, strict=True)]
        self.l2 = np.concatenate(flags)

    def residuals(self, p):
        self.net.set_parameters(p)
        weights, biases = list(self.net.weights), list(self.net.biases)
        parts = weights, biases, per_layer(self.net.hidden, len(weights) - 1), self.net.output
        J = oracle.parameter_jacobian(*parts, self.X)
        return np.nan_to_num(oracle.forward(*parts, self.X)[1][-1] - self.y), J

    def loss(self, p):
        r, _ = self.residuals(p)
        return 0.5 * (self.share * r**2).sum() + 0.5 * (self.l2 * p**2).sum()

    def run(self, epochs, damping=1e-3):
        p, losses, dampings = self.net.get_parameters(), [], []
        for _ in range(epochs):
            r, J = self.residuals(p)
            N = np.einsum("sjp,sj,sjq->pq", J, self.share, J) + np.diag(self.l2)
            g = np.einsum("sjp,sj->p", J, self.share * r) + self.l2 * p
            losses.append(self.loss(p))
            D = np.diag(np.diag(N)) if self.scaling == "diagonal" else np.eye(len(p))
            while self.loss(trial := p - np.linalg.solve(N + damping * D, g)) >= losses[-1]:
                damping *= 10
            dampings.append(damping)
            p, damping = trial, damping / 10
        return p, losses, dampings


@pytest.mark.parametrize(
    "options",
    [{}, {"loss": "mse"}, {"l2": 0.01}, {"weights": uniform(5, 40, 0.1, 3.0)}, {"scaling": "diagonal"}],
    ids=lambda options: next(iter(options), "plain"),
)
def test_twenty_epochs_of_a_reference(options):
    net, X, y = problem(bias="layer" if "l2" in options else "unit")
    p, losses, dampings = Reference(net, X, y, **options).run(20)
    options = dict(options)
    weights = options.pop("weights", None)
    history = trainer_of(net, **options).fit(X, y, epochs=20, sample_weight=weights)
    assert_close(net.get_parameters(), p, 1e-9)
    assert_close(history.loss, losses, 1e-9)
    assert_close(history.learning_rate, dampings, 1e-12)


def test_it_needs_few_epochs():
    """A noiseless teacher of the same shape is matched; Adam is nowhere near after as many epochs."""
    teacher, X, _ = problem(n=200)
    y = teacher.predict(X)
    net = make_network((3, 6, 2), seed=9, hidden="tanh", dtype="float64")
    adam = bp.Trainer(net.copy(), optimizer=bp.Adam(learning_rate=0.01), batch_size="full").fit(X, y, epochs=60)
    history = trainer_of(net).fit(X, y, epochs=60)
    assert history.loss[-1] < 0.01 * adam.loss[-1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_linear_network_is_solved_at_once(dtype):
    """Ordinary least squares: with next to no damping one step reaches numpy's solution."""
    net = make_network((4, 2), dtype=dtype)
    X, y = uniform(1, (50, 4)).astype(dtype), uniform(2, (50, 2)).astype(dtype)
    trainer_of(net, damping=1e-12).fit(X, y, epochs=1)
    solution = np.linalg.lstsq(np.column_stack([X, np.ones(50)]).astype(float), y.astype(float), rcond=None)[0]
    assert_close(np.vstack([net.weights[0], net.biases[0]]), solution, 1e-5 if dtype == "float32" else 1e-10)


def test_weights_are_repeated_rows():
    net, X, y = problem()
    weights = np.arange(40) % 3
    weighted, repeated = net.copy(), net.copy()
    trainer_of(weighted).fit(X, y, epochs=8, sample_weight=weights)
    trainer_of(repeated).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights, axis=0), epochs=8)
    assert_close(weighted.get_parameters(), repeated.get_parameters(), 1e-8)


def test_a_dead_unit_makes_j_singular():
    """A relu unit that is 0 on every row has derivatives 0: damping alone keeps the matrix regular."""
    net, X, y = problem(hidden="relu")
    net.biases[0][2] = -100.0
    dead = net.weights[0][:, 2].copy()
    history = trainer_of(net).fit(X, y, epochs=20)
    assert history.loss[-1] < 0.5 * history.loss[0]
    assert_same_bits(net.weights[0][:, 2], dead)


# ---- as any optimizer ----


def test_fit_continues():
    net, X, y = problem()
    other = net.copy()
    trainer = trainer_of(net)
    first, second = trainer.fit(X, y, epochs=2), trainer.fit(X, y, epochs=3)
    whole = trainer_of(other).fit(X, y, epochs=5)
    assert_same_bits(net.get_parameters(), other.get_parameters())
    assert first.loss + second.loss == whole.loss
    assert first.index + second.index == [0, 1, 2, 3, 4]


def test_the_batch_size_does_not_matter():
    net, X, y = problem()
    other = net.copy()
    trainer_of(net).fit(X, y, epochs=3)
    bp.Trainer(other, optimizer="levenberg_marquardt", batch_size=7, shuffle=False, seed=3).fit(X, y, epochs=3)
    assert_same_bits(net.get_parameters(), other.get_parameters())


def test_the_loss_of_an_epoch_is_before_its_update():
    net, X, y = problem()
    expected = net.loss(X, y) + 0.05 * sum((W**2).sum() for W in net.weights)
    history = trainer_of(net, l2=0.1).fit(X, y, epochs=1)
    assert_close(history.loss, [expected], 1e-13)


def test_the_smallest_gradient_stops():
    net, X, y = problem()
    history = trainer_of(net, min_gradient=1e-3, l2=0.01).fit(X, y, epochs=500)
    assert history.stop_reason == "min_gradient"
    before = net.get_parameters()
    assert trainer_of(net, min_gradient=1e-3, l2=0.01).fit(X, y, epochs=5).loss == history.loss[-1:]
    assert_same_bits(net.get_parameters(), before)


def test_the_largest_damping_stops():
    """At the least loss there is no step lowers it: the parameters stay, and the next fit begins afresh."""
    net = make_network((3, 1), dtype="float64")
    X, y = uniform(1, (20, 3)), uniform(2, 20)
    trainer = trainer_of(net, min_gradient=0.0)
    history = trainer.fit(X, y, epochs=500)
    assert history.stop_reason == "max_damping"
    assert history.learning_rate[-1] > 1e10
    assert_same_bits(history.loss[-1], net.loss(X, y))
    before = net.get_parameters()
    assert trainer.fit(X, y, epochs=3).stop_reason == "max_damping"
    assert_same_bits(net.get_parameters(), before)


def test_target_patience_callbacks_and_validation():
    net, X, y = problem()
    start = net.copy()
    seen = []
    history = trainer_of(net).fit(X, y, epochs=50, target_loss=0.01, callbacks=[lambda epoch: seen.append(epoch.loss)])
    assert history.stop_reason == "target_loss"
    assert history.loss == seen
    assert history.loss[-1] <= 0.01 < history.loss[-2]

    history = trainer_of(start.copy()).fit(X, y, epochs=50, callbacks=[lambda epoch: epoch.index == 2])
    assert (history.stop_reason, len(history)) == ("callback", 3)

    held_out = uniform(3, (9, 3)), uniform(4, (9, 2))
    net = start.copy()
    history = trainer_of(net).fit(X, y, epochs=50, validation_data=held_out, patience=3)
    assert history.stop_reason == "patience"
    assert net.loss(*held_out) == min(history.validation_loss)


def test_max_seconds_and_progress(capsys):
    pytest.importorskip("tqdm")
    net, X, y = problem()
    history = trainer_of(net, min_gradient=0.0).fit(X, y, epochs=10**6, max_seconds=0.05, progress=True)
    assert history.stop_reason == "max_seconds"
    assert "loss" in capsys.readouterr().err


def test_a_callback_may_change_the_optimizer():
    net, X, y = problem()

    def change(epoch):
        if epoch.index == 1:
            epoch.trainer.optimizer = bp.SGD(learning_rate=0.125)
        if epoch.index == 3:
            epoch.trainer.optimizer = bp.LevenbergMarquardt(damping=0.5)

    history = bp.Trainer(net, optimizer="levenberg_marquardt").fit(X, y, epochs=6, callbacks=[change])
    assert history.learning_rate[2:5] == [0.125, 0.125, 0.5]
    assert history.stop_reason == "epochs"


def test_interrupted():
    net, X, y = problem()

    def interrupt(epoch):
        if epoch.index == 2:
            raise KeyboardInterrupt

    trainer = trainer_of(net)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(X, y, epochs=9, callbacks=[interrupt])
    assert (trainer.history.stop_reason, len(trainer.history)) == ("interrupted", 3)
    other, _, _ = problem()
    trainer_of(other).fit(X, y, epochs=3)
    assert_same_bits(net.get_parameters(), other.get_parameters())


@pytest.mark.parametrize(("name", "place"), [("X", (17, 1)), ("y", (5, 0))])
def test_a_number_that_is_not_finite_is_named(name, place):
    net, X, y = problem()
    before = net.get_parameters()
    {"X": X, "y": y}[name][place] = np.nan
    with pytest.raises(ValueError, match=rf"{name}\[{place[0]}, {place[1]}\] is nan"):
        trainer_of(net).fit(X, y, epochs=3)
    assert_same_bits(net.get_parameters(), before)


def test_a_loss_that_is_not_finite_diverges():
    net = make_network((3, 2), dtype="float32")
    net.weights[0][...] = 1e30
    with pytest.raises(bp.DivergenceError, match=r"in epoch 0; .*; try scaled inputs$"):
        trainer_of(net).fit(np.full((4, 3), 1e30), np.zeros((4, 2)), epochs=3)


# ---- settings ----


@pytest.mark.parametrize(
    "settings",
    [
        {"damping": 0.0},
        {"damping": -1.0},
        {"damping": "small"},
        {"damping_decrease": 0.0},
        {"damping_decrease": 1.0},
        {"damping_increase": 1.0},
        {"damping_increase": np.inf},
        {"max_damping": 0.0},
        {"min_gradient": -1e-9},
        {"scaling": "marquardt"},
    ],
    ids=str,
)
def test_settings_outside_their_range(settings):
    ((name, _),) = settings.items()
    with pytest.raises(ValueError, match=name):
        bp.LevenbergMarquardt(**settings)


def test_what_a_trainer_refuses():
    net = make_network((3, 2), output="sigmoid")
    method = bp.LevenbergMarquardt()
    with pytest.raises(ValueError, match="half_squared_error or mse, not binary_cross_entropy; use LBFGS"):
        bp.Trainer(net, loss="binary_cross_entropy", optimizer=method)
    with pytest.raises(ValueError, match=r"l1 is 0\.5"):
        bp.Trainer(net, l1=0.5, optimizer=method)
    with pytest.raises(ValueError, match=r"clip_norm is 1\.0"):
        bp.Trainer(net, clip_norm=1.0, optimizer=method)
    with pytest.raises(ValueError, match=r"8,192 parameters; this one has 10,302, whose matrices need 1\.6 GiB"):
        bp.Trainer(bp.Network((100, 100, 2)), optimizer=method)
    with pytest.raises(ValueError, match="LevenbergMarquardt takes all rows at once"):
        bp.Trainer(net, optimizer=method).step(np.zeros((1, 3)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="LevenbergMarquardt has no learning rate to change"):
        bp.Trainer(net, optimizer=method, schedule=lambda step: 0.5)
    trainer = bp.Trainer(net, schedule=lambda step: 0.5)
    with pytest.raises(ValueError, match="LevenbergMarquardt has no learning rate to change"):
        trainer.optimizer = method
    trainer = bp.Trainer(net, loss="mae")
    with pytest.raises(ValueError, match="not mae"):
        trainer.optimizer = "levenberg_marquardt"
    assert trainer.optimizer == bp.SGD()


def test_there_is_no_learning_rate_to_try_out():
    net, X, y = problem()
    with pytest.raises(ValueError, match="LevenbergMarquardt has no learning rate"):
        bp.sweep_learning_rates(net, X, y, [0.1, 1.0], epochs=1, optimizer="levenberg_marquardt")
    with pytest.raises(ValueError, match="LevenbergMarquardt has no learning rate"):
        bp.find_learning_rate(net, X, y, optimizer=bp.LevenbergMarquardt())


def test_a_pickled_trainer_goes_on_with_its_damping():
    net, X, y = problem()
    trainer = trainer_of(net)
    trainer.fit(X, y, epochs=3)
    copy = pickle.loads(pickle.dumps(trainer))
    assert copy.fit(X, y, epochs=3).learning_rate == trainer.fit(X, y, epochs=3).learning_rate
    assert_same_bits(copy.network.get_parameters(), net.get_parameters())


def test_sparse_rows_are_refused():
    sparse = pytest.importorskip("scipy.sparse")
    net, X, y = problem()
    with pytest.raises(ValueError, match=r"X is sparse; LevenbergMarquardt takes dense rows, X\.toarray\(\)"):
        trainer_of(net).fit(sparse.csr_matrix(X), y, epochs=1)

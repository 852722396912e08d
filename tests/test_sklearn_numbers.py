"""The numbers of MLPClassifier and MLPRegressor beside those of scikit-learn's classes, at every instruction set."""

import warnings

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
from sklearn import datasets, neural_network  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402

import bp_core.sklearn  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_thread"),
]
EPOCHS = 50


def scaled(X):
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-3)


def table(kind):
    """Rows, targets and the estimator's name for one kind of task."""
    if kind == "binary":
        X, y = datasets.load_breast_cancer(return_X_y=True)
        return "MLPClassifier", scaled(X)[:300], y[:300]
    if kind == "multiclass":
        X, y = datasets.load_digits(return_X_y=True)
        return "MLPClassifier", X[:450] / 16, y[:450].astype(str)
    if kind == "multilabel":
        X, y = datasets.make_multilabel_classification(300, 12, n_classes=4, random_state=1)
        return "MLPClassifier", scaled(X), y
    if kind == "counts":
        X, _ = datasets.load_diabetes(return_X_y=True)
        counts = np.random.default_rng(4).poisson(np.exp(1 + 8 * X[:, :2]))
        return "MLPRegressor", scaled(X)[:300], counts[:300]
    if kind == "one output":
        X, y = datasets.load_diabetes(return_X_y=True)
        return "MLPRegressor", scaled(X), y / 100
    X, y = datasets.make_regression(300, 8, n_targets=3, noise=0.1, random_state=2)
    return "MLPRegressor", X, y / 50


def pair(name, **settings):
    settings = {"random_state": 3, "max_iter": EPOCHS, "hidden_layer_sizes": (20,), **settings}
    return getattr(neural_network, name)(**settings), getattr(bp_core.sklearn, name)(**settings)


def assert_same(theirs, ours, loss=1e-6, parameters=1e-5):
    """Losses relative, parameters beside their layer's largest."""
    if hasattr(theirs, "loss_curve_"):
        assert len(ours.loss_curve_) == len(theirs.loss_curve_) > 1
        np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=loss)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=loss)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        assert mine.dtype == other.dtype and mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=0, atol=parameters * np.abs(other).max())
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    for name in ("best_loss_", "best_validation_score_", "validation_scores_"):
        if hasattr(theirs, name):
            mine, other = getattr(ours, name), getattr(theirs, name)
            assert (mine is None) == (other is None)
            np.testing.assert_allclose(mine or 0, other or 0, rtol=loss)


def assert_same_fit(kind, weight=None, tolerance=(1e-6, 1e-5), dtype=np.float64, **settings):
    name, X, y = table(kind)
    settings = {"loss": "poisson", **settings} if kind == "counts" else settings
    theirs, ours = pair(name, **settings)
    theirs.fit(X.astype(dtype), y, weight)
    ours.fit(X.astype(dtype), y, weight)
    assert_same(theirs, ours, *tolerance)
    predict = "predict_proba" if name == "MLPClassifier" else "predict"
    mine, other = (getattr(model, predict)(X.astype(dtype)) for model in (ours, theirs))
    np.testing.assert_allclose(mine, other, rtol=tolerance[1], atol=tolerance[1])
    assert mine.dtype == other.dtype
    return theirs, ours


KINDS = ("binary", "multiclass", "multilabel", "one output", "several outputs")


@pytest.mark.parametrize("kind", KINDS)
def test_adam(kind, isa):
    assert_same_fit(kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", ["constant", "invscaling", "adaptive"])
def test_sgd(kind, rate):
    assert_same_fit(kind, solver="sgd", learning_rate=rate, learning_rate_init=0.05, power_t=0.3)


@pytest.mark.parametrize("momentum", [0, 0.5, 1.0])
@pytest.mark.parametrize("nesterov", [True, False])
def test_momentum(momentum, nesterov):
    settings = {"momentum": momentum, "nesterovs_momentum": nesterov, "learning_rate_init": 0.001}
    assert_same_fit("one output", solver="sgd", **settings)
    assert_same_fit("multiclass", solver="sgd", **settings)


@pytest.mark.parametrize("settings", [{}, {"solver": "sgd"}, {"solver": "lbfgs", "max_iter": 10}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_poisson(settings, weighted):
    weight = np.random.default_rng(5).uniform(0.0, 3.0, 300) if weighted else None
    assert_same_fit("counts", weight, **settings)
    _, ours = assert_same_fit("counts", weight, early_stopping=True, learning_rate_init=0.01)
    assert ours.out_activation_ == "exp"


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("kind", ["multiclass", "several outputs"])
def test_activations(kind, activation):
    assert_same_fit(kind, activation=activation, hidden_layer_sizes=(15, 10))
    assert_same_fit(kind, activation=activation, hidden_layer_sizes=())


@pytest.mark.parametrize("kind", KINDS)
def test_adaptive_rate_goes_down_to_its_end(kind):
    theirs, ours = assert_same_fit(
        kind, solver="sgd", learning_rate="adaptive", tol=0.05, n_iter_no_change=1, learning_rate_init=0.02, max_iter=40
    )
    assert ours._optimizer.learning_rate == theirs._optimizer.learning_rate < 0.02


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_early_stopping(kind, solver):
    settings = {"n_iter_no_change": 3, "tol": 0.001, "learning_rate_init": 0.01, "validation_fraction": 0.3}
    _, ours = assert_same_fit(kind, solver=solver, early_stopping=True, **settings)
    assert len(ours.validation_scores_) == ours.n_iter_


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early", [True, False])
def test_weights(kind, early):
    rows = len(table(kind)[1])
    weight = np.random.default_rng(5).uniform(0.0, 3.0, rows)
    weight[::7] = 0
    assert_same_fit(kind, weight, early_stopping=early, learning_rate_init=0.01)
    assert_same_fit(kind, weight, solver="lbfgs", max_iter=10)


def test_weights_below_0():
    weight = np.random.default_rng(5).uniform(-3.0, 0.0, 300)  # their sum divides, as that of others
    assert_same_fit("several outputs", weight)


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": 0.0},
        {"alpha": 3.0},
        {"batch_size": 1, "max_iter": 3},
        {"batch_size": 7, "max_iter": 10},
        {"batch_size": 150},
        {"shuffle": False},
        {"hidden_layer_sizes": ()},
        {"hidden_layer_sizes": [6, 5, 4]},
        {"hidden_layer_sizes": 9},
        {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
        {"n_threads": 2, "batch_size": 300},
    ],
    ids=str,
)
def test_settings(settings):
    ours_only = {"n_threads": settings.pop("n_threads")} if "n_threads" in settings else {}
    for kind in ("multiclass", "several outputs"):
        name, X, y = table(kind)
        theirs, ours = pair(name, **settings)
        assert_same(theirs.fit(X, y), ours.set_params(**ours_only).fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
def test_lbfgs(kind, isa):
    """The first ten iterations."""
    assert_same_fit(kind, solver="lbfgs", max_iter=10, tolerance=(1e-6, 1e-6))


@pytest.mark.parametrize("kind", KINDS)
def test_where_lbfgs_ends(kind, isa):
    """With a penalty that leaves one minimum near the start: else the last bits may decide which one is found."""
    name, X, y = table(kind)
    theirs, ours = pair(name, solver="lbfgs", max_iter=1000, alpha=3.0, activation="tanh", hidden_layer_sizes=8)
    assert ours.fit(X, y).loss_ == pytest.approx(theirs.fit(X, y).loss_, rel=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_float32(kind):
    assert_same_fit(kind, dtype=np.float32, tolerance=(2e-4, 2e-3), max_iter=20)
    assert_same_fit(kind, dtype=np.float32, solver="lbfgs", max_iter=5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_warm_start(kind, solver):
    name, X, y = table(kind)
    theirs, ours = pair(name, solver=solver, warm_start=True, max_iter=4, learning_rate="invscaling")
    for _ in range(3):
        assert_same(theirs.fit(X, y), ours.fit(X, y))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["sgd", "adam"])
def test_partial_fit(kind, solver):
    """Alone, and after a fit, whose optimizer goes on."""
    name, X, y = table(kind)
    classes = {} if name == "MLPRegressor" else {"classes": np.unique(y) if y.ndim == 1 else np.arange(y.shape[1])}
    settings = {"solver": solver, "learning_rate": "invscaling", "learning_rate_init": 0.01, "max_iter": 3}
    for fitted in (False, True):
        theirs, ours = pair(name, **settings)
        for model in (theirs, ours):
            if fitted:
                model.fit(X, y)
            for first in range(0, 240, 60):
                model.partial_fit(X[first : first + 60], y[first : first + 60], **classes)
        assert_same(theirs, ours)


def test_a_random_state_is_left_where_scikit_learn_leaves_it():
    name, X, y = table("multiclass")
    states = []
    for model in pair(name, early_stopping=True, max_iter=5):
        random = np.random.RandomState(7)
        model.set_params(random_state=random).fit(X, y)
        states.append(random.randint(1 << 30))
    assert states[0] == states[1]


def test_a_fit_that_diverges():
    X, y = datasets.load_iris(return_X_y=True)
    settings = {"activation": "identity", "solver": "sgd", "learning_rate_init": 1, "max_iter": 20}
    theirs, ours = pair("MLPRegressor", early_stopping=True, hidden_layer_sizes=100, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(X, y)
    ours.fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_ and np.isnan(ours.validation_scores_[-1])
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        ours.set_params(early_stopping=False).fit(X, y)


def test_printing(capsys):
    name, X, y = table("one output")
    printed = []
    for model in pair(
        name,
        solver="sgd",
        early_stopping=True,
        verbose=True,
        learning_rate="adaptive",
        tol=0.05,
        n_iter_no_change=2,
        learning_rate_init=1e-5,
        max_iter=30,
    ):
        model.fit(X, y)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "Learning rate too small. Stopping." in printed[1] and "Validation score:" in printed[1]


def test_warnings():
    name, X, y = table("binary")
    for settings, kind in (
        ({"max_iter": 2}, ConvergenceWarning),
        ({"batch_size": 1000, "max_iter": 300, "tol": 1.0}, UserWarning),
    ):
        texts = []
        for model in pair(name, **settings):
            with pytest.warns(kind) as caught:
                model.fit(X, y)
            texts.append([str(warning.message) for warning in caught])
        assert texts[0] == texts[1]

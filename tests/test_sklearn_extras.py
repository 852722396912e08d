"""What MLPClassifier and MLPRegressor can do that scikit-learn's cannot, and the ways between the two."""

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
from sklearn import datasets, neural_network, preprocessing  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.metrics import accuracy_score, r2_score  # noqa: E402
from sklearn.utils.class_weight import compute_sample_weight  # noqa: E402

import bp_core as bp  # noqa: E402
from bp_core.sklearn import MLPClassifier, MLPRegressor  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_thread"),
]
X, Y = datasets.load_iris(return_X_y=True)


def quick(kind, **settings):
    usual = {"hidden_layer_sizes": (8, 6), "max_iter": 20, "random_state": 0, "learning_rate_init": 0.02}
    return kind(**{**usual, **settings})


def same_parameters(one, other):
    arrays = zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True)
    return all(np.array_equal(a, b) for a, b in arrays)


# ---------------------------------------------------------------------------- layers
def test_an_activation_for_each_layer():
    model = quick(MLPRegressor, activation=["logistic", "gelu"]).fit(X, Y)
    net = model.to_network()
    assert net.hidden == ("sigmoid", "gelu")
    np.testing.assert_array_equal(net.predict(X)[:, 0], model.predict(X))
    alike = quick(MLPRegressor, activation=["tanh", "tanh"]).fit(X, Y)
    assert same_parameters(alike, quick(MLPRegressor, activation="tanh").fit(X, Y))
    with pytest.raises(ValueError, match="3 names for 2 hidden layers"):
        quick(MLPRegressor, activation=["tanh"] * 3).fit(X, Y)
    with pytest.raises(ValueError, match="'activation' parameter"):
        quick(MLPRegressor, activation=["tanh", "tan"]).fit(X, Y)


def test_dropout_trains_other_weights_and_predicts_with_all_units():
    plain, dropped = (quick(MLPClassifier, dropout=rate).fit(X, Y) for rate in (0.0, 0.5))
    assert same_parameters(plain, quick(MLPClassifier).fit(X, Y))
    assert not same_parameters(plain, dropped)
    assert same_parameters(dropped, quick(MLPClassifier, dropout=[0.5, 0.5]).fit(X, Y))
    np.testing.assert_array_equal(dropped.predict_proba(X), dropped.predict_proba(X))
    with pytest.raises(ValueError, match="dropout has 1 rates"):
        quick(MLPClassifier, dropout=[0.5]).fit(X, Y)


# --------------------------------------------------------------------------- weights
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weight_is_a_weight_of_rows(solver):
    y = np.array(["rare", "often"])[(X[:, 0] > 5).astype(int)]
    rows = np.linspace(0.5, 2.0, 150)
    for given in ("balanced", {"rare": 7.0, "often": 0.5}):
        weights = compute_sample_weight(given, y)
        ours = quick(MLPClassifier, solver=solver, max_iter=8, class_weight=given)
        theirs = quick(neural_network.MLPClassifier, solver=solver, max_iter=8)
        np.testing.assert_allclose(ours.fit(X, y).coefs_[0], theirs.fit(X, y, weights).coefs_[0], rtol=1e-6, atol=1e-9)
        ours.fit(X, y, rows)
        np.testing.assert_allclose(ours.coefs_[0], theirs.fit(X, y, rows * weights).coefs_[0], rtol=1e-6, atol=1e-9)


def test_balanced_needs_all_rows():
    with pytest.raises(ValueError, match="for partial_fit give a dict"):
        quick(MLPClassifier, class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])


# -------------------------------------------------------------------- held-out rows
def test_own_held_out_rows_are_watched_instead_of_some_of_the_training_rows():
    train, held_out = np.arange(0, 150, 2), np.arange(1, 150, 2)
    given = (X[held_out], Y[held_out])
    scores = []
    model = quick(
        MLPClassifier,
        early_stopping=True,
        max_iter=60,
        n_iter_no_change=4,
        callbacks=lambda model: scores.append(accuracy_score(Y[held_out], model.predict(X[held_out]))),
    ).fit(X[train], Y[train], validation_data=given)
    assert model.t_ == model.n_iter_ * 75
    np.testing.assert_allclose(model.validation_scores_, scores)
    assert model.score(*given) == max(scores) == model.best_validation_score_
    plain = quick(MLPRegressor).fit(X[train], Y[train], validation_data=given)
    assert same_parameters(plain, quick(MLPRegressor).fit(X[train], Y[train]))
    assert len(plain.validation_scores_) == plain.n_iter_
    assert plain.validation_scores_[-1] == pytest.approx(r2_score(Y[held_out], plain.predict(X[held_out])))


def test_held_out_rows_that_do_not_fit():
    for given, words in (
        ((X,), "expected \\(X, y\\)"),
        ((X[:, :2], Y), "2 features"),
        ((X, Y, [1.0]), "sample_weight.shape"),
    ):
        with pytest.raises(ValueError, match=words):
            quick(MLPClassifier).fit(X, Y, validation_data=given)


@pytest.mark.parametrize("early", [True, False])
def test_what_is_watched_may_change_between_fits(early):
    """scikit-learn fails with a TypeError or an AttributeError here."""
    model = quick(MLPRegressor, early_stopping=early, warm_start=True, max_iter=4).fit(X, Y)
    model.set_params(early_stopping=not early).fit(X, Y)
    assert len(model.loss_curve_) == 8
    if early:
        assert model.best_loss_ == min(model.loss_curve_[4:])
    else:
        assert len(model.validation_scores_) == 4 and model.best_validation_score_ == max(model.validation_scores_)


# ------------------------------------------------------------------------- callbacks
def test_callbacks_see_each_epoch_and_may_end_the_training():
    seen = []

    def look(model):
        seen.append((model.n_iter_, model.loss_, model.loss_curve_[-1]))
        return model.n_iter_ == 4

    model = quick(MLPRegressor, callbacks=[look, lambda model: None]).fit(X, Y)
    assert [entry[0] for entry in seen] == [1, 2, 3, 4] and model.n_iter_ == 4
    assert [entry[1] for entry in seen] == [entry[2] for entry in seen] == model.loss_curve_
    assert clone(model).callbacks[0] is look
    with pytest.raises(ValueError, match="a list of callables"):
        quick(MLPRegressor, callbacks=[look, "look"]).fit(X, Y)


def test_progress(capfd):
    quick(MLPRegressor, progress=True, max_iter=3).fit(X, Y)
    assert "3/3" in capfd.readouterr().err


# ------------------------------------------------------------------ losses and solvers
def test_losses_of_this_library():
    """The gradient of the first full-batch step, by hand: W <- W - rate dloss/dW."""
    y = np.linspace(-3, 3, 150)
    r = y - 0.25
    slopes = {
        "mae": -np.sign(r),
        "huber": -np.clip(r, -1, 1),
        bp.Huber(threshold=2.0): -np.clip(r, -2, 2),
        "quantile": -np.where(r > 0, 0.5, -0.5),
        bp.Quantile(level=0.9): -np.where(r > 0, 0.9, -0.1),
        "log_cosh": -np.tanh(r),
    }
    for loss, slope in slopes.items():
        model = MLPRegressor(loss, (), solver="sgd", momentum=0.0, alpha=0.0, batch_size=150, random_state=0)
        model.fit(X, y)
        model.coefs_[0][...], model.intercepts_[0][...] = 0.0, 0.25
        model.partial_fit(X, y)
        np.testing.assert_allclose(model.coefs_[0], -0.001 * (X.T @ slope)[:, None] / 150, rtol=1e-9)
    with pytest.raises(ValueError, match="'loss' parameter"):
        MLPRegressor("cubic").fit(X, y)


@pytest.mark.parametrize("solver", ["levenberg_marquardt", bp.LBFGS(), bp.LevenbergMarquardt(), bp.RMSprop], ids=str)
def test_solvers_that_take_no_batches_are_refused(solver):
    with pytest.raises(ValueError, match=r"'solver' parameter .* 'nadam', .* or an optimizer that goes batch by batch"):
        quick(MLPRegressor, solver=solver).fit(X, Y)


@pytest.mark.parametrize("solver", ["rmsprop", "adagrad", "adamw", "nadam", bp.RMSprop(learning_rate=0.01, rho=0.9)])
def test_solvers_of_this_library(solver):
    """The same steps as a Trainer's, over the same batches."""
    model = quick(MLPRegressor, solver=solver, alpha=0.0, shuffle=False, batch_size=40, max_iter=1).fit(X, Y)
    start = quick(MLPRegressor, solver="sgd", learning_rate_init=1e-300, max_iter=1).fit(X, Y).to_network()
    if isinstance(solver, str):
        names = {"rmsprop": bp.RMSprop, "adagrad": bp.Adagrad, "adamw": bp.AdamW, "nadam": bp.NAdam}
        solver = names[solver](learning_rate=0.02)
    bp.Trainer(start, loss="half_squared_error", optimizer=solver, batch_size=40, shuffle=False).fit(X, Y, epochs=1)
    for ours, other in zip(model.coefs_, start.weights, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-10)


def test_rprop_takes_full_batches():
    model = quick(MLPRegressor, solver="rprop", batch_size=150, max_iter=100).fit(X, Y)
    assert model.loss_curve_[-1] < 0.1 * model.loss_curve_[0]


# ---------------------------------------------------------------------- what it shows
def test_transform_returns_hidden_activations():
    model = quick(MLPClassifier, activation="tanh").fit(X, Y)
    first = np.tanh(X @ model.coefs_[0] + model.intercepts_[0])
    last = np.tanh(first @ model.coefs_[1] + model.intercepts_[1])
    np.testing.assert_allclose(model.transform(X), last, rtol=1e-12)
    np.testing.assert_allclose(model.set_params(transform_layer=0).transform(X), first, rtol=1e-12)
    assert len(model.get_feature_names_out()) == 8
    with pytest.raises(ValueError, match="transform_layer is 2; this network has 2 hidden layers"):
        model.set_params(transform_layer=2).transform(X)


@pytest.mark.parametrize("y", [Y, Y == 1, np.eye(3, dtype=int)[Y]], ids=["three", "two", "several"])
def test_input_gradients_are_central_differences(y):
    model = quick(MLPClassifier, activation="tanh").fit(X, y)
    slopes = model.input_gradients(X[:5])
    assert slopes.shape == ((5, 4) if y.dtype == bool else (5, 3, 4))
    h = 1e-5
    for k in range(4):
        step = np.eye(4)[k] * h
        change = (model.predict_proba(X[:5] + step) - model.predict_proba(X[:5] - step)) / (2 * h)
        expected = change[:, 1] if y.dtype == bool else change
        np.testing.assert_allclose(slopes[..., k], expected, rtol=1e-6, atol=1e-9)


# ------------------------------------------------------------------- ways to and fro
TARGETS = {
    "two": ("MLPClassifier", np.array(["no", "yes"])[Y % 2], {}),
    "three": ("MLPClassifier", Y.astype(str), {"activation": "logistic"}),
    "several": ("MLPClassifier", np.eye(3, dtype=int)[Y], {"solver": "lbfgs"}),
    "number": ("MLPRegressor", X[:, 0], {"solver": "sgd", "learning_rate_init": 0.001}),
    "numbers": ("MLPRegressor", X[:, :2], {"early_stopping": True}),
    "counts": ("MLPRegressor", Y, {"loss": "poisson"}),
}


@pytest.mark.parametrize(("name", "y", "settings"), TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fitted_models_go_both_ways(name, y, settings, dtype):
    rows = X.astype(dtype)
    theirs = quick(getattr(neural_network, name), **settings).fit(rows, y)
    ours_kind = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[name]
    ours = ours_kind.from_sklearn(theirs)
    back = ours.to_sklearn()
    assert type(back) is type(theirs) and back.get_params() == theirs.get_params()
    method = "predict_proba" if name == "MLPClassifier" else "predict"
    expected = getattr(theirs, method)(rows)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for model in (ours, back):
        np.testing.assert_allclose(getattr(model, method)(rows), expected, rtol=tolerance, atol=tolerance)
        assert np.mean(model.predict(rows) == theirs.predict(rows)) == 1 or name == "MLPRegressor"
        assert model.n_iter_ == theirs.n_iter_ and model.t_ == theirs.t_
        assert getattr(model, "loss_curve_", None) == getattr(theirs, "loss_curve_", None)
    for a, b in zip(back.coefs_ + back.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype
    if "solver" not in settings and "early_stopping" not in settings:
        for _ in range(3):
            ours.partial_fit(rows, y)
            back.partial_fit(rows, y)
        np.testing.assert_allclose(ours.loss_curve_, back.loss_curve_, rtol=1e-4)


def test_what_cannot_be_brought_over():
    with pytest.raises(TypeError, match="expected a fitted MLPClassifier of scikit-learn"):
        MLPClassifier.from_sklearn(neural_network.MLPRegressor())
    with pytest.raises(TypeError, match="model is the class MLPClassifier; expected a fitted"):
        MLPClassifier.from_sklearn(neural_network.MLPClassifier)
    for settings, words in (
        ({"activation": "gelu"}, "activation is 'gelu'"),
        ({"solver": "rmsprop"}, "solver is 'rmsprop'"),
        ({"dropout": 0.1}, "dropout is 0.1"),
        ({"class_weight": "balanced"}, "class_weight is 'balanced'"),
    ):
        with pytest.raises(ValueError, match=words):
            quick(MLPClassifier, **settings).fit(X, Y).to_sklearn()
    with pytest.raises(sklearn.exceptions.NotFittedError):
        MLPClassifier().to_network()


def test_threads_change_no_bit():
    one, two = (quick(MLPClassifier, n_threads=n, batch_size=150).fit(X, Y) for n in (1, 2))
    assert same_parameters(one, two)


# --------------------------------------------------------------------------- targets
@pytest.mark.parametrize("labels", [[3, -4], [0.0, 1.0, 7.0], ["a", "bc", "d"], ["a", "b"], [True, False], [5], ["x"]])
def test_rows_of_targets_are_those_of_the_binarizer(labels):
    for y in (np.array(labels * 9), np.array([str(label) for label in labels * 9], object)):
        model = quick(MLPClassifier, max_iter=1)
        targets = model._read(X[: len(y)], y, incremental=False, reset=True)[2]
        expected = preprocessing.LabelBinarizer().fit_transform(y)
        np.testing.assert_array_equal(targets, expected == 1, strict=True)

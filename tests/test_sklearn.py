"""MLPClassifier and MLPRegressor among scikit-learn's tools: its checks, its tests, what estimators are used for."""

import copy
import inspect
import os
import pickle
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn")
import joblib  # noqa: E402
from sklearn import datasets, neural_network  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.calibration import CalibratedClassifierCV  # noqa: E402
from sklearn.ensemble import BaggingClassifier, BaggingRegressor  # noqa: E402
from sklearn.exceptions import NotFittedError  # noqa: E402
from sklearn.inspection import partial_dependence, permutation_importance  # noqa: E402
from sklearn.metrics import accuracy_score, r2_score  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from bp_core.sklearn import MLPClassifier, MLPRegressor  # noqa: E402
from bp_core.sklearn._scores import R2, Accuracy  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.usefixtures("one_thread"),
]
X, Y = datasets.load_iris(return_X_y=True)
NAMES = datasets.load_iris().target_names[Y]
BOTH = [(MLPClassifier, NAMES), (MLPRegressor, Y.astype(float))]


def quick(kind, **settings):
    return kind(
        **{"hidden_layer_sizes": (8,), "max_iter": 15, "random_state": 0, "learning_rate_init": 0.02, **settings}
    )


# ------------------------------------------------------------- its checks and its tests
SETTINGS = (
    {},
    {"solver": "sgd"},
    {"solver": "sgd", "learning_rate": "adaptive"},
    {"activation": "identity"},
    {"shuffle": False},
)
CLASSIFIERS = ({"activation": "logistic"}, {"activation": "tanh", "learning_rate_init": 0.01})
REGRESSORS = ({"solver": "lbfgs"}, {"activation": "tanh"})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@parametrize_with_checks(
    [
        *(MLPClassifier(**settings) for settings in (*SETTINGS, *CLASSIFIERS)),
        *(MLPRegressor(**settings) for settings in (*SETTINGS, *REGRESSORS)),
    ]
)
def test_scikit_learns_checks(estimator, check):
    """Settings with which scikit-learn's own classes pass all of them; none is expected to fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


PRIVATE = {"test_gradient"}
"""The test that calls a private method, _loss_grad_lbfgs, with scikit-learn's own work arrays."""


def test_scikit_learns_own_tests_pass_with_the_import_line_changed(tmp_path):
    theirs = Path(neural_network.__file__).parent / "tests" / "test_mlp.py"
    if not theirs.is_file():
        pytest.skip("this scikit-learn came without its tests")
    line = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
    text = theirs.read_text(encoding="utf-8")
    assert text.count(line) == 1
    fixture = "\n\n@pytest.fixture\ndef global_random_seed():\n    return 42\n"
    changed = text.replace(line, line.replace("sklearn.neural_network", "bp_core.sklearn")) + fixture
    (tmp_path / "test_theirs.py").write_text(changed, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "test_theirs.py"]
    alone = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True)
    failed = set(re.findall(r"^(?:FAILED|ERROR) test_theirs.py::(\w+)", run.stdout, re.MULTILINE))
    assert failed <= PRIVATE, run.stdout
    assert re.search(r"\d\d passed", run.stdout), run.stdout


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_signatures_begin_with_those_of_scikit_learn(name):
    ours, theirs = getattr(sys.modules["bp_core.sklearn"], name), getattr(neural_network, name)
    for method in ("__init__", "fit", "partial_fit", "predict", "score"):
        mine = list(inspect.signature(getattr(ours, method)).parameters.values())
        other = list(inspect.signature(getattr(theirs, method)).parameters.values())
        for own, its in zip(mine, other, strict=False):
            assert (own.name, own.kind, own.default) == (its.name, its.kind, its.default)
        assert all(extra.kind is extra.KEYWORD_ONLY for extra in mine[len(other) :])
        assert len(mine) >= len(other)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= set(dir(ours))


@pytest.mark.parametrize(
    "settings",
    [
        {"alpha": -1},
        {"alpha": float("inf")},
        {"solver": "adamm"},
        {"hidden_layer_sizes": "ten"},
        {"momentum": 1.5},
        {"n_iter_no_change": 0},
        {"random_state": "seed"},
        {"validation_fraction": 1.0},
        {"epsilon": 0},
        {"shuffle": "yes"},
        {"verbose": -1},
        {"beta_1": float("nan")},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused_in_scikit_learns_words(settings):
    texts = []
    for kind in (neural_network.MLPClassifier, MLPClassifier):
        with pytest.raises(ValueError) as error:
            kind(**settings).fit(X, Y)
        assert isinstance(error.value, TypeError)
        texts.append(str(error.value))
    head = f"The '{next(iter(settings))}' parameter of MLPClassifier must be "
    assert all(text.startswith(head) for text in texts)
    assert texts[0].split("Got ")[1] == texts[1].split("Got ")[1]
    if "solver" not in settings:
        assert texts[0].replace("numpy.bool", "") == texts[1].replace("numpy.bool", "")


def test_what_is_no_number_is_refused():
    with pytest.raises(TypeError, match=r"hidden_layer_sizes is \(5\.5,\); expected whole numbers of units"):
        MLPClassifier((5.5,)).fit(X, Y)
    with pytest.raises(ValueError, match="y has dtype <U1; expected numbers"):
        MLPRegressor().fit(X, np.array(["a", "b", "c"])[Y])
    with pytest.raises(ValueError, match="y holds -1; loss='poisson' takes targets from 0 up"):
        MLPRegressor("poisson").fit(X, Y - 1.0)


def test_checks_can_be_turned_off():
    with sklearn.config_context(skip_parameter_validation=True):
        assert quick(MLPClassifier, verbose=0.0).fit(X, Y).score(X, Y) > 0.5


# ------------------------------------------------------------------ in others' hands
@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_pipeline_grid_and_cross_validation(kind, y):
    pipeline = make_pipeline(StandardScaler(), quick(kind))
    name = kind.__name__.lower()
    search = GridSearchCV(pipeline, {f"{name}__alpha": [1e-4, 1.0], f"{name}__solver": ["adam", "lbfgs"]}, n_jobs=2)
    assert search.fit(X, y).best_score_ > 0.3
    assert len(cross_val_score(pipeline, X, y)) == 5


def test_calibration_and_bagging():
    assert CalibratedClassifierCV(quick(MLPClassifier), cv=3).fit(X, NAMES).predict_proba(X).shape == (150, 3)
    assert BaggingClassifier(quick(MLPClassifier), 3, random_state=0).fit(X, NAMES).score(X, NAMES) > 0.6
    assert BaggingRegressor(quick(MLPRegressor), 3, random_state=0).fit(X, Y).score(X, Y) > 0.5


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_inspection(kind, y):
    model = quick(kind).fit(X, y)
    assert permutation_importance(model, X, y, n_repeats=2, random_state=0).importances_mean.shape == (4,)
    assert partial_dependence(model, X, [2], grid_resolution=5)["average"].shape[1] == 5


def test_output_as_a_data_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    model = quick(MLPClassifier).set_output(transform="pandas").fit(frame, NAMES)
    hidden = model.transform(frame)
    assert list(hidden.columns) == [f"mlpclassifier{j}" for j in range(8)] == list(model.get_feature_names_out())
    np.testing.assert_array_equal(model.feature_names_in_, frame.columns)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[["b", "a", "c", "d"]])


def test_metadata_routing():
    weight = np.where(Y == 0, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick(MLPClassifier).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=3).fit(X, NAMES, sample_weight=weight)
    assert "setosa" not in search.predict(X[Y != 0])


@pytest.mark.parametrize(("kind", "y"), BOTH)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_copies_predict_the_same_and_live_apart(kind, y, solver, tmp_path):
    model = quick(kind, solver=solver).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = [
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        joblib.load(tmp_path / "model"),
        joblib.load(tmp_path / "model", mmap_mode="r"),
    ]
    before = model.predict(X)
    for other in copies:
        np.testing.assert_array_equal(other.predict(X), before)
        assert all(np.array_equal(a, b) for a, b in zip(other.coefs_, model.coefs_, strict=True))
        other.coefs_[0][...] = 0
        other.intercepts_[0][...] = 0
        assert len(np.unique(other.predict(X))) == 1
    np.testing.assert_array_equal(model.predict(X), before)
    fresh = clone(model)
    assert fresh.get_params() == model.get_params() and not hasattr(fresh, "coefs_")
    assert kind.__name__ in model._repr_html_()


def test_a_copy_trains_on_as_the_original_does():
    model = quick(MLPClassifier).fit(X, NAMES)
    other = pickle.loads(pickle.dumps(model))
    for each in (model, other):
        each.partial_fit(X[:40], NAMES[:40])
    np.testing.assert_array_equal(other.coefs_[0], model.coefs_[0])


# ------------------------------------------------------------------------ parameters
def test_parameters_may_be_changed_in_place_and_replaced():
    model = quick(MLPRegressor, hidden_layer_sizes=(), solver="lbfgs").fit(X, Y)
    W = np.array([[1.0], [2.0], [3.0], [4.0]])
    model.coefs_[0][...], model.intercepts_[0][...] = W, 0.5
    np.testing.assert_allclose(model.predict(X), (X @ W + 0.5).ravel())
    model.coefs_[0] = 2 * W
    np.testing.assert_allclose(model.predict(X), (X @ (2 * W) + 0.5).ravel())
    model.coefs_[0][1] = 0
    np.testing.assert_allclose(model.predict(X), (X @ np.array([[2.0], [0], [6], [8]]) + 0.5).ravel())
    model.coefs_, model.intercepts_ = [W, np.array([[3.0]])], [np.zeros(1), np.ones(1)]
    np.testing.assert_allclose(model.predict(X), (3 * np.maximum(X @ W, 0) + 1).ravel())


def test_predictions_go_by_the_activation_that_is_set():
    model = quick(MLPRegressor).fit(X, Y)
    expected = model.to_sklearn().set_params(activation="tanh").predict(X)
    np.testing.assert_allclose(model.set_params(activation="tanh").predict(X), expected, rtol=1e-12)


def test_training_goes_on_from_parameters_that_were_replaced():
    theirs, ours = (
        kind(hidden_layer_sizes=(8,), max_iter=4, random_state=0, warm_start=True)
        for kind in (neural_network.MLPRegressor, MLPRegressor)
    )
    for model in (theirs, ours):
        model.fit(X, Y)
        model.coefs_[0] = np.full((4, 8), 0.1)
        model.coefs_[1][...] = 0.2
        model.fit(X, Y)
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=1e-9)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


# ------------------------------------------------------------------------------ data
@pytest.mark.parametrize("form", ["csr_matrix", "csc_matrix", "csr_array", "csc_array"])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sparse_rows(form, solver):
    import scipy.sparse

    digits, classes = datasets.load_digits(return_X_y=True)
    digits, classes = digits[:300], classes[:300]
    sparse = getattr(scipy.sparse, form)(digits)
    for settings in ({}, {"early_stopping": True}) if solver == "adam" else ({},):
        dense = quick(MLPClassifier, solver=solver, **settings).fit(digits, classes)
        model = quick(MLPClassifier, solver=solver, **settings).fit(sparse, classes)
        np.testing.assert_allclose(model.coefs_[0], dense.coefs_[0], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(model.predict_proba(sparse), dense.predict_proba(digits), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_what_predictions_refuse(kind, y):
    with pytest.raises(NotFittedError):
        kind().predict(X)
    model = quick(kind).fit(X, y)
    for rows, words in (
        (X[:, :3], "3 features"),
        (X[0], "Expected 2D array"),
        (np.full((2, 4), np.nan), "contains NaN"),
        (np.full((2, 4), np.inf), "infinity"),
        (X[:0], "0 sample"),
    ):
        with pytest.raises(ValueError, match=words):
            model.predict(rows)
    np.testing.assert_array_equal(model.predict(X[:3].tolist()), model.predict(X[:3]))


def test_predictions_are_those_of_scikit_learn_from_the_same_parameters():
    for y in (NAMES, NAMES == "setosa", np.eye(3, dtype=int)[Y], np.full(150, "one")):
        model = quick(MLPClassifier).fit(X, y)
        theirs = model.to_sklearn()
        np.testing.assert_array_equal(model.predict(X), theirs.predict(X))
        assert model.predict(X).dtype == theirs.predict(X).dtype
        np.testing.assert_allclose(model.predict_proba(X), theirs.predict_proba(X), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(model.predict_log_proba(X), theirs.predict_log_proba(X), rtol=1e-9)


def test_what_training_refuses():
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        MLPClassifier((5, 0)).fit(X, Y)
    with pytest.raises(ValueError, match=re.escape("sample_weight.shape == (3,), expected (150,)!")):
        MLPClassifier().fit(X, Y, [1, 2, 3])
    with pytest.raises(ValueError, match="at least one non-zero"):
        MLPClassifier().fit(X, Y, np.zeros(150))
    with pytest.raises(ValueError, match="classes must be passed"):
        MLPClassifier().partial_fit(X, Y)
    with pytest.raises(ValueError, match="has classes not in"):
        MLPClassifier().partial_fit(X, Y, classes=[0, 1])
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


def test_ctrl_c_warns_and_keeps_the_model():
    def interrupt(model):
        if model.n_iter_ == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"Training interrupted by user\."):
        model = quick(MLPClassifier, callbacks=interrupt).fit(X, NAMES)
    assert model.n_iter_ == 3
    np.testing.assert_array_equal(model.coefs_[0], quick(MLPClassifier, max_iter=3).fit(X, NAMES).coefs_[0])


# ---------------------------------------------------------------------------- scores
def test_scores_of_held_out_rows_are_those_of_scikit_learns_metrics():
    random = np.random.default_rng(0)
    targets, outputs, weights = random.normal(size=(40, 3)), random.normal(size=(40, 3)), random.uniform(size=40)
    targets[:, 2] = 4.0  # no spread: 0, or 1 where all is right
    outputs[:, 1] = targets[:, 1]
    for weight in (None, weights):
        assert R2(targets, weight)(outputs) == pytest.approx(r2_score(targets, outputs, sample_weight=weight))
        labels, guesses = targets > 0, random.uniform(size=(40, 3))
        expected = accuracy_score(labels, guesses > 0.5, sample_weight=weight)
        assert Accuracy(labels, weight, False)(guesses) == pytest.approx(expected)
        one_of_three = np.eye(3, dtype=bool)[random.integers(3, size=40)]
        expected = accuracy_score(one_of_three.argmax(axis=1), guesses.argmax(axis=1), sample_weight=weight)
        assert Accuracy(one_of_three, weight, True)(guesses) == pytest.approx(expected)
    assert np.isnan(R2(targets, None)(np.full((40, 3), np.nan)))

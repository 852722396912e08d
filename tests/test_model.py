"""Models: what a table becomes, what comes back, what is refused, what a file keeps."""

import json
import re

import numpy as np
import pytest

import bp_core as bp
from bp_core.model import CategoryColumn, ClassTarget, NumberColumn, NumberTarget
from bp_core.model._training import default_epochs, split
from support import uniform

N = 120


def table(n=N, seed=1):
    """A class that size and colour decide, and a number that is linear in size."""
    size = uniform((seed, 1), n, 0.0, 10.0)
    colour = np.array(["red", "green", "blue"], object)[(uniform((seed, 2), n, 0, 3)).astype(int)]
    kind = np.where((size > 5) ^ (colour == "red"), "large", "small").astype(object)
    return {"size": size, "colour": colour, "weight": 3 * size + 100.0, "kind": kind}


def trained(target="kind", **options):
    options = {"features": ["size", "colour"], "hidden": (16,), "epochs": 300, "seed": 0} | options
    return bp.Model.train(table(), target, **options)


def refused(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


# ---- what a table becomes ----


def test_columns_are_standardised_by_the_rows_trained_on():
    model, (kept, held_out) = trained(), split(N, 0.2, 0)
    size, colour = model.columns
    assert isinstance(size, NumberColumn)
    assert size.mean == pytest.approx(table()["size"][kept].mean(), rel=1e-14)
    assert size.std == pytest.approx(table()["size"][kept].std(), rel=1e-14)
    assert colour == CategoryColumn("colour", ("blue", "green", "red"), False)
    assert (len(kept), len(held_out), model.record.n_held_out) == (96, 24, 24)
    assert sorted([*kept, *held_out]) == list(range(N))
    X = model.encode({"colour": ["red", "blue"], "size": [size.mean, size.mean + 2 * size.std]})
    np.testing.assert_allclose(X, [[0, 0, 0, 1], [2, 1, 0, 0]], atol=1e-6)
    assert X.dtype == np.float32


def test_the_target_decides_the_task():
    assert trained().target == ClassTarget("kind", ("large", "small"))
    assert isinstance(trained("weight").target, NumberTarget)
    ones = {"x": np.arange(40.0), "y": np.arange(40) % 3}
    assert bp.Model.train(ones, "y", epochs=1).target.classes == ("0", "1", "2")
    assert isinstance(bp.Model.train(ones, "y", epochs=1, task="numbers").target, NumberTarget)
    assert isinstance(bp.Model.train(ones, "x", epochs=1).target, NumberTarget)  # 40 values are no classes
    ten = {"x": np.arange(40.0), "y": [f"{i % 11}" for i in range(40)]}
    assert bp.Model.train(ten, "y", epochs=1).target.classes[-2:] == ("9", "10")  # by size, not by letters


def test_numbers_that_are_names():
    codes = {"zip": [10115, 80331] * 20, "y": [0.0, 1.5] * 20}
    model = bp.Model.train(codes, "y", categorical=["zip"], epochs=1)
    assert model.columns[0].categories == ("10115", "80331")
    assert model.network.layer_sizes[0] == 2


def test_missing_values():
    data = table()
    data["size"][3] = np.nan
    data["colour"][5] = None
    refused(lambda: bp.Model.train(data, "kind"), "column 'size': 1 value is missing, the first in row 3")
    model = bp.Model.train(data, "kind", missing="impute", features=["size", "colour"], epochs=5)
    np.testing.assert_array_equal(model.encode({"size": [np.nan], "colour": [None]}), [[0, 0, 0, 0]])
    data["kind"][7] = None
    refused(lambda: bp.Model.train(data, "kind", missing="impute"), "column 'kind': 1 value is missing")


@pytest.mark.parametrize("form", ["frame", "dict", "structured", "array", "lists"])
def test_every_form_of_a_table(form):
    model = bp.Model.train(np.column_stack([np.arange(40.0), np.arange(40) % 7]), "x2", task="numbers", epochs=3)
    x = np.array([3.0, 4.0, 5.0])
    if form == "frame":
        pandas = pytest.importorskip("pandas")
        given = pandas.DataFrame({"other": ["a", "b", "c"], "x1": pandas.array([3, 4, 5], dtype="Int64")})
    else:
        structured = np.array([(v,) for v in x], dtype=[("x1", "f8")])
        given = {"dict": {"x1": x}, "structured": structured, "array": x[:, None], "lists": {"x1": [3, 4, 5]}}[form]
    np.testing.assert_array_equal(model.predict(given), model.predict({"x1": x}))


# ---- what comes back ----


def test_a_model_learns_and_scores():
    model = trained()
    assert model.record.scores.accuracy >= 0.9
    assert model.record.stop_reason == "epochs"
    assert model.record.losses[-1] < 0.5 * model.record.losses[0]
    found = model.evaluate(table())
    right = model.predict(table()) == table()["kind"].astype(str)
    assert found.accuracy == right.mean()
    assert found.confusion.sum() == N
    assert found.confusion[0, 1] == ((table()["kind"] == "large") & ~right).sum()
    shares = model.predict_proba(table())
    index = np.array([model.target.classes.index(name) for name in table()["kind"]])
    assert found.log_loss == pytest.approx(-np.log(shares[np.arange(N), index].astype(float)).mean(), rel=1e-6)


def test_numbers_come_back_in_their_own_units():
    model = trained("weight", features=["size"])
    predicted = model.predict({"size": [2.0, 8.0]})
    np.testing.assert_allclose(predicted, [106, 124], atol=1.0)
    found = model.evaluate(table())
    error = model.predict(table()) - table()["weight"]
    assert found.rmse == pytest.approx(np.sqrt((error**2).mean()), rel=1e-9)
    assert found.mae == pytest.approx(np.abs(error).mean(), rel=1e-9)
    spread = table()["weight"] - table()["weight"].mean()
    assert found.r2 == pytest.approx(1 - (error**2).sum() / (spread**2).sum(), rel=1e-9)
    refused(lambda: model.predict_proba(table()), "target 'weight' are numbers; probabilities are for classes")


def test_the_same_seed_gives_the_same_model():
    first, second, other = trained(), trained(), trained(seed=1)
    assert first.network.get_parameters().tobytes() == second.network.get_parameters().tobytes()
    assert first.network.get_parameters().tobytes() != other.network.get_parameters().tobytes()


def test_patience_watches_rows_of_its_own():
    model = trained(patience=3, epochs=2000)
    assert model.record.stop_reason == "patience"
    assert model.record.epochs < 2000


def test_ctrl_c_keeps_the_model_so_far():
    def stop(epoch):
        if epoch.index == 4:
            raise KeyboardInterrupt

    model = trained(callbacks=[stop])
    assert model.record.epochs == 5
    assert model.record.stop_reason == "interrupted"
    assert np.isfinite(model.network.get_parameters()).all()


@pytest.mark.parametrize(("n", "epochs"), [(1, 200), (100_000, 200), (1_000_000, 20), (100_000_000, 5)])
def test_fewer_epochs_of_more_rows(n, epochs):
    assert default_epochs(n) == epochs


# ---- explained ----


def test_an_explanation_speaks_of_columns():
    """A linear network: a column's effect is its weight times its distance from the mean, in the target's units."""
    data = {"a": uniform(1, 80, 0, 4), "b": uniform(2, 80, 0, 2)}
    data["y"] = 5 * data["a"] - 2 * data["b"] + 1
    model = bp.Model.train(data, "y", hidden=(), epochs=400, optimizer=bp.Adam(learning_rate=0.05), l2=0.0)
    found = model.explain({"a": 3.0, "b": 0.5})
    by_name = {column.name: column for column in found.columns}
    assert by_name["a"].per_unit == pytest.approx(5, rel=1e-3)
    assert by_name["b"].per_unit == pytest.approx(-2, rel=1e-3)
    assert by_name["a"].effect == pytest.approx(5 * (3.0 - model.columns[0].mean), rel=1e-3)
    assert found.prediction == model.predict({"a": [3.0], "b": [0.5]})[0]
    assert found.network is None
    assert model.explain({"a": 3.0, "b": 0.5, "y": 15.0}).network.n_rows == 1
    json.dumps(found.to_dict(), allow_nan=False)
    assert "y = 1" in str(found)


def test_effects_on_classes_are_log_odds():
    model = trained()
    row = {"size": 9.0, "colour": "blue"}
    found = model.explain(row)
    shares = model.predict_proba({"size": [9.0, model.columns[0].mean], "colour": ["blue", "blue"]}).astype(float)
    j = int(shares[0].argmax())
    odds = np.log(shares[:, j] / (1 - shares[:, j]))
    size = next(column for column in found.columns if column.name == "size")
    assert found.prediction == "large"
    assert size.effect == pytest.approx(odds[0] - odds[1], rel=1e-2)
    step = 1e-3
    near = model.predict_proba({"size": [9 - step, 9 + step], "colour": ["blue", "blue"]}).astype(float)[:, j]
    slope = np.diff(np.log(near / (1 - near)))[0] / (2 * step)
    assert size.per_unit == pytest.approx(slope, rel=0.05)
    assert next(column for column in found.columns if column.name == "colour").per_unit is None


# ---- what is refused ----


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colours": 1}, "the table has no column 'colour'; did you mean 'colours'?"),
        ({"size": ["a", "b"]}, "column 'size', row 0 is 'a'; expected a number"),
        ({"size": [1.0, np.inf]}, "column 'size', row 1 is inf; expected a finite number"),
        ({"size": [1.0, np.nan]}, "column 'size': 1 value is missing, the first in row 1"),
        (
            {"colour": ["red", "gren"]},
            "column 'colour', row 1 is 'gren', which was not there in training; did you mean 'green'?",
        ),
        ({"colour": ["red"]}, "column 'colour' has 1 rows, 'size' has 2"),
    ],
)
def test_a_table_that_does_not_fit(change, message):
    given = {"size": [1.0, 2.0], "colour": ["red", "blue"]} | change
    if "colours" in change:
        given = {"size": [1.0], "colours": ["red"]}
    refused(lambda: trained().predict(given), message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "kinds"}, "the table has no column 'kinds'; did you mean 'kind'?"),
        ({"features": ["sizes"]}, "the table has no column 'sizes'; did you mean 'size'?"),
        ({"features": ["size", "kind"]}, "features hold the target 'kind'"),
        ({"features": []}, "the table has no column beside the target"),
        ({"categorical": ["colours"]}, "categorical names 'colours', which is no feature; did you mean 'colour'?"),
        ({"missing": "drop"}, "missing is 'drop'; expected 'error' or 'impute'"),
        ({"held_out": 1.0}, "held_out is 1.0; expected a share from 0 up to, not including, 1"),
        ({"hidden": (0,)}, "a size in hidden is 0; expected a whole number from 1 up"),
        ({"task": "class"}, "unknown task 'class'; did you mean 'classes'?"),
        ({"task": "numbers"}, "target 'kind', row 0 is"),
    ],
)
def test_a_training_that_cannot_be(options, message):
    refused(lambda: trained(**options), message)


def test_a_slip_in_a_numeric_column():
    data = {"age": ["31", "29", "x7", "40"] * 5, "y": [1.0, 2.0, 3.0, 4.0] * 5}
    refused(lambda: bp.Model.train(data, "y"), "column 'age', row 2 is 'x7', where 15 other rows are numbers; mend it")


def test_a_target_of_one_class():
    refused(lambda: bp.Model.train({"x": [1.0, 2.0], "y": ["a", "a"]}, "y"), "target 'y' is 'a' in every row")


def test_tables_that_are_none():
    for bad in (3, [1, 2, 3], np.zeros(3)):
        with pytest.raises(TypeError, match="expected a DataFrame, a dict of columns, or an array"):
            bp.Model.train(bad, "y")
    refused(lambda: bp.Model.train({}, "y"), "the table has no columns")
    refused(lambda: bp.Model.train({"x": [], "y": []}, "y"), "the table has no rows")
    with pytest.raises(TypeError, match="column 'x' has dtype datetime64"):
        bp.Model.train({"x": np.array(["2026-01-01"], "M8[D]"), "y": [1.0]}, "y")


def test_a_constant_column_says_nothing():
    model = bp.Model.train({"x": np.arange(40.0), "c": np.full(40, 7.0), "y": np.arange(40.0)}, "y", epochs=1)
    assert model.columns[1].std == 1.0
    assert (model.encode({"x": [1.0], "c": [7.0]})[0, 1]) == 0.0


# ---- files ----


@pytest.mark.parametrize("target", ["kind", "weight"])
def test_a_file_keeps_all_of_it(tmp_path, target):
    model = trained(target)
    model.save(tmp_path / "a.bp")
    other = bp.Model.load(tmp_path / "a.bp")
    assert (other.columns, other.target) == (model.columns, model.target)
    assert other.record.to_dict() == model.record.to_dict()
    assert other.network.get_parameters().tobytes() == model.network.get_parameters().tobytes()
    np.testing.assert_array_equal(other.predict(table()), model.predict(table()))


def test_each_kind_of_file_names_its_loader(tmp_path):
    trained().save(tmp_path / "model.bp")
    bp.Network((2, 1)).save(tmp_path / "net.bp")
    refused(
        lambda: bp.Network.load(tmp_path / "model.bp"),
        "is a model file, no network file; load it with bp_core.Model.load",
    )
    refused(
        lambda: bp.Model.load(tmp_path / "net.bp"),
        "is a network file, no model file; load it with bp_core.Network.load",
    )


def rewritten(path, change):
    """A model file with another description."""
    from safetensors import safe_open
    from safetensors.numpy import load, save

    with safe_open(path, "numpy") as file:
        metadata = dict(file.metadata())
    described = json.loads(metadata["model"])
    change(described)
    metadata["model"] = json.dumps(described)
    path.write_bytes(save(load(path.read_bytes()), metadata))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("target"), "its description of the model is not one"),
        (lambda d: d["columns"].pop(), "its columns mean 1 inputs and 2 outputs, its network has 4 and 2"),
        (lambda d: d["columns"][0].update(mean="x"), "its description of the model is not one"),
        (lambda d: d["columns"][0].update(kind="other"), "its description of the model is not one"),
        (lambda d: d["target"].update(extra=1), "its description of the model is not one"),
        (lambda d: d["target"].update(classes=["a", 3]), "its description of the model is not one"),
        (lambda d: d["record"].pop("losses"), "its description of the model is not one"),
        (lambda d: d.update(columns=3), "its description of the model is not one"),
    ],
)
def test_a_damaged_description(tmp_path, change, message):
    trained().save(tmp_path / "a.bp")
    rewritten(tmp_path / "a.bp", change)
    refused(lambda: bp.Model.load(tmp_path / "a.bp"), message)


def test_a_file_cut_short(tmp_path):
    path = tmp_path / "a.bp"
    trained().save(path)
    whole = path.read_bytes()
    for n in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(ValueError, match=r"a\.bp is"):
            bp.Model.load(path)

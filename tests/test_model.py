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
    refused(
        lambda: bp.Model.train(data, "kind", missing="impute"),
        "target 'kind': 1 value is missing, the first in row 7; fill them in or leave those rows out",
    )


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
    refused(lambda: model.predict_proba(table()), "target 'weight' is a number; probabilities are for classes")


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


def test_ctrl_c_in_the_first_epoch_is_kept_too(monkeypatch):
    """A history of no epochs is false, and still says why it ended."""

    def interrupted(self, *arguments, **options):
        self.history = bp.History()
        self.history.stop_reason = "interrupted"
        raise KeyboardInterrupt

    monkeypatch.setattr(bp.Trainer, "fit", interrupted)
    model = trained()
    assert (model.record.epochs, model.record.stop_reason) == (0, "interrupted")


def test_classes_that_are_numbers_come_back_as_numbers():
    y = np.arange(60) % 3
    model = bp.Model.train({"x": y + 0.5, "y": y}, "y", epochs=200, optimizer=bp.Adam(learning_rate=0.02))
    predicted = model.predict({"x": y + 0.5})
    assert predicted.dtype == np.int64
    assert (predicted == y).mean() > 0.9
    halves = bp.Model.train({"x": y, "y": y / 2}, "y", task="classes", epochs=1)
    assert halves.predict({"x": y}).dtype == np.float64
    assert halves.target.classes == ("0", "0.5", "1")


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


@pytest.mark.parametrize("c", [7.0, 0.1, 1e300])
def test_a_constant_column_says_nothing(c):
    """0.1 is no binary number: the deviation of its sum is rounding, and not 0."""
    model = bp.Model.train({"x": np.arange(40.0), "c": np.full(40, c), "y": np.arange(40.0)}, "y", epochs=1)
    assert model.columns[1] == NumberColumn("c", c, 1.0, False)
    assert (model.encode({"x": [1.0], "c": [c]})[0, 1]) == 0.0


def test_true_and_false_are_texts_wherever_they_come_from():
    n = np.arange(40)
    for values in (n % 2 == 0, [bool(k % 2 == 0) for k in n], ["True" if k % 2 == 0 else "False" for k in n]):
        model = bp.Model.train({"f": values, "y": n * 1.5}, "y", epochs=1)
        assert model.columns[0].categories == ("False", "True")
        assert model.explain({"f": True}).columns[0].value == "True"
        np.testing.assert_array_equal(model.encode({"f": np.array([True, False])}), [[0, 1], [1, 0]])


def test_what_is_missing_in_a_list():
    data = {"c": ["u", np.nan, "v", None] * 10, "y": np.arange(40.0)}
    refused(lambda: bp.Model.train(data, "y"), "column 'c': 20 values are missing, the first in row 1")
    assert bp.Model.train(data, "y", missing="impute", epochs=1).columns[0].categories == ("u", "v")


def test_what_is_missing_in_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"c": pandas.array(["u", None, "v", "u"] * 10, dtype="string"), "y": np.arange(40.0)})
    model = bp.Model.train(frame, "y", missing="impute", epochs=1)
    assert model.columns[0].categories == ("u", "v")
    assert model.explain(frame.iloc[0]).columns[0].value == "u"


def test_numbers_too_large_beside_the_others():
    model = bp.Model.train({"x": np.arange(40.0), "y": np.arange(40.0)}, "y", epochs=1)
    refused(lambda: model.predict({"x": [1.0, 1e300]}), "column 'x', row 1 is 1e+300; too large beside the numbers")
    refused(lambda: model.predict({"x": [1, 10**400]}), "column 'x' holds a whole number too large for float64")


def test_columns_of_names_are_refused():
    names = {"name": [f"person {i}" for i in range(60)], "y": np.arange(60.0)}
    refused(lambda: bp.Model.train(names, "y"), "column 'name' has 60 different texts in 60 rows, such as 'person 0'")
    assert len(bp.Model.train(names, "y", categorical=["name"], epochs=1).columns[0].categories) == 60
    comma = {"x": np.arange(60.0), "y": [f"{i},5" for i in range(60)]}
    refused(lambda: bp.Model.train(comma, "y"), "are these numbers with a decimal comma?")


def test_values_that_are_neither_number_nor_text():
    refused(lambda: bp.Model.train({"x": [b"a", b"b"], "y": [1.0, 2.0]}, "y"), "row 0 is b'a', a bytes; expected")
    refused(lambda: bp.Model.train({"x": np.zeros((4, 2)), "y": np.zeros(4)}, "y"), "column 'x' has shape (4, 2)")


@pytest.mark.parametrize(
    ("options", "error"),
    [({"features": "size"}, TypeError), ({"features": ["size", "size"]}, ValueError), ({"seed": -1}, ValueError),
     ({"seed": "x"}, ValueError), ({"hidden": None}, TypeError), ({"categorical": "colour"}, TypeError)],
)  # fmt: skip
def test_settings_of_the_wrong_type(options, error):
    (name,) = options
    with pytest.raises(error, match=name):
        trained(**options)


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
        (lambda d: d["columns"][0].update(std=0.0), "std is 0.0"),
        (lambda d: d["columns"][0].update(mean=float("inf")), "mean is inf"),
        (lambda d: d["columns"][0].update(name="colour"), "a name comes twice"),
        (lambda d: d["target"].update(classes=["a", "a"]), "classes is ('a', 'a')"),
        (lambda d: d["target"].update(name="\ud800"), "its description of the model is not one"),
        (lambda d: d["record"].update(n_trained="x"), "n_trained is 'x'"),
        (lambda d: d["record"].update(stop_reason=[1]), "stop_reason is [1]"),
        (lambda d: d["record"].update(losses=[10**400]), "its description of the model is not one"),
        (lambda d: d["record"]["scores"].update(confusion=[[10**30, 1], [1, 1]]), "its description of the model"),
        (lambda d: d["record"]["scores"].update(accuracy=None), "accuracy is None"),
        (lambda d: d["record"]["scores"].update(confusion=[[1]]), "the confusion of classes is none"),
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


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("cosine", bp.schedules.Cosine(steps=5 * 20)),  # 100 of 125 rows in batches of 5, 5 epochs
        ("one_cycle", bp.schedules.OneCycle(steps=5 * 20)),
        ("plateau", bp.schedules.ReduceOnPlateau()),
        ("adaptive", bp.schedules.Adaptive()),
    ],
)
def test_a_schedule_by_name_is_one_over_the_whole_training(name, schedule):
    data, rates = {"x": np.arange(125.0), "y": np.arange(125.0) % 7}, ([], [])
    models = [
        bp.Model.train(
            data, "y", epochs=5, batch_size=5, schedule=given,
            callbacks=[lambda epoch, kept=kept: kept.append(epoch.learning_rate)],
        )
        for given, kept in zip((name, schedule), rates, strict=True)
    ]  # fmt: skip
    assert rates[0] == rates[1]
    assert (rates[0][-1] < 1e-5) == (name in ("cosine", "one_cycle"))
    assert np.array_equal(*(model.network.get_parameters() for model in models))
    bp.Model.train(data, "y", epochs=2, batch_size="full", schedule=name, patience=3)


def test_an_unknown_schedule():
    refused(
        lambda: bp.Model.train({"x": [1.0, 2.0], "y": [1.0, 2.0]}, "y", schedule="cosin"),
        "unknown schedule 'cosin'; did you mean 'cosine'? expected one of cosine, one_cycle, plateau, adaptive",
    )


@pytest.mark.parametrize(("optimizer", "dtype"), [("levenberg_marquardt", "float64"), ("adam", "float32")])
def test_methods_of_all_rows_train_in_float64(optimizer, dtype):
    x = np.linspace(-1, 1, 60)
    model = bp.Model.train({"x": x, "y": np.sin(3 * x)}, "y", hidden=(6,), epochs=30, optimizer=optimizer)
    assert model.network.dtype == dtype

"""label_smoothing: targets (1 - e) y + e / m, worked by hand and as torch has it."""

import numpy as np
import pytest

import bp_core as bp
from support import DTYPES, TOLERANCE, assert_close, assert_same_bits, make_network, refused, targets, uniform

pytestmark = pytest.mark.usefixtures("isa")

N = 30
X = uniform(3, (N, 4))


def network(output, n_out, dtype="float64"):
    return make_network((4, 6, n_out), hidden="tanh", output=output, dtype=dtype)


def first_step(net, y, smoothing, **options):
    trainer = bp.Trainer(net, label_smoothing=smoothing, optimizer=bp.SGD(learning_rate=0.5), **options)
    return trainer.step(X.astype(net.dtype), y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("smoothing", [0.1, 0.5, 1.0])
def test_classes_as_torch_smooths_them(smoothing, dtype):
    torch = pytest.importorskip("torch")
    net, classes = network("softmax", 5, dtype), np.arange(N) % 5
    before = [W.copy() for W in net.weights]
    layers = [torch.tensor(part.astype(float), requires_grad=True) for part in (*net.weights, *net.biases)]
    x = torch.tensor(X.astype(dtype).astype(float))
    z = torch.tanh(x @ layers[0] + layers[2]) @ layers[1] + layers[3]
    loss = torch.nn.functional.cross_entropy(z, torch.tensor(classes), label_smoothing=smoothing)
    loss.backward()
    assert_close(first_step(net, classes, smoothing), np.array(loss.item()), TOLERANCE[dtype])
    for W, start, layer in zip(net.weights, before, layers, strict=False):
        assert_close(W, start - 0.5 * layer.grad.numpy(), TOLERANCE[dtype])


@pytest.mark.parametrize("kind", ["classes", "rows"])
def test_a_share_goes_to_every_class(kind):
    classes = np.arange(N) % 4
    rows = np.eye(4)[classes] if kind == "classes" else targets("cross_entropy", 1, N, 4)
    ours, theirs = network("softmax", 4), network("softmax", 4)
    value = first_step(ours, classes if kind == "classes" else rows, 0.2)
    assert_close(value, np.array(first_step(theirs, 0.8 * rows + 0.2 / 4, 0.0)), 1e-13)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-13)


def test_yes_and_no_are_two_classes():
    y = targets("binary_cross_entropy", 1, N, 3)
    ours, theirs = network("sigmoid", 3), network("sigmoid", 3)
    value = first_step(ours, y, 0.2, loss="binary_cross_entropy")
    assert_close(value, np.array(first_step(theirs, 0.8 * y + 0.1, 0.0, loss="binary_cross_entropy")), 1e-13)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-13)


def test_fit_and_its_validation_loss_are_smoothed_too():
    y = np.arange(N) % 4
    net = network("softmax", 4)
    trainer = bp.Trainer(net, label_smoothing=0.2, batch_size=7, seed=1)
    history = trainer.fit(X, y, epochs=2, validation_data=(X, y))
    assert_close(history.validation_loss[-1], np.array(net.loss(X, 0.8 * np.eye(4)[y] + 0.05)), 1e-13)
    by_rows = network("softmax", 4)
    bp.Trainer(by_rows, batch_size=7, seed=1).fit(X, 0.8 * np.eye(4)[y] + 0.05, epochs=2)
    assert_close(net.get_parameters(), by_rows.get_parameters(), 1e-13)


def test_the_short_way_of_step_smooths_too():
    y = (np.arange(N) % 4).astype(np.int64)
    ours, theirs = network("softmax", 4), network("softmax", 4)
    trainer = bp.Trainer(ours, label_smoothing=0.2)
    for _ in range(3):
        trainer.step(X, y)
    bp.Trainer(theirs, label_smoothing=0.2, batch_size="full").fit(X, y, epochs=3)
    assert_same_bits(ours.get_parameters(), theirs.get_parameters())


def test_missing_targets_are_not_smoothed_back():
    y = np.where(np.arange(N) % 3 == 0, np.nan, np.arange(N) % 4)
    there = ~np.isnan(y)
    ours, theirs = network("softmax", 4), network("softmax", 4)
    options = {"label_smoothing": 0.2, "batch_size": "full"}
    bp.Trainer(ours, **options).fit(X, y, epochs=2, missing_targets="ignore")
    bp.Trainer(theirs, **options).fit(X[there], y[there], epochs=2)
    assert_close(ours.get_parameters(), theirs.get_parameters(), 1e-13)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, np.nan, "0.1", None, True])
def test_a_share_lies_from_0_to_1(smoothing):
    refused(lambda: bp.Trainer(network("softmax", 3), label_smoothing=smoothing), "label_smoothing", "from 0 to 1")


def test_a_loss_without_classes():
    refused(
        lambda: bp.Trainer(network("sigmoid", 3), label_smoothing=0.1),
        "label_smoothing is 0.1; it is for cross_entropy and binary_cross_entropy, not half_squared_error",
    )

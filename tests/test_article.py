"""The article's 2-3-1 network against the values worked by hand, up to one update of every parameter."""

from decimal import Decimal, localcontext

import pytest

import bp_core as bp
from article import ROWS, START, article_network, assert_worked, data, worked_by_hand

pytestmark = pytest.mark.usefixtures("isa")

LEARNING_RATE = 0.1
PARAMETERS = ("W1", "W2", "W3", "W4", "W5", "W6", "b1", "W7", "W8", "W9", "b2")


def mean(rows, name):
    with localcontext() as context:
        context.prec = 50
        return sum(row[name] for row in rows) / len(rows)


def updated(name, derivative):
    with localcontext() as context:
        context.prec = 50
        return Decimal(START[name]) - Decimal(LEARNING_RATE) * derivative


def parameters_by_name(weights, biases):
    vector = [*weights[0].ravel(), *biases[0], *weights[1].ravel(), *biases[1]]
    return dict(zip(PARAMETERS, vector, strict=True))


def test_the_network_is_the_articles():
    net = article_network()
    assert net.n_parameters == 11
    assert [b.shape for b in net.biases] == [(1,), (1,)]
    assert net.get_parameters().tolist() == [START[name] for name in PARAMETERS]


@pytest.mark.parametrize("row", ROWS)
def test_forward_propagation(row):
    expected = worked_by_hand(row)
    X, _ = data([row])
    passed = article_network().forward(X)
    z = dict(zip(("z1", "z2", "z3", "z4"), [*passed.z[0][0], *passed.z[1][0]], strict=True))
    a = dict(zip(("a1", "a2", "a3", "a4"), [*passed.a[0][0], *passed.a[1][0]], strict=True))
    for name, value in {**z, **a, "a4": passed.output[0, 0]}.items():
        assert_worked(value, expected[name])


@pytest.mark.parametrize("row", ROWS)
def test_every_delta_and_derivative_of_one_row(row):
    expected = worked_by_hand(row)
    gradients = article_network().gradients(*data([row]), loss="half_squared_error")
    assert_worked(gradients.loss, expected["e_t"])
    deltas = [*gradients.deltas[0][0], *gradients.deltas[1][0]]
    for j, delta in enumerate(deltas, start=1):
        assert_worked(delta, expected[f"delta{j}"])
    for name, value in parameters_by_name(gradients.weights, gradients.biases).items():
        assert_worked(value, expected[f"d{name}"])


@pytest.mark.parametrize("row", ROWS)
def test_every_parameter_after_one_update(row):
    expected = worked_by_hand(row)
    net = article_network()
    trainer = bp.Trainer(net, loss="half_squared_error", optimizer=bp.SGD(learning_rate=LEARNING_RATE))
    loss = trainer.step(*data([row]))
    assert_worked(loss, expected["e_t"])
    for name, value in parameters_by_name(net.weights, net.biases).items():
        assert_worked(value, updated(name, expected[f"d{name}"]))


def test_of_a_batch_the_mean_over_its_rows():
    worked = [worked_by_hand(row) for row in ROWS]
    gradients = article_network().gradients(*data(ROWS), loss="half_squared_error")
    assert_worked(gradients.loss, mean(worked, "e_t"))
    for name, value in parameters_by_name(gradients.weights, gradients.biases).items():
        assert_worked(value, mean(worked, f"d{name}"))


@pytest.mark.parametrize("shuffle", [False, True])
def test_one_epoch_of_the_whole_batch_updates_by_the_mean(shuffle):
    worked = [worked_by_hand(row) for row in ROWS]
    net = article_network()
    trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=LEARNING_RATE), batch_size="full", shuffle=shuffle, seed=0)
    history = trainer.fit(*data(ROWS), epochs=1)
    assert_worked(history.loss[0], mean(worked, "e_t"))
    for name, value in parameters_by_name(net.weights, net.biases).items():
        assert_worked(value, updated(name, mean(worked, f"d{name}")))


def test_backpropagation_only_computes():
    net = article_network()
    before = net.get_parameters()
    first = net.gradients(*data(ROWS))
    second = net.gradients(*data(ROWS))
    assert net.get_parameters().tobytes() == before.tobytes()
    assert [g.tolist() for g in first.weights] == [g.tolist() for g in second.weights]


def test_the_automatic_loss_of_the_article_is_half_the_squared_error():
    expected = mean([worked_by_hand(row) for row in ROWS], "e_t")
    assert_worked(article_network().loss(*data(ROWS)), expected)

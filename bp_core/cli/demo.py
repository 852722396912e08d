"""``bp-core demo``: XOR with a 2-3-1 network, then real handwritten digits."""

from __future__ import annotations

import argparse
from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import bp_core as bp
from bp_core._unit_names import UnitNames
from bp_core.data import load_digits

from ._errors import CommandError

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Array = npt.NDArray[np.floating]

XOR_X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
XOR_Y = np.array([[0], [1], [1], [0]], dtype=np.float64)
XOR_TOLERANCE = 0.1
# Half squared error over four rows: at this loss no single output can be further off than the tolerance.
XOR_TARGET_LOSS = XOR_TOLERANCE**2 / (2 * len(XOR_Y))
XOR_FIRST_SEED = 0
XOR_MAX_STARTS = 20
# Most starts need 600 to 2,000 epochs. With one bias a layer about one in ten never gets there, however long it runs.
XOR_MAX_EPOCHS = 10_000

DIGITS_HELD_OUT = 360
DIGITS_SPLIT_SEED = 0
DIGITS_SEED = 0
DIGITS_LAYER_SIZES = (64, 256, 10)
DIGITS_EPOCHS = 40
DIGITS_BATCH_SIZE = 32
DIGITS_LEARNING_RATE = 0.003
DIGITS_MIN_ACCURACY = 0.97


def add_parser(subcommands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``demo`` to the subcommands of ``bp-core``."""
    parser = subcommands.add_parser(
        "demo",
        help="train on XOR and on real handwritten digits, and show what was learned",
        description="Train a 2-3-1 network on XOR until every output is within 0.1 of its target and print every "
        "weight it learned; then train on real handwritten digits to at least 97 % on digits it has "
        "not seen. Takes a few seconds, needs no network connection, writes no file.",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run both parts; CommandError if either falls short of its goal."""
    started = perf_counter()
    print(f"bp-core {bp.__version__}, instruction set {bp.isa()}")
    learn_xor()
    learn_digits()
    print(f"\nBoth goals reached in {perf_counter() - started:.2f} s.")
    return 0


# --- XOR ----------------------------------------------------------------------------------------------------------


def learn_xor() -> None:
    """Train until every output is within the tolerance, and print what was learned."""
    print("\n1. XOR: a 2-3-1 network, sigmoid everywhere, one shared bias a layer")
    print(f"   plain gradient descent, rate 5, batch of 4, until every output is within {XOR_TOLERANCE}\n")
    net = train_xor()
    output = net.predict(XOR_X)
    print_truth_table(output)
    print_parameters(net)
    if not np.abs(output - XOR_Y).max() <= XOR_TOLERANCE:
        raise CommandError(f"XOR: an output is further than {XOR_TOLERANCE} from its target")


def train_xor() -> bp.Network:
    """Draw starts, one seed after another, until one reaches the target loss."""
    for seed in range(XOR_FIRST_SEED, XOR_FIRST_SEED + XOR_MAX_STARTS):
        net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64", seed=seed)
        trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=5.0), batch_size="full")
        started = perf_counter()
        history = trainer.fit(XOR_X, XOR_Y, epochs=XOR_MAX_EPOCHS, target_loss=XOR_TARGET_LOSS)
        seconds = perf_counter() - started
        epochs, loss = len(history.loss), history.loss[-1]
        if history.stop_reason == "target_loss":
            print(f"   seed {seed}: loss {loss:.5f} after {epochs:,} epochs in {1e3 * seconds:.2f} ms", end=" ")
            print(f"({1e6 * seconds / epochs:.2f} us each)\n")
            return net
        print(f"   seed {seed}: stalled at loss {loss:.5f} after {epochs:,} epochs; drawing a new start")
    raise CommandError(f"XOR: none of {XOR_MAX_STARTS} starts reached a loss of {XOR_TARGET_LOSS:.5f}")


def print_truth_table(output: Array) -> None:
    """Print target, output and error of the four rows."""
    print("   x1  x2   target   output    error")
    for x, target, y_hat in zip(XOR_X, XOR_Y[:, 0], output[:, 0], strict=True):
        print(f"   {x[0]:2.0f}  {x[1]:2.0f}   {target:6.0f}   {y_hat:6.4f}  {y_hat - target:+7.4f}")


def print_parameters(net: bp.Network) -> None:
    """Print every weight and bias by its name, with where it leads from and to."""
    print("\n   name  from -> to             value")
    names = UnitNames(net.layer_sizes, net.bias)
    for parameter in names.parameters():
        source, targets = names.ends(parameter)
        value = getattr(net, parameter.kind)[parameter.layer][parameter.place]
        print(f"   {names.name(parameter)}    {source:>4} -> {', '.join(targets):<10}  {value:+8.4f}")


# --- digits -------------------------------------------------------------------------------------------------------


def learn_digits() -> None:
    """Train on most of the digits, and print how many of the others are read correctly and how fast it went."""
    X, y = load_digits()
    train, held_out = split_rows(len(y))
    pixels = X.astype(np.float32) / 16
    sizes = "-".join(str(units) for units in DIGITS_LAYER_SIZES)
    print(f"\n2. Digits: {len(y):,} real 8x8 images, {len(held_out)} of them held out, a {sizes} network")
    print(f"   relu, softmax, Adam, rate {DIGITS_LEARNING_RATE}, batch of {DIGITS_BATCH_SIZE}, ", end="")
    print(f"{DIGITS_EPOCHS} epochs, at least {DIGITS_MIN_ACCURACY:.0%} wanted\n")
    net, seconds = train_digits(pixels[train], y[train])
    correct = net.predict(pixels[held_out]).argmax(axis=1) == y[held_out]
    print_digits_result(correct, seconds, DIGITS_EPOCHS * len(train))
    if not correct.mean() >= DIGITS_MIN_ACCURACY:
        raise CommandError(f"digits: {correct.mean():.2%} of the held-out digits, {DIGITS_MIN_ACCURACY:.0%} wanted")


def split_rows(n_rows: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the rows to train on and those held out: one fixed order, made of words whose stream NumPy guarantees."""
    order = np.argsort(np.random.PCG64(DIGITS_SPLIT_SEED).random_raw(n_rows))
    return order[:-DIGITS_HELD_OUT], order[-DIGITS_HELD_OUT:]


def train_digits(X: Array, y: npt.NDArray[np.uint8]) -> tuple[bp.Network, float]:
    """Return a network trained on these rows, and the seconds ``fit`` took."""
    net = bp.Network(DIGITS_LAYER_SIZES, hidden="relu", output="softmax", seed=DIGITS_SEED)
    optimizer = bp.Adam(learning_rate=DIGITS_LEARNING_RATE)
    trainer = bp.Trainer(net, optimizer=optimizer, batch_size=DIGITS_BATCH_SIZE, seed=DIGITS_SEED)
    started = perf_counter()
    trainer.fit(X, y, epochs=DIGITS_EPOCHS)
    return net, perf_counter() - started


def print_digits_result(correct: npt.NDArray[np.bool_], seconds: float, rows: int) -> None:
    """Print accuracy, time, rows per second and GFLOP/s."""
    gflops = rows * flops_per_row(DIGITS_LAYER_SIZES) / seconds / 1e9
    print(f"   held-out digits read correctly   {correct.mean():.2%} ({correct.sum()} of {len(correct)})")
    print(f"   training time                    {seconds:.3f} s")
    print(f"   rows per second                  {rows / seconds:,.0f}")
    print(f"   GFLOP/s                          {gflops:.1f}")


def flops_per_row(layer_sizes: tuple[int, ...]) -> int:
    """Count the products of one row's training step, 2 flops per multiply-add.

    Every layer has forward and grad_W; every layer but the first also has delta_prev.

    >>> flops_per_row((2, 3, 1))
    42
    """
    products = [fan_in * fan_out for fan_in, fan_out in pairwise(layer_sizes)]
    return 2 * (3 * sum(products) - products[0])

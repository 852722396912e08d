"""Draw the pictures of the guide's page about learning rates. Needs scikit-learn, for its table of diabetes patients.

python docs/pictures/learning_rates.py
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

import bp_core as bp

IMAGES = Path(__file__).parents[1] / "images"
XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]


def save(figure, name):
    """Write a picture to the guide's folder."""
    figure.savefig(IMAGES / name, dpi=100)
    plt.close(figure)


def diabetes():
    """Ten standardised measurements, and the progression within a year less its mean."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    return (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean()


def draw_sweeps():
    """The article's grid on the diabetes table, and a grid of its own on XOR."""
    X, y = diabetes()
    net = bp.Network((10, 8, 1), hidden="relu", output="identity", dtype="float64", seed=0)
    sweep = bp.sweep_learning_rates(net, X, y, (0.001, 0.003, 0.01, 0.03, 0.1), epochs=30, batch_size="full")
    print(sweep, end="\n\n")
    save(sweep.plot().figure, "learning-rates-diabetes.png")
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=0)
    sweep = bp.sweep_learning_rates(net, *XOR, (0.01, 0.1, 1, 10, 100, 1000), epochs=5000, batch_size="full")
    print(sweep, end="\n\n")
    save(sweep.plot().figure, "learning-rates-xor.png")


def draw_range_test():
    """The range test on the digits."""
    X, y = bp.data.load_digits()
    found = bp.find_learning_rate(bp.Network((64, 32, 10), output="softmax", seed=0), X / 16, y)
    print(found, end="\n\n")
    save(found.plot().figure, "learning-rate-range-test.png")


def draw_descents():
    """A parabola down which a small rate creeps and a large one climbs out; and two weights of the diabetes table."""
    net = bp.Network.from_arrays([[[3.0]]], None, hidden=(), output="identity")
    found = bp.draw_descent(net, [[1.0]], [[1.0]], (0.02, 0.5, 2.1), steps=15)
    print(found)
    save(found.plot(), "descent-one.png")
    net = bp.Network((10, 1), dtype="float64", seed=0)
    found = bp.draw_descent(net, *diabetes(), (0.005, 1.3), parameters=("W3", "W4"), steps=20)
    print(found)
    found.animate(IMAGES / "descent-two.gif", fps=3)


if __name__ == "__main__":
    draw_sweeps()
    draw_range_test()
    draw_descents()

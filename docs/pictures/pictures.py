"""Draw the pictures of docs/guide/pictures.md into docs/images: `python docs/pictures/pictures.py`."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import bp_core as bp
from bp_core.data import load_digits

IMAGES = Path(__file__).resolve().parents[1] / "images"
LARGEST = 150_000
"""Bytes that a picture may take."""


def networks():
    """The network of XOR before and after its training, its gradients, and a large one."""
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=3)
    yield "draw-gradients", net.draw(gradients=net.gradients(X, y))
    bp.Trainer(net, optimizer=bp.SGD(learning_rate=5.0), batch_size="full").fit(X, y, epochs=5000, target_loss=0.001)
    yield "draw-small", net.draw(input_names=["left", "right"], output_names=["differ"])
    yield "draw-medium", bp.Network((8, 16, 4), hidden="relu", output="softmax", seed=0).draw()


def digits():
    """A network that reads digits: how it learned, what it mistakes, how it looks inside."""
    X, y = load_digits()
    new = np.arange(len(X)) % 5 == 0
    net = bp.Network((64, 32, 10), hidden="tanh", output="softmax", seed=0)
    norms = bp.plot.GradientNorms(X[new], y[new])
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.002), seed=0)
    history = trainer.fit(X[~new], y[~new], epochs=60, validation_data=(X[new], y[new]), patience=8, callbacks=[norms])
    yield "draw-large", net.draw(max_units=12)
    yield "history", history.plot()
    yield "gradient-norms", norms.plot()
    yield "confusion", bp.plot.confusion_matrix(y[new], net.predict(X[new]))
    yield "weight-histograms", bp.plot.weight_histograms(net).axes[0]
    yield "activation-histograms", bp.plot.activation_histograms(net, X).axes[0]


def planes():
    """Two spirals, a land with its heights, and a curve to predict."""
    random = np.random.default_rng(0)
    t = np.sqrt(random.uniform(0.05, 1, 400)) * 3 * np.pi
    side = np.arange(400) % 2
    X = np.column_stack([t * np.cos(t + np.pi * side), t * np.sin(t + np.pi * side)]) / 3 + random.normal(
        0, 0.1, (400, 2)
    )
    net = bp.Network((2, 32, 32, 1), hidden="tanh", output="sigmoid", seed=0)
    optimizer = bp.Adam(learning_rate=0.01)
    bp.Trainer(net, loss="binary_cross_entropy", optimizer=optimizer, seed=0).fit(X, side, epochs=400)
    yield "decision-boundary", bp.plot.decision_boundary(net, X, side)
    x = random.uniform(-3, 3, (600, 1))
    wave = np.sin(2 * x) + random.normal(0, 0.15, x.shape)
    net = bp.Network((1, 24, 1), hidden="tanh", seed=0)
    bp.Trainer(net, optimizer=optimizer, seed=0).fit(x[:400], wave[:400], epochs=300)
    yield "predicted-against-true", bp.plot.predicted_against_true(wave[400:], net.predict(x[400:]))
    places = random.uniform(-2, 2, (300, 2))
    heights = np.sin(2 * places[:, 0]) + places[:, 1] ** 2 / 2 + random.normal(0, 0.2, 300)
    net = bp.Network((2, 24, 1), hidden="tanh", seed=0)
    bp.Trainer(net, optimizer=optimizer, seed=0).fit(places, heights, epochs=300)
    names = {"input_names": ["east", "north"], "output_names": ["height"]}
    yield "output-surface", bp.plot.output_surface(net, places, heights, **names)


def reduce(path):
    """64 colours are enough, and a quarter of the bytes."""
    with Image.open(path) as image:
        reduced = image.convert("RGB").quantize(64, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)


def main():
    for pictures in (networks(), digits(), planes()):
        for name, ax in pictures:
            path = IMAGES / f"{name}.png"
            ax.figure.savefig(path, dpi=100)
            plt.close(ax.figure)
            reduce(path)
            size = path.stat().st_size
            assert size <= LARGEST, f"{path.name} takes {size} bytes; at most {LARGEST}"
            print(f"{path.name}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

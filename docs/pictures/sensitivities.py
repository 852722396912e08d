"""Draw the picture of the guide's page about sensitivities. Needs scikit-learn, for its table of diabetes patients.

python docs/pictures/sensitivities.py
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from sklearn.datasets import load_diabetes

import bp_core as bp

IMAGE = Path(__file__).parents[1] / "images" / "sensitivities.png"


def main() -> None:
    """Train on the standardised table, and draw what the network has learned of each measurement."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X = (X - X.mean()) / X.std(ddof=0)
    net = bp.Network((10, 8, 1), hidden="tanh", dtype="float64", seed=0)
    trainer = bp.Trainer(net, optimizer=bp.Adam(learning_rate=0.01), l2=0.01, seed=0)
    trainer.fit(X, (y - y.mean()) / y.std(), epochs=200)
    found = bp.sensitivities(net, X, output_names=["progression"], scale="std")
    print(found)
    found.plot().figure.savefig(IMAGE, dpi=110)


if __name__ == "__main__":
    main()

"""Draw the network of docs/derivation.md into docs/images: `python docs/pictures/derivation.py`."""

from pictures import IMAGES, plt, reduce

import bp_core as bp


def main():
    net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", dtype="float64")
    net.weights[0][...] = [[0.15, 0.4, -0.3], [0.25, 0.7, 0.55]]
    net.weights[1][...] = [[0.45], [0.6], [0.35]]
    net.biases[0][...], net.biases[1][...] = 0.2, -0.1
    path = IMAGES / "derivation.png"
    figure = net.draw().figure
    figure.savefig(path, dpi=100)
    plt.close(figure)
    reduce(path)


if __name__ == "__main__":
    main()

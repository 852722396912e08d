"""Draw the picture of the guide's page about schedules.

python docs/pictures/schedules.py
"""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

import bp_core as bp
from bp_core import schedules
from bp_core.plot._canvas import COLOURS

IMAGE = Path(__file__).parents[1] / "images" / "schedules.png"
STEPS = 1000
FALLING = {
    "StepDecay(every=300, factor=0.5)": schedules.StepDecay(every=300, factor=0.5),
    "Exponential(0.998)": schedules.Exponential(0.998),
    "InverseScaling()": schedules.InverseScaling(),
    "Cosine(1000)": schedules.Cosine(1000),
}
RISING = {
    "Cosine(150, restarts=True, growth=2)": schedules.Cosine(150, restarts=True, growth=2),
    "OneCycle(1000)": schedules.OneCycle(1000),
    "WarmUp(100, then=Cosine(900))": schedules.WarmUp(100, then=schedules.Cosine(900)),
}


def by_the_loss(rule):
    """The factors of a training that a rule looks at: one step an epoch."""
    X, y = bp.data.load_digits()
    net = bp.Network((64, 16, 10), output="softmax", seed=0)
    optimizer = bp.Adam(learning_rate=0.05)
    trainer = bp.Trainer(net, optimizer=optimizer, schedule=rule, batch_size="full", seed=0)
    history = trainer.fit(X / 16, y, epochs=STEPS)
    return [rate / optimizer.learning_rate for rate in history.learning_rate]


def draw(axes, lines):
    """Draw the lines on one pair of axes, each in its colour and dash."""
    for (name, factors), colour, dash in zip(lines.items(), COLOURS, ("-", "--", "-.", ":"), strict=False):
        axes.plot(factors, color=colour, linestyle=dash, linewidth=1.8, label=name)
    axes.set(xlabel="step t", ylim=(-0.03, 1.03), xlim=(0, STEPS))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize="small")


def main():
    """Draw what falls on the left, and what rises, or looks at the loss, on the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained", sharey=True)
    draw(left, {name: schedule.factors(0, STEPS + 1) for name, schedule in FALLING.items()})
    rule = schedules.ReduceOnPlateau(factor=0.5, patience=50, min_delta=0.001)
    right_lines = {name: schedule.factors(0, STEPS + 1) for name, schedule in RISING.items()}
    draw(right, {**right_lines, "ReduceOnPlateau(0.5, patience=50, ...), of a training": by_the_loss(rule)})
    left.set_ylabel("factor of the learning rate")
    figure.savefig(IMAGE, dpi=100)
    plt.close(figure)


if __name__ == "__main__":
    main()

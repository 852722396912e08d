"""The picture of sensitivities: bars with their range over the rows, or a heat map where those would be too many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bp_core._wording import count
from bp_core.plot import _canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bp_core.sensitivity._result import Sensitivities

MOST_BARS = 24
HATCHES = ("", "////", "....")
"""A second sign beside the colour of each output's bars; more outputs are a heat map."""

MOST_NUMBERS = 300
"""In a heat map of more cells only their signs are written."""

LONGEST_NAME = 28


def draw(found: Sensitivities, ax: Axes | None) -> Axes:
    """Draw the mean slopes of the outputs with the inputs that matter most."""
    outputs, inputs = found.largest()
    few = len(outputs) == 1 or (len(outputs) <= len(HATCHES) and len(outputs) * len(inputs) <= MOST_BARS)
    ax = (_bars if few else _heat_map)(found, ax, outputs, inputs)
    ax.set_yticks(range(len(inputs)), [_short(found.input_names[k]) for k in inputs])
    ax.set_title(_title(found, outputs, inputs, few), loc="left", fontsize=10)
    return ax


def _bars(found: Sensitivities, ax: Axes | None, outputs: list[int], inputs: list[int]) -> Axes:
    """A bar for the mean, and a line from the smallest slope to the largest."""
    height = 0.8 / len(outputs)
    ax = _canvas.new_axes(ax, (6.4, 1.7 + len(inputs) * max(0.3, 0.22 * len(outputs))))
    for i, j in enumerate(outputs):
        y = np.arange(len(inputs)) + (i - (len(outputs) - 1) / 2) * height
        mean = found.mean[j, inputs]
        colours = np.where(mean < 0, _canvas.NEGATIVE, _canvas.POSITIVE) if len(outputs) == 1 else _canvas.COLOURS[i]
        ax.barh(y, mean, 0.9 * height, color=colours, hatch=HATCHES[i], edgecolor="white", label=found.output_names[j])
        if found.n_rows > 1:
            reach = [mean - found.min[j, inputs], found.max[j, inputs] - mean]
            ax.errorbar(mean, y, xerr=np.maximum(reach, 0), fmt="none", ecolor="black", elinewidth=1, capsize=2.5)
    ax.axvline(0, color="black", linewidth=0.8)
    ax.margins(x=0.08, y=0.02)
    ax.invert_yaxis()
    ax.set_xlabel(f"slope of {_outputs(found)} per {found.per}")
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    if len(outputs) > 1:
        ax.legend(title="output")
    return ax


def _heat_map(found: Sensitivities, ax: Axes | None, outputs: list[int], inputs: list[int]) -> Axes:
    """A row for each input and a column for each output, the mean slope as colour and as a number, or its sign."""
    values = found.mean[np.ix_(outputs, inputs)].T
    numbers = values.size <= MOST_NUMBERS
    longest = max(len(_short(found.input_names[k])) for k in inputs)
    width = 1.8 + 0.085 * longest + max(2.4, (0.62 if numbers else 0.32) * len(outputs))
    ax = _canvas.new_axes(ax, (width, 1.9 + 0.24 * len(inputs)))
    reach = float(np.abs(values).max()) or 1.0
    image = ax.imshow(values, cmap=_canvas.diverging(), vmin=-reach, vmax=reach, aspect="auto")
    _write(ax, values, image.to_rgba(values), numbers)
    names = [_short(found.output_names[j]) for j in outputs]
    ax.set_xticks(range(len(outputs)), names, rotation=90 if max(map(len, names)) > 7 or not numbers else 0)
    ax.set_xlabel("output")
    figure = ax.get_figure()
    if figure is not None:
        figure.colorbar(image, ax=ax, label="slope" if found.n_rows == 1 else "mean slope")
    return ax


def _write(ax: Axes, values: NDArray[np.float64], shades: NDArray[np.float64], numbers: bool) -> None:
    """Say by more than the colour what is in each cell."""
    reach = float(np.abs(values).max()) or 1.0
    decimals = int(np.clip(2 - np.floor(np.log10(reach)), 0, 6))
    for (k, j), value in np.ndenumerate(values):
        text = f"{round(value, decimals) + 0.0:+.{decimals}f}" if numbers else "\N{MINUS SIGN}" if value < 0 else ""
        colour = _canvas.ink_on(shades[k, j])
        ax.text(j, k, text, ha="center", va="center", fontsize=7.5, color=colour)


def _title(found: Sensitivities, outputs: list[int], inputs: list[int], bars: bool) -> str:
    """What is drawn; what was left out is counted."""
    between = " " if bars else "\n"  # a heat map is narrow
    lines = [f"How {_outputs(found)} changes with each input,{between}the others held constant"]
    if not bars:
        lines.append(f"slopes per {found.per}")
    if found.n_rows > 1:
        lines.append(f"mean over {found.n_rows} rows" + ("; line: from the smallest to the largest" if bars else ""))
        lines.append("sorted by mean abs, the mean of the sizes")
    varying = len(found.input_names) - len(found.constant)
    for kind, shown, n in (("inputs", len(inputs), varying), ("outputs", len(outputs), len(found.output_names))):
        if shown < n:
            lines.append(f"the {shown} largest of {n} {kind}; {n - shown} are not shown")
    if found.constant:
        lines.append(f"not shown: {count(len(found.constant), 'constant input')}, without a {found.step}")
    return "\n".join(lines)


def _outputs(found: Sensitivities) -> str:
    return _short(found.output_names[0]) if len(found.output_names) == 1 else "each output"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"

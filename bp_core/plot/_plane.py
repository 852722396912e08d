"""The plane of a network's two inputs: the data on it, and the outputs at a grid of points around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bp_core import _checks
from bp_core.network import Network, require_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Real = NDArray[Any]

MARGIN = 0.1
"""How far the picture goes beyond the data, of their extent."""

FINEST = 2000
"""Points along a side: more than most screens have."""

RASTERISED = 3000
"""From so many points they are one image in an SVG."""


def read_rows(picture: str, net: Network, X: object) -> Real:
    """Return the rows of X, of which there are some, all finite, for a network of two inputs."""
    require_network(net)
    if net.layer_sizes[0] != 2:
        raise ValueError(f"this network takes {net.layer_sizes[0]} inputs; {picture} draws networks of two inputs")
    rows, _ = _checks.features(X, 2, row_allowed=False)
    _checks.require_rows(rows)
    _checks.check_finite("X", rows, net.dtype)
    return rows.astype(np.float64)


class Plane:
    """The network's outputs at ``resolution**2`` points around the data."""

    def __init__(self, net: Network, rows: Real, resolution: int) -> None:
        resolution = _checks.whole_number("resolution", resolution, 2, FINEST)
        low, high = rows.min(axis=0), rows.max(axis=0)
        margin = np.where(high > low, MARGIN * (high - low), 0.5)
        self.across, self.up = (np.linspace(low[k] - margin[k], high[k] + margin[k], resolution) for k in (0, 1))
        grid = np.stack(np.meshgrid(self.across, self.up), axis=-1)
        self.outputs = net.predict(grid.reshape(-1, 2)).reshape(*grid.shape[:2], -1).astype(np.float64)

    def paint(self, axes: Axes, colours: Real, **style: Any) -> Any:
        """Draw numbers or colours as an image, over all of the plane."""
        extent = (self.across[0], self.across[-1], self.up[0], self.up[-1])
        return axes.imshow(colours, origin="lower", extent=extent, aspect="auto", zorder=0, **style)

    def line(self, axes: Axes, values: Real, level: float) -> None:
        """Draw a line where the values cross the level, if they do."""
        if values.min() < level < values.max():
            axes.contour(self.across, self.up, values, levels=[level], colors="black", linewidths=1.2, zorder=1)

    def finish(self, axes: Axes, input_names: tuple[str, ...]) -> None:
        """Show all of the plane and nothing more, with the names of the inputs."""
        across, up = input_names
        axes.set(xlim=self.across[[0, -1]], ylim=self.up[[0, -1]], xlabel=across, ylabel=up)

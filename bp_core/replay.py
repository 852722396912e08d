"""Replay: a callback that remembers how a network learned, and writes it as a page to look through."""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _targets, losses, pages
from bp_core._names import read_input_names, read_names
from bp_core.history import Epoch
from bp_core.network import Network, require_network
from bp_core.pages._recording import Recording, Rows, Snapshot
from bp_core.pages._replay_page import page_data

Real = NDArray[Any]
MOST_ROWS = 400
"""Rows that are kept to be shown."""

MOST_BYTES = 1 << 28
"""Memory for snapshots: of a large network fewer are kept."""


class Replay:
    """Remembers snapshots of a network while it is trained, and writes a page with a slider over the epochs.

    Give it to ``Trainer.fit`` as a callback. The parameters before training are recorded at once, and those after the
    last epoch are always there; of those between every second one is dropped whenever there are too many.

    Parameters
    ----------
    net : Network
        The network that will be trained; it is copied, not held.
    X : array_like, (n, n_in)
        Rows to show, best those of the training. Of more than 400 rows so many are kept, evenly spread.
    y : array_like
        Their targets, as for :meth:`Trainer.fit`.
    every : int, default 1
        Keep the parameters after every so many epochs; doubled each time there are too many.
    max_snapshots : int, default 200
        At most so many, 2 or more, in at most 256 MiB.
    input_names : sequence of str, optional
        One for each input. By default the columns of a data frame X, else x1, x2, ...
    class_names : sequence of str, optional
        One for each class: each output of several, or the lower and the higher target of one output.

    Raises
    ------
    ValueError
        If shapes do not fit, a number is not finite, names do not fit or are there twice, or classes are named where y
        holds none.
    TypeError
        If net is no network, X or y hold no numbers, or names are no sequence.

    Notes
    -----
    A callback makes ``fit`` return to Python after every epoch; that takes about 13 microseconds an epoch, and noting
    the loss and copying the parameters 4 more where the network is small. The same Replay may go through several fits,
    also of several trainers of that network; its epochs are numbered on. Where ``patience`` restores the best
    parameters after the last epoch, the replay ends with those of the last.

    Examples
    --------
    >>> import bp_core as bp
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> net = bp.Network((2, 3, 1), hidden="tanh", output="sigmoid", seed=0)
    >>> replay = bp.Replay(net, X, y, max_snapshots=50)
    >>> trainer = bp.Trainer(net, optimizer=bp.SGD(learning_rate=1.0), batch_size="full")
    >>> history = trainer.fit(X, y, epochs=1000, callbacks=[replay])
    >>> replay
    <Replay of 33 snapshots over 1,000 epochs>
    >>> replay.save_html("replay.html")
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        every: int = 1,
        max_snapshots: int = 200,
        input_names: Sequence[str] | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        require_network(net)
        self._net = net.copy()
        self._rows = _choose_rows(net, X, y)
        self._stride = _checks.positive_integer("every", every)
        self._most = _most_snapshots(max_snapshots, net)
        n_in, n_out = net.layer_sizes[0], net.layer_sizes[-1]
        self._input_names = read_input_names(input_names, X, n_in)
        self._class_names = read_names("class_names", class_names, max(2, n_out))
        if self._class_names and self._rows.labels is None:
            raise ValueError(
                "class_names is given, but y holds numbers; expected classes: two targets, or rows of one 1"
            )
        self._epochs, self._losses, self._validation = array("q"), array("d"), array("d")
        self._kept = [(0, net.get_parameters())]
        self._newest = self._kept[0]

    def __call__(self, epoch: Epoch) -> None:
        """Remember an epoch; ``Trainer.fit`` calls this."""
        if epoch.network._structure != self._net._structure:
            raise ValueError(f"this Replay is of {self._net!r}; the trainer trains {epoch.network!r}")
        before = self._epochs[-1] if self._epochs else 0
        self._epochs.append(max(before + 1, epoch.index + 1))
        self._losses.append(epoch.loss)
        self._validation.append(np.nan if epoch.validation_loss is None else epoch.validation_loss)
        count = len(self._epochs)
        self._newest = (count, epoch.network.get_parameters())
        if count % self._stride == 0:
            self._kept.append(self._newest)
            if len(self._kept) >= self._most:  # one less, as the newest comes on top
                self._kept = self._kept[::2]
                self._stride *= 2

    def __len__(self) -> int:
        return len(self.snapshots)

    def __repr__(self) -> str:
        return f"<Replay of {len(self)} snapshots over {len(self._epochs):,} epochs>"

    @property
    def snapshots(self) -> list[Snapshot]:
        """What is kept, from the start to the newest: ``.epoch``, the epochs done by then, and ``.parameters``."""
        newest = [] if self._kept[-1][0] == self._newest[0] else [self._newest]
        return [Snapshot(self._epoch_after(count), parameters) for count, parameters in (*self._kept, *newest)]

    @property
    def loss(self) -> list[float]:
        """The training loss of every epoch, not only of those that are kept."""
        return self._losses.tolist()

    def save_html(
        self,
        path: str | os.PathLike[str],
        *,
        inputs: Sequence[int | str] | None = None,
        title: str = "How the network learned",
    ) -> None:
        """Write one page that needs nothing else: network, output and loss, moving together with a slider.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced once the new one is complete on disk.
        inputs : sequence of two int or str, optional
            Of a network with more than two inputs the two that vary in its pictures, by index or name; the others are
            held at their mean. By default those that the first layer weighs most at the end: with the largest sum of
            abs(W) times the standard deviation of the input.
        title : str, default "How the network learned"

        Raises
        ------
        ValueError
            If ``inputs`` are not two different inputs of the network.
        OSError
            If the file cannot be written; an old file stays as it was.

        Notes
        -----
        Every number on the page is what ``Network.forward`` and ``Network.predict`` give with the parameters recorded.
        The page stays below 5 MB; what was left out or made coarser for that is said at its end.
        """
        recording = Recording(
            self._net.copy(),
            self.snapshots,
            self._epochs.tolist(),
            self.loss,
            self._validation.tolist(),
            self._rows,
            self._input_names,
            self._class_names,
        )
        pages.save(path, pages.fill("replay", title, {"title": title, **page_data(recording, inputs)}))

    def _epoch_after(self, count: int) -> int:
        """Epochs done when ``count`` of them had been seen here."""
        if count:
            return self._epochs[count - 1]
        return self._epochs[0] - 1 if self._epochs else 0


def _choose_rows(net: Network, X: ArrayLike, y: ArrayLike) -> Rows:
    """The rows to show, checked and copied; which they are if there are too many."""
    rows, _ = _checks.features(X, net.layer_sizes[0], row_allowed=False)
    _checks.require_rows(rows)
    n = rows.shape[0]
    _checks.check_finite("X", rows, net.dtype)
    loss, _ = losses.resolve("auto", net.output)
    targets = _targets.check(y, n, net.layer_sizes[-1], loss, net.dtype)
    kept: Real = targets.rows if targets.classes is None else targets.classes  # type: ignore[assignment]
    if loss == "cross_entropy" and kept.ndim == 2:
        kept = kept.argmax(axis=1)
    which = np.arange(n) if n <= MOST_ROWS else np.linspace(0, n - 1, MOST_ROWS).round().astype(np.int64)
    return Rows(which, np.array(rows[which], np.float64), np.array(kept[which], np.float64), n)


def _most_snapshots(max_snapshots: int, net: Network) -> int:
    most = _checks.whole_number("max_snapshots", max_snapshots, 2, other="for the start and the end")
    return max(2, min(most, MOST_BYTES // (net.n_parameters * net.dtype.itemsize)))

"""A sweep: the same start trained at several learning rates side by side, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bp_core import _checks, _threads, optimizers
from bp_core.learning_rates import _saturation, verdicts
from bp_core.learning_rates._rates import read_rates
from bp_core.learning_rates._side_by_side import SideBySide, StoppableTrainer, Training
from bp_core.learning_rates.sweep_result import Sweep
from bp_core.losses import LossLike
from bp_core.network import Network
from bp_core.optimizers import Optimizer


def sweep_learning_rates(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    learning_rates: float | Iterable[float] = (0.001, 0.003, 0.01, 0.03, 0.1),
    *,
    epochs: int = 30,
    optimizer: Optimizer | str = "sgd",
    loss: LossLike = "auto",
    batch_size: int | str = 32,
    seed: int | None = 0,
    validation_data: Sequence[ArrayLike] | None = None,
    n_threads: int | None = None,
) -> Sweep:
    """Train copies of a network at several learning rates side by side, and say what became of each.

    Parameters
    ----------
    net : Network
        The start of every training; it is not changed.
    X, y, epochs
        As for :meth:`Trainer.fit`.
    learning_rates : float or iterable of float
        Positive numbers that differ; taken in ascending order.
    optimizer : str or optimizer, default "sgd"
        Its learning rate is replaced by each of the rates, its other settings hold for all.
    loss, batch_size
        As for :class:`Trainer`.
    seed : int, optional
        Of the orders of the rows: the same orders for every rate. None: new ones each time.
    validation_data : (X, y) or (X, y, sample_weight), optional
        Its loss is taken after every epoch, and decides which of the converging rates is recommended.
    n_threads : int, optional
        At most so many trainings at the same time, one thread each. None: as many as there are usable cores. The result
        does not depend on it.

    Returns
    -------
    Sweep
        ``print`` it, or show it in a notebook; ``.best``, ``.verdicts``, ``.losses``, ``.networks``, ``.plot()``.

    Raises
    ------
    ValueError
        If no rate is given, a rate is not positive or given twice, if the loss is not finite before any training, and
        as for :meth:`Trainer.fit`.
    TypeError
        If net is no network.
    KeyboardInterrupt
        Goes on once all trainings have stopped.

    Notes
    -----
    The *first loss* is that of ``net`` over all rows. The losses of a training are those of its epochs: the mean over
    the rows of the batch losses, each before its update. Its *end* is their mean over the last tenth of the epochs,
    rounded up; its *fall* the first loss minus the end. The first of these that holds is the verdict:

    ===========  =========================================================================================
    diverges     a loss or a parameter is not finite, or the end is above the first loss
    unstable     the loss rises in more than a third of the steps from one epoch to the next; a rise of
                 less than a thousandth of the first loss does not count
    crawls       the fall is under half of the best rate's fall, or there is none; the best rate is the one
                 with the largest fall among those that do not diverge
    converges    else
    ===========  =========================================================================================

    Epochs are counted from 0, as in :attr:`History.index`.

    Recommended is the converging rate with the lowest end, that of the validation loss where there is one; of an
    unstable rate that ended lower it is said. Where a training diverges or crawls and its loss stands still, the
    network's forward pass is looked at: if more than half of its sigmoid and tanh activations lie within 0.01 of their
    limits, the reason says so. (Outputs count only where it diverges: those of a network that is right stand there.)

    Examples
    --------
    >>> import bp_core as bp
    >>> net = bp.Network((2, 3, 1), hidden="sigmoid", output="sigmoid", bias="layer", seed=0)
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    >>> sweep = bp.sweep_learning_rates(net, X, y, (0.01, 1, 1000), epochs=5000, batch_size="full")
    >>> sweep.verdicts, sweep.best
    (('crawls', 'converges', 'diverges'), 1.0)
    """
    if not isinstance(net, Network):
        raise TypeError(f"net is {type(net).__name__}; expected a bp.Network")
    rates = tuple(sorted(read_rates(learning_rates)))
    epochs = _checks.positive_integer("epochs", epochs)
    _checks.check_threads(n_threads)
    rows, _ = _checks.features(X, net.layer_sizes[0], row_allowed=False)
    data = rows, _checks.numeric("y", y)
    seed = _checks.check_seed(seed)
    settings: dict[str, Any] = {"loss": loss, "batch_size": batch_size, "n_threads": 1}
    settings["seed"] = int(np.random.SeedSequence().entropy) if seed is None else seed  # type: ignore[arg-type]
    chosen = optimizers.resolve(optimizer)
    trainers = [StoppableTrainer(net.copy(), optimizer=optimizers.at_rate(chosen, rate), **settings) for rate in rates]
    first_loss = _first_loss(net, data, loss)
    trainings = [Training(trainer, data, validation_data, epochs) for trainer in trainers]
    SideBySide(trainings).run(min(len(rates), _threads.usable() if n_threads is None else n_threads))
    return _conclude(rates, first_loss, epochs, trainings, rows)


def _first_loss(net: Network, data: tuple[Any, Any], loss: LossLike) -> float:
    """The loss before any training, which must be finite for anything to be compared with it."""
    first = net.loss(*data, loss=loss)
    if not np.isfinite(first):
        raise ValueError(f"the loss is {first} before any training; expected a finite one: scale the inputs or targets")
    return first


def _conclude(
    rates: tuple[float, ...], first_loss: float, epochs: int, trainings: list[Training], rows: NDArray[Any]
) -> Sweep:
    """The verdicts, with a look at the units of those that stand still."""
    losses = [training.losses for training in trainings]
    judged = verdicts.judge(first_loss, losses, [training.finite for training in trainings])
    for i, training in enumerate(trainings):
        diverges = judged[i].name == verdicts.DIVERGES
        ended_badly = diverges or judged[i].name == verdicts.CRAWLS
        if training.finite and ended_badly and verdicts.stands_still(first_loss, losses[i]):
            judged[i] = judged[i].adding(_saturation.remark(training.trainer.network, rows, outputs=diverges))
    networks = tuple(training.trainer.network for training in trainings)
    watched = tuple(training.validation_losses for training in trainings)
    return Sweep(rates, first_loss, epochs, tuple(losses), watched, networks, tuple(judged))

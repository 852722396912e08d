"""The error that only this library raises."""


class DivergenceError(ArithmeticError):
    """The loss became infinite or NaN during training.

    The network is back at its newest parameters that were all finite; the optimizer's state starts
    afresh. A smaller learning rate, scaled inputs or ``clip_norm`` usually help.

    Attributes
    ----------
    epoch : int
        Index of the epoch in which the loss stopped being finite.
    learning_rate : float
        The learning rate of that epoch.
    """

    def __init__(self, epoch: int, learning_rate: float) -> None:
        super().__init__(
            f"the loss is no longer finite in epoch {epoch} at learning rate {learning_rate:g}; the network is back "
            "at its newest finite parameters; try a smaller learning rate, scaled inputs or clip_norm"
        )
        self.epoch = epoch
        self.learning_rate = learning_rate

    def __reduce__(self) -> tuple[type["DivergenceError"], tuple[int, float]]:
        return type(self), (self.epoch, self.learning_rate)

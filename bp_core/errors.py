"""The error that only this library raises."""


class DivergenceError(ArithmeticError):
    """The loss, or a parameter, became infinite or NaN during training.

    After ``fit`` the network is back at its newest parameters that were all finite, and the optimizer's
    state starts afresh; ``step`` leaves the parameters as they were before it. A smaller learning rate,
    scaled inputs or ``clip_norm`` usually help.

    Attributes
    ----------
    epoch : int
        Index of the epoch in which it happened.
    learning_rate : float
        The learning rate of that step; 0 where the method has none.
    """

    def __init__(self, epoch: int, learning_rate: float, what: str, outcome: str) -> None:
        at = f" at learning rate {learning_rate:g}" if learning_rate else ""
        advice = "a smaller learning rate, scaled inputs or clip_norm" if learning_rate else "scaled inputs"
        super().__init__(f"{what} in epoch {epoch}{at}; {outcome}; try {advice}")
        self.epoch = epoch
        self.learning_rate = learning_rate
        self._words = what, outcome

    def __reduce__(self) -> tuple[type["DivergenceError"], tuple[int, float, str, str]]:
        return type(self), (self.epoch, self.learning_rate, *self._words)

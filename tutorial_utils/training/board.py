"""A run as TensorBoard shows it: curves of steps and epochs, pictures and sounds."""

from pathlib import Path

import numpy as np

from tutorial_utils.training.excerpts import Excerpt

FOLDER = "runs"


class Board:
    """Writes into ``runs/``, or nothing where it was not asked for.

    Raises
    ------
    ImportError
        If it was asked for, and TensorBoard is not installed.
    """

    def __init__(self, run: Path, wanted: bool):
        self.place, self.wanted, self.writer = run / FOLDER, wanted, None
        if wanted:
            try:
                import tensorboard  # noqa: F401
            except ImportError:
                raise ImportError(
                    "tensorboard=true needs TensorBoard. Install it, with pip install "
                    "'tutorial-utils[tensorboard]', or set tensorboard=false."
                ) from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.writer:
            self.writer.close()

    def back_to(self, step: int) -> None:
        """Begin to write; what comes stands in place of what was written after a step."""
        if self.wanted:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(self.place, purge_step=step + 1)

    def step(self, step: int, loss: float, norm: float, optimizer) -> None:
        """The loss, the gradient's norm before clipping, and the learning rates."""
        if self.writer:
            self.writer.add_scalar("loss/training", loss, step)
            self.writer.add_scalar("gradient/norm", norm, step)
            for number, group in enumerate(optimizer.param_groups):
                self.writer.add_scalar(f"learning rate/group {number}", group["lr"], step)

    def epoch(self, step: int, loss: float) -> None:
        """The validation loss."""
        if self.writer:
            self.writer.add_scalar("loss/validation", loss, step)

    def excerpt(self, step: int, excerpt: Excerpt) -> None:
        """The picture of an excerpt, and its sounds in mono at one common scale."""
        if not self.writer:
            return
        import matplotlib.image

        image = matplotlib.image.imread(excerpt.picture)
        self.writer.add_image(f"excerpt {excerpt.name}", image, step, dataformats="HWC")
        peak = max(float(np.abs(track).max()) for track in excerpt.tracks.values())
        for name, track in excerpt.tracks.items():
            sound = track.mean(0, keepdims=True) / max(peak, 1e-9)
            self.writer.add_audio(
                f"excerpt {excerpt.name}/{name}", sound, step, excerpt.sample_rate
            )

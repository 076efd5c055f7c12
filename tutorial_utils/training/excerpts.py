"""What a model makes of a few mixtures that are held out, to be heard and to be looked at.

::

    audio/1/        the first mixture, its residual, estimates and references, as float wav
    images/1.png    their spectrograms
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch

from tutorial_utils import files

AUDIO, IMAGES = "audio", "images"


@dataclass(frozen=True)
class Excerpt:
    """A mixture and its parts, each of shape (channels, samples), and where their picture is."""

    name: str
    tracks: dict[str, np.ndarray]
    sample_rate: int
    picture: Path


def write(run: Path, model, mixtures: torch.Tensor, sources: torch.Tensor) -> list[Excerpt]:
    """Separate mixtures, and write sounds and pictures into a run's folder.

    Parameters
    ----------
    run : Path
    model : Separator
        In eval mode. Mixtures are given to it one by one.
    mixtures : tensor of shape (batch, channels, samples)
    sources : tensor of shape (batch, sources, channels, samples)
        In the order of the model's labels.

    Returns
    -------
    list of Excerpt
        Their tracks are the mixture, the residual (the mixture without all estimates), and the
        estimate and reference of each source. They are not scaled, and float files do not clip.
    """
    device = next(model.parameters()).device
    made = []
    for number, (mixture, references) in enumerate(zip(mixtures, sources, strict=True), 1):
        with torch.no_grad():
            estimates = model(mixture[None].to(device))[0].float().cpu()
        tracks = {"mixture": mixture, "residual": mixture - estimates.sum(0)}
        for label, estimate, reference in zip(model.labels, estimates, references, strict=True):
            tracks |= {f"{label} (estimate)": estimate, f"{label} (reference)": reference}
        tracks = {name: track.numpy() for name, track in tracks.items()}
        folder, picture = run / AUDIO / str(number), run / IMAGES / f"{number}.png"
        folder.mkdir(parents=True, exist_ok=True)
        picture.parent.mkdir(exist_ok=True)
        for name, track in tracks.items():
            wav = io.BytesIO()  # libsndfile itself does not always say that a disk is full
            soundfile.write(wav, track.T, model.sample_rate, "FLOAT", format="WAV")
            with files.whole_file(folder / f"{name}.wav") as temporary:
                temporary.write_bytes(wav.getvalue())
        _draw(picture, tracks, model.sample_rate)
        made.append(Excerpt(str(number), tracks, model.sample_rate, picture))
    return made


def _draw(path, tracks, sample_rate):
    import matplotlib.pyplot as plt

    from tutorial_utils import plots

    figure = plots.sources(tracks, sample_rate, kind="spectrogram")
    with files.whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)
    plt.close(figure)  # or a notebook would show it below the cell that trains

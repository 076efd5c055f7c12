"""Separating audio with a trained model."""

import numpy as np
import torch

from tutorial_utils.audio import AudioError, as_channels, require_finite


def separate(model: torch.nn.Module, audio: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
    """Estimate the sources of a mixture.

    Parameters
    ----------
    model : torch.nn.Module
        A model of :mod:`tutorial_utils.models`, on any device.
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz
        Must be the rate that the model is for.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
        One estimate a source, on the CPU.

    Raises
    ------
    AudioError
        If the rate is not the model's, or the audio is not finite or has no samples.
    """
    audio = require_finite(as_channels(audio), "The mixture")
    if sample_rate != model.sample_rate:
        raise AudioError(
            f"The model is for {model.sample_rate} Hz and the audio has {sample_rate} Hz. "
            "Resample it first with tutorial_utils.audio.resample."
        )
    if audio.shape[1] == 0:
        raise AudioError("The mixture has no samples.")
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            estimates = model(torch.from_numpy(audio)[None].to(device))[0].cpu().numpy()
    finally:
        model.train(training)
    return dict(zip(model.labels, estimates, strict=True))

"""What a model is asked, and separating a recording that is in memory."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from tutorial_utils.audio import (
    AudioError,
    as_channels,
    hertz,
    require_finite,
    resample,
    with_channels,
)
from tutorial_utils.separation.segments import Grid, joined
from tutorial_utils.text import shown

RESIDUAL = "residual"
_ROOM = 0.5  # seconds within which segments are shifted


@dataclass(frozen=True)
class Settings:
    """How a recording is separated; see :func:`separate` for what each means.

    Raises
    ------
    ValueError
        If one of them makes no sense.
    """

    segment: float = 10.0
    overlap: float = 0.25
    context: float = 1.0
    shifts: int = 0
    batch_size: int = 1
    two_stems: str | None = None
    residual: bool = False
    consistent: bool = False

    def __post_init__(self):
        for name, within, wanted in (
            ("segment", 0 < self.segment < np.inf, "a number of seconds above 0"),
            ("overlap", 0 <= self.overlap <= 0.5, "a share of a segment, from 0 to 0.5"),
            ("context", 0 <= self.context < np.inf, "a number of seconds, 0 or more"),
            ("shifts", self.shifts >= 0 and self.shifts == int(self.shifts), "0 or more"),
            ("batch_size", self.batch_size >= 1, "1 or more"),
        ):
            if not within:
                raise ValueError(f"{name}={getattr(self, name)} makes no sense. Give {wanted}.")

    def grid(self, samples: int, sample_rate: int) -> Grid:
        segment = max(1, round(self.segment * sample_rate))
        overlap = int(self.overlap * segment)
        return Grid(samples, segment, overlap, round(self.context * sample_rate))

    def offsets(self, sample_rate: int) -> list[int]:
        """The shifts in samples: none, or that many at random, the same ones each time."""
        if not self.shifts:
            return [0]
        random = np.random.default_rng(0)
        return random.integers(0, max(1, round(_ROOM * sample_rate)), self.shifts).tolist()


def separate(
    model,
    audio: np.ndarray,
    sample_rate: int,
    *,
    segment: float = Settings.segment,
    overlap: float = Settings.overlap,
    context: float = Settings.context,
    shifts: int = Settings.shifts,
    batch_size: int = Settings.batch_size,
    two_stems: str | None = None,
    residual: bool = False,
    consistent: bool = False,
    device: str | torch.device | None = None,
    progress: bool = False,
) -> dict[str, np.ndarray]:
    r"""Estimate the sources of a mixture of any length, sample rate and number of channels.

    **A model** is anything with ``labels`` and ``sample_rate`` that can be called with mixtures of
    shape (batch, channels, samples) and returns estimates of shape (batch, sources, channels,
    samples), all tensors. If it works with a certain number of channels only, it says so by
    ``channels``. So two lines make a model of any function::

        model.labels, model.sample_rate = ("vocals", "accompaniment"), 44100
        estimates = tu.separate(model, audio, sample_rate)

    Parameters
    ----------
    model : callable
        As above. A ``torch.nn.Module`` is put into evaluation mode, and left as it was afterwards.
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz
        If it is not the model's, the mixture is converted, and the estimates back.
    segment : float, in seconds
        What the model is given at a time, without context. A shorter recording is given whole.
    overlap : float
        The least overlap of two segments, as a share of a segment; they are crossfaded there.
    context : float, in seconds
        What the model is given besides, on both sides of a segment; its estimates of it are thrown
        away.
    shifts : int
        If not 0, the mean of that many estimates, for which segments begin up to 0.5 s earlier, at
        random. That helps models for which it matters where a segment begins (Défossez et al.,
        2019), and takes that many times as long.
    batch_size : int
        Segments that the model is given at once.
    two_stems : str, optional
        Keep the estimate of this label, and sum up the others: to "accompaniment" for "vocals", to
        "no_drums" for "drums", and so on.
    residual : bool
        Also give what the estimates leave of the mixture, as "residual".
    consistent : bool
        Spread that equally over the estimates, so that they sum to the mixture (mixture
        consistency; Wisdom et al., 2019).
    device : str or torch.device, optional
        Where to compute, for a ``torch.nn.Module``; by default where the model is.
    progress : bool
        Show a bar.

    Returns
    -------
    dict of str to array of shape (channels, samples), float32
        One estimate for each label, as long as the mixture, with its rate and channels. A mono
        mixture is repeated for a model with two channels, and the estimates are averaged. Of more
        channels than the model has, each group of so many is separated on its own.

    Raises
    ------
    AudioError
        If the audio has no samples, or some that are not finite.
    ValueError
        If a setting makes no sense, ``two_stems`` is no label, or the model does not keep to what
        is asked of a model.

    References
    ----------
    A. Défossez, N. Usunier, L. Bottou and F. Bach, "Music source separation in the waveform
    domain", arXiv:1911.13254, 2019; S. Wisdom, J. R. Hershey, K. Wilson, J. Thorpe, M. Chinen,
    B. Patton and R. A. Saurous, "Differentiable consistency constraints for improved deep speech
    enhancement", ICASSP 2019.
    """
    settings = Settings(
        segment, overlap, context, shifts, batch_size, two_stems, residual, consistent
    )
    audio = require_finite(as_channels(audio), "The mixture")
    sample_rate = hertz(sample_rate)
    if audio.shape[1] == 0:
        raise AudioError("The mixture has no samples. Is its file empty?")
    with Estimator(model, len(audio), settings, device) as estimator:
        mixture = resample(audio, sample_rate, estimator.sample_rate)
        if mixture.shape[1] == 0:  # of one sample or two, at a lower rate
            mixture = audio[:, :1]

        def read(first, count):
            return excerpt(mixture, first, count)

        found = []
        with bar_of("separating", mixture.shape[1], estimator.sample_rate, not progress) as bar:
            for part in estimator.parts(read, mixture.shape[1]):
                found.append(part)
                bar.update(part.shape[-1])
    estimates = np.concatenate(found, axis=-1)
    converted = np.stack(
        [
            of_length(resample(one, estimator.sample_rate, sample_rate), audio.shape[1])
            for one in estimates
        ]
    )
    return dict(zip(estimator.names, estimator.finished(converted, audio), strict=True))


def _device(name) -> torch.device:
    """A device of this machine."""
    kinds = ["cpu", *(kind for kind in ("cuda", "mps") if getattr(torch, kind).is_available())]
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"There is no device '{shown(name)}': {shown(error)}") from None
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in kinds or (device.index or 0) >= count:
        raise ValueError(
            f"This machine has no device '{shown(name)}' that PyTorch can use. It has: "
            f"{', '.join(kinds)}."
        )
    return device


class Estimator:
    """A model, made ready for a recording: on its device, and asked in the groups that it takes.

    Parameters
    ----------
    model, device
        As for :func:`separate`.
    channels : int
        Of the recording.
    settings : Settings

    Attributes
    ----------
    sample_rate : int
        The model's.
    names : list of str
        Of what :meth:`finished` returns.
    """

    def __init__(self, model, channels: int, settings: Settings, device=None):
        self.model, self.settings, self.channels = model, settings, channels
        try:
            self.labels, self.sample_rate = [*map(str, model.labels)], hertz(model.sample_rate)
        except (AttributeError, TypeError) as error:
            raise ValueError(
                f"{shown(type(model).__name__)} is no model, which has labels and a sample_rate, "
                f"and can be called ({shown(error)})."
            ) from error
        self.groups = _groups(channels, getattr(model, "channels", None))
        chosen = settings.two_stems
        if chosen is not None and chosen not in self.labels:
            raise ValueError(
                f"The model has no source '{shown(chosen)}'. It has: {', '.join(self.labels)}."
            )
        self.names = list(self.labels)
        if chosen is not None:
            self.names = [chosen, "accompaniment" if chosen == "vocals" else f"no_{chosen}"]
        if settings.residual:
            self.names.append(RESIDUAL)
        self.device = torch.device("cpu")
        self._before = None
        if isinstance(model, torch.nn.Module):
            tensor = next(iter([*model.parameters(), *model.buffers()]), None)
            here = torch.device("cpu") if tensor is None else tensor.device
            self.device = here if device is None else _device(device)
            self._before = here, model.training

    def __enter__(self):
        if self._before:
            self.model.to(self.device).eval()
        return self

    def __exit__(self, *_):
        if self._before:
            device, training = self._before
            self.model.to(device).train(training)

    def parts(self, read, samples: int) -> Iterator[np.ndarray]:
        """Estimates of all labels, from the first sample to the last, part by part.

        Parameters
        ----------
        read : callable
            ``read(first, count)`` gives samples of shape (channels, count) at the model's rate,
            and zeros where there are none.
        samples : int
            At the model's rate.

        Yields
        ------
        array of shape (sources, channels, some samples), float32
        """
        settings = self.settings
        grid = settings.grid(samples, self.sample_rate)
        shifts = settings.offsets(self.sample_rate)
        yield from joined(grid, read, self._estimate, settings.batch_size, shifts)

    def finished(self, estimates: np.ndarray, mixture: np.ndarray) -> np.ndarray:
        """Estimates as they were asked for, in the order of ``names``.

        Parameters
        ----------
        estimates : array of shape (sources, channels, samples)
        mixture : array of shape (channels, samples)
        """
        settings = self.settings
        if settings.consistent:
            estimates = estimates + (mixture - estimates.sum(0)) / np.float32(len(estimates))
        left = mixture - estimates.sum(0)
        if settings.two_stems is not None:
            one = self.labels.index(settings.two_stems)
            others = np.delete(estimates, one, axis=0).sum(0)
            estimates = np.stack([estimates[one], others])
        return np.concatenate([estimates, left[None]]) if settings.residual else estimates

    def _estimate(self, batch):
        """From (batch, channels, samples) to (batch, sources, channels, samples), as arrays."""
        count, channels, samples = batch.shape
        given = np.concatenate([batch[:, group] for group in self.groups])
        with torch.inference_mode():
            found = self.model(torch.from_numpy(given).to(self.device))
        wanted = (len(given), len(self.labels), given.shape[1], samples)
        if tuple(np.shape(found)) != wanted:
            raise ValueError(
                f"The model was given mixtures of shape {given.shape} and returned "
                f"{tuple(np.shape(found))}, not (batch, sources, channels, samples) = {wanted}."
            )
        found = torch.as_tensor(found).cpu().numpy().astype(np.float32, copy=False)
        if not np.isfinite(found).all():
            raise ValueError(
                "The model returned NaN or infinite samples. Look at its weights, and whether it "
                "can take silence."
            )
        estimates = np.zeros((count, len(self.labels), channels, samples), np.float32)
        times = np.zeros((channels, 1), np.float32)
        for number, group in enumerate(self.groups):
            part = found[number * count : (number + 1) * count]
            for place, channel in enumerate(group):
                estimates[:, :, channel] += part[:, :, place]
                times[channel] += 1
        return estimates / times


def _groups(channels, wanted):
    """The channels that a model is given at a time, which are as many as it wants."""
    if wanted is None:
        return [list(range(channels))]
    firsts = range(0, channels, wanted)
    groups = [np.arange(first, min(first + wanted, channels)) for first in firsts]
    return [with_channels(group[:, None], wanted)[:, 0].tolist() for group in groups]


def excerpt(audio: np.ndarray, first: int, count: int) -> np.ndarray:
    """Samples of shape (channels, count), with zeros before the first and after the last one."""
    inside = audio[:, max(0, first) : max(0, first + count)]
    before = min(count, max(0, -first))
    return np.pad(inside, [(0, 0), (before, count - before - inside.shape[1])])


def of_length(audio: np.ndarray, samples: int) -> np.ndarray:
    """Audio of exactly so many samples: rounding in resampling leaves one too many, or too few."""
    return excerpt(audio, 0, samples)


def bar_of(title: str, samples: int, sample_rate: int, hidden: bool = False, **options) -> tqdm:
    """A progress bar that is moved by samples and shows seconds."""
    return tqdm(
        total=samples,
        desc=title,
        disable=hidden,
        unit="s",
        unit_scale=1 / sample_rate,
        bar_format="{l_bar}{bar}| {n:.0f} of {total:.0f} s [{elapsed}, {remaining} to go]",
        **options,
    )


def fingerprint(model) -> str | None:
    """What tells the weights of a module, or None of another model."""
    if not isinstance(model, torch.nn.Module):
        return None
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()[:16]

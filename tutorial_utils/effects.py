"""Equaliser, compressor and reverb: the effects that a mixing engineer puts on nearly every stem.

They are here one by one, and as a :class:`Chain` of all three whose settings are drawn from a seed.
Random effects make more stems of few, and stems by other hands: a model that is to separate any
song should not know one engineer's taste alone (Koo et al. 2023 train with such chains).

TinyStems are mixed with the same three.

References
----------
R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter coefficients", published as
a W3C note, 2021.

D. Giannoulis, M. Massberg and J. D. Reiss, "Digital Dynamic Range Compressor Design -- A Tutorial
and Analysis", Journal of the Audio Engineering Society 60(6), 2012.

J. A. Moorer, "About This Reverberation Business", Computer Music Journal 3(2), 1979: a room answers
much as noise does that dies away exponentially.

J. Koo, M. A. Martínez-Ramírez, W.-H. Liao, S. Uhlich, K. Lee and Y. Mitsufuji, "Music Mixing Style
Transfer: A Contrastive Learning Approach to Disentangle Audio Effects", ICASSP 2023.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal

from tutorial_utils import mastering
from tutorial_utils.audio import as_channels, hertz, require_finite

SEEDS = 2**32
"""Seeds of chains are whole numbers from 0 up to this one, which is not among them."""

_HIGHEST = 0.45  # of the sample rate: a filter's frequency has to stay below half of it
_BLOCK = 64 / 44100  # seconds for which the compressor takes one level
_KNEE = 12.0  # dB
_LONGEST = 3.0  # seconds of a room's response
# What the bands of a room's response span, in Hz, and how long they sound, relative to the middle.
_ROOM_BANDS = (
    (120, 500, lambda bright: 1.1),
    (500, 2000, lambda bright: 1.0),
    (2000, 6000, lambda bright: 0.45 + 0.45 * bright),
    (6000, 14000, lambda bright: 0.2 + 0.5 * bright),
)


# Equaliser


def butter(kind: str, frequency, order: int = 2, *, sample_rate: float) -> np.ndarray:
    """Butterworth ``"lowpass"``, ``"highpass"`` or ``"bandpass"`` as second-order sections."""
    return scipy.signal.butter(order, frequency, kind, fs=sample_rate, output="sos")


def peak(frequency: float, decibels: float, q: float = 1.0, *, sample_rate: float) -> np.ndarray:
    """A bell of an equaliser (Bristow-Johnson's) as one section."""
    a = 10.0 ** (decibels / 40.0)
    w = 2 * np.pi * frequency / sample_rate
    alpha = np.sin(w) / (2 * q)
    c = -2 * np.cos(w)
    b = np.array([1 + alpha * a, c, 1 - alpha * a, 1 + alpha / a, c, 1 - alpha / a])
    return (b / b[3])[None]


def shelf(kind: str, frequency: float, decibels: float, *, sample_rate: float) -> np.ndarray:
    """A ``"low"`` or ``"high"`` shelf with slope 1 (Bristow-Johnson's) as one section."""
    a = 10.0 ** (decibels / 40.0)
    w = 2 * np.pi * frequency / sample_rate
    s = 1 if kind == "low" else -1
    c = np.cos(w)
    beta = 2 * np.sqrt(a) * np.sin(w) / np.sqrt(2)
    section = np.array(
        [
            a * ((a + 1) - s * (a - 1) * c + beta),
            s * 2 * a * ((a - 1) - s * (a + 1) * c),
            a * ((a + 1) - s * (a - 1) * c - beta),
            (a + 1) + s * (a - 1) * c + beta,
            -s * 2 * ((a - 1) + s * (a + 1) * c),
            (a + 1) + s * (a - 1) * c - beta,
        ]
    )
    return (section / section[3])[None]


def equalise(sound: np.ndarray, *sections: np.ndarray) -> np.ndarray:
    """Filter with all the sections, one after the other, along the last axis: float32."""
    # In double precision: the poles of a 30 Hz filter lie too near the unit circle for float32.
    return scipy.signal.sosfilt(np.concatenate(sections), sound).astype(np.float32)


# Compressor


def compressor_gain(
    sound: np.ndarray,
    threshold: float,
    ratio: float,
    attack: float = 0.005,
    release: float = 0.12,
    *,
    sample_rate: float,
) -> np.ndarray:
    """Gain curve of a compressor for sounds of any level.

    It is the compressor of :mod:`tutorial_utils.mastering` but for two things. The threshold is
    relative to the sound, so that it does not matter how loud that comes in. And the level is taken
    in blocks of 1.5 ms, with straight lines between them, which is many times faster.

    Parameters
    ----------
    sound : array of shape (..., samples)
        What the compressor listens to, all channels together.
    threshold : float, in dB
        Relative to the peak level that a twentieth of the blocks that sound exceed.
    ratio : float, at least 1
    attack, release : float, in seconds
    sample_rate : float, in Hz

    Returns
    -------
    array of shape (samples,), float32
    """
    block = max(round(_BLOCK * sample_rate), 1)
    samples = sound.shape[-1]
    edges = np.arange(0, samples, block)
    peaks = np.maximum.reduceat(np.abs(np.atleast_2d(sound)).max(axis=0), edges)
    sounding = peaks[peaks >= 1e-3 * peaks.max()]
    loud = np.sort(sounding)[int(0.95 * (len(sounding) - 1))]
    over = 20 * np.log10(peaks / max(float(loud), 1e-9) + 1e-6) - threshold
    reduction = mastering.smoothed(
        mastering.reduction(over, ratio, _KNEE), block / sample_rate, attack, release
    )
    curve = np.interp(np.arange(samples), edges + block // 2, reduction)
    return (10 ** (-curve / 20)).astype(np.float32)


# Reverb


def room(
    seconds: float,
    bright: float,
    noise: np.ndarray,
    reflections: Iterable[tuple[float, int, int]],
    sample_rate: float,
) -> np.ndarray:
    """Impulse response of a room: early reflections in a diffuse tail.

    Parameters
    ----------
    seconds : float
        The time in which the middle frequencies fall by 60 dB; high ones fall sooner.
    bright : float, from 0 to 1
        The higher, the longer high frequencies sound.
    noise : array of shape (channels, samples)
        White noise as long as :func:`room_samples` says, of which the tail is made.
    reflections : iterable of (float, int, int)
        When each comes, in seconds, in which channel, and its sign.
    sample_rate : float, in Hz

    Returns
    -------
    array of shape (channels, samples), float32
        With an energy of 1 in each channel, on average.
    """
    t = np.arange(noise.shape[1]) / sample_rate
    tail = np.zeros(noise.shape, dtype=np.float32)
    for low, high, share in _ROOM_BANDS:
        high = min(high, _HIGHEST * sample_rate)
        if low >= high:
            break
        band = equalise(noise, butter("bandpass", (low, high), 1, sample_rate=sample_rate))
        tail += band * np.exp(-6.9 * t / (seconds * share(bright))).astype(np.float32)
    tail *= (1 - np.exp(-t / 0.012)).astype(np.float32)
    strength = 6 * np.sqrt(sample_rate / 44100)  # The tail's energy grows with the rate, too.
    for time, channel, sign in reflections:
        at = round(time * sample_rate)
        if at < len(t):
            tail[channel, at] += sign * strength * np.exp(-at / (sample_rate * 13 / 441))
    return tail / np.sqrt(np.sum(tail**2) / len(tail))


def room_samples(seconds: float, sample_rate: float) -> int:
    """Length of a :func:`room`'s impulse response."""
    return round(min(seconds * 1.1, _LONGEST) * sample_rate)


def reverb(sound: np.ndarray, response: np.ndarray) -> np.ndarray:
    """What a room answers: each channel convolved with its response, and as long as the sound."""
    size = scipy.fft.next_fast_len(sound.shape[1] + response.shape[1], real=True)
    spectrum = scipy.fft.rfft(sound, size) * scipy.fft.rfft(response, size)
    return scipy.fft.irfft(spectrum, size)[:, : sound.shape[1]]


# All three, drawn from a seed


class Band(NamedTuple):
    """One band of an equaliser.

    ``kind`` is "high-pass" (12 dB per octave), "low shelf", "bell" or "high shelf". ``frequency``
    is in Hz, ``decibels`` the boost or cut of all but the high-pass, ``q`` the quality of a bell.
    """

    kind: str
    frequency: float
    decibels: float = 0.0
    q: float = 0.0

    def section(self, sample_rate: float) -> np.ndarray:
        """The filter as one second-order section."""
        match self.kind:
            case "high-pass":
                return butter("highpass", self.frequency, sample_rate=sample_rate)
            case "bell":
                return peak(self.frequency, self.decibels, self.q, sample_rate=sample_rate)
        side = self.kind.removesuffix(" shelf")
        return shelf(side, self.frequency, self.decibels, sample_rate=sample_rate)

    def __str__(self):
        text = f"{self.kind:<12}{_hertz(self.frequency):>7}"
        if self.kind != "high-pass":
            text += f"  {self.decibels:+5.1f} dB"
        return text + (f"  Q {self.q:.1f}" if self.kind == "bell" else "")


@dataclass(frozen=True, repr=False)
class Chain:
    """An equaliser, a compressor and a reverb, in this order. Call it with audio and sample rate.

    Attributes
    ----------
    seed : int
        From which the settings were drawn, and the noise that the reverb is made of.
    bands : tuple of Band
        The equaliser.
    threshold : float, in dB
        From which level on the compressor works, relative to the loud parts of the sound.
    ratio : float
    attack, release : float, in seconds
    decay : float, in seconds
        The time in which the reverb falls by 60 dB.
    bright : float, from 0 to 1
        The higher, the more high frequencies the reverb has.
    wet : float, in dB
        Level of the reverb, relative to the sound that goes into it.
    """

    seed: int
    bands: tuple[Band, ...]
    threshold: float
    ratio: float
    attack: float
    release: float
    decay: float
    bright: float
    wet: float

    def __call__(self, audio: np.ndarray, sample_rate: int) -> np.ndarray:
        """Process audio of shape (channels, samples); the result is as long, in float32.

        What sounds before the audio begins is not known, so its reverb is not there, and the reverb
        of its end is cut off. Bands that lie above what the sample rate can hold are left out. The
        result may be louder than full scale.

        Raises
        ------
        AudioError
            If the audio is not of this shape, or holds samples that are not finite, or the sample
            rate is none.
        """
        audio, sample_rate = require_finite(as_channels(audio), "The audio"), hertz(sample_rate)
        if not audio.shape[1]:
            return audio
        held = [band for band in self.bands if band.frequency < _HIGHEST * sample_rate]
        audio = equalise(audio, *(band.section(sample_rate) for band in held))
        audio = audio * compressor_gain(
            audio, self.threshold, self.ratio, self.attack, self.release, sample_rate=sample_rate
        )
        return audio + 10 ** (self.wet / 20) * reverb(audio, self._room(len(audio), sample_rate))

    def _room(self, channels, sample_rate):
        random = np.random.RandomState(self.seed)
        times, sides, signs = random.uniform(0.004, 0.06, 12), *random.randint(0, 2, (2, 12))
        reflections = zip(times, sides % channels, 2 * signs - 1, strict=True)
        length = room_samples(self.decay, sample_rate)
        noise = random.standard_normal((channels, length)).astype(np.float32)
        return room(self.decay, self.bright, noise, reflections, sample_rate).astype(np.float32)

    def __repr__(self):
        return "\n".join(
            [
                f"Chain of effects, seed {self.seed}",
                *(f"  {band}" for band in self.bands),
                f"  {'compressor':<12}{self.ratio:.1f} : 1 from {-self.threshold:.0f} dB below the "
                f"loud parts, attack {1e3 * self.attack:.0f} ms, release "
                f"{1e3 * self.release:.0f} ms",
                f"  {'reverb':<12}{self.decay:.1f} s, {-self.wet:.0f} dB below the sound",
            ]
        )


def chain(seed: int) -> Chain:
    """Draw the settings of a chain of effects: audible ones, as in a mix, that hide no stem.

    The ranges are ours, such as engineers use on single stems: cuts and boosts of up to 6 dB, a
    compressor that holds loud parts back by a few dB, rooms from dry studio to hall. Frequencies,
    times and ratios are drawn with equal probability per octave.

    Parameters
    ----------
    seed : int, from 0 to 2**32 - 1
        The same seed gives the same chain on every machine.

    Raises
    ------
    ValueError
        If the seed is no such number.

    Examples
    --------
    >>> chain(7) == chain(7)
    True
    >>> chain(7).ratio == chain(8).ratio
    False
    """
    if not (isinstance(seed, int | np.integer) and 0 <= seed < SEEDS):
        raise ValueError(f"A seed is a whole number from 0 to {SEEDS - 1}, not {seed!r}.")
    random = np.random.RandomState(seed)

    def between(low, high):
        return float(random.uniform(low, high))

    def octaves(low, high):
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    return Chain(
        seed=int(seed),
        bands=(
            Band("high-pass", octaves(20, 80)),
            Band("low shelf", octaves(80, 250), between(-6, 6)),
            Band("bell", octaves(200, 1000), between(-6, 6), octaves(0.5, 2)),
            Band("bell", octaves(1000, 5000), between(-6, 6), octaves(0.5, 2)),
            Band("high shelf", octaves(4000, 12000), between(-6, 6)),
        ),
        threshold=between(-15, -3),
        ratio=octaves(1.5, 4),
        attack=octaves(0.002, 0.05),
        release=octaves(0.05, 0.4),
        decay=octaves(0.3, 2),
        bright=between(0, 1),
        wet=between(-24, -8),
    )


def apply(audio: np.ndarray, sample_rate: int, seed: int) -> np.ndarray:
    """Process audio with the chain of a seed: ``chain(seed)(audio, sample_rate)``.

    Parameters
    ----------
    audio : array of shape (channels, samples)
    sample_rate : int, in Hz
    seed : int
        As for :func:`chain`.

    Returns
    -------
    array of shape (channels, samples), float32

    Raises
    ------
    AudioError, ValueError
        As :class:`Chain` and :func:`chain`.
    """
    return chain(seed)(audio, sample_rate)


def _hertz(frequency):
    return f"{frequency:.0f} Hz" if frequency < 1000 else f"{frequency / 1000:.1f} kHz"

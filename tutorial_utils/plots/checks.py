"""Whether what is to be drawn can be drawn; the errors say what was given and what is wanted."""

from numbers import Integral, Real

import numpy as np


def as_array(values, what: str) -> np.ndarray:
    """The values as an array of whatever type; ``what`` names them in an error's text."""
    try:
        return np.asarray(values)
    # What lists of unequal lengths and tensors on a GPU or with gradients raise.
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{what}: this is no array: {error}") from error


def check_finite(values: np.ndarray, what: str) -> None:
    bad = np.count_nonzero(~np.isfinite(values))
    if bad:
        raise ValueError(f"{what}: {bad} of {values.size} values are not finite (NaN or infinite)")


def check_choice(known: tuple[str, ...], **settings: str) -> None:
    for name, value in settings.items():
        if value not in known:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, not {value!r}")


def check_positive(**settings: float) -> None:
    for name, value in settings.items():
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"{name} must be a number above 0, not {value!r}")


def check_rate(sample_rate: float) -> None:
    if not isinstance(sample_rate, Real) or not 1 <= sample_rate <= 1e9:
        raise ValueError(f"sample_rate must be a number from 1 Hz to 1 GHz, not {sample_rate!r}")


def check_whole(**settings: int) -> None:
    for name, value in settings.items():
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(f"{name} must be a whole number of samples above 0, not {value!r}")


def checked_audio(audio: np.ndarray, sample_rate: float, what: str = "audio") -> np.ndarray:
    """The audio as an array (channels, samples), or an error that says what is wrong with it."""
    audio = as_array(audio, what)
    if audio.ndim not in (1, 2) or audio.dtype.kind != "f":
        raise ValueError(
            f"{what}: wanted floating-point samples of the shape (channels, samples) or "
            f"(samples,), got {audio.dtype} of the shape {audio.shape}"
        )
    audio = np.atleast_2d(audio)
    if not audio.size:
        raise ValueError(f"{what}: there are no samples, the shape is {audio.shape}")
    if audio.shape[0] > audio.shape[1]:
        raise ValueError(
            f"{what}: {audio.shape[0]} channels of {audio.shape[1]} samples; the shape must be "
            "(channels, samples), so transpose the array"
        )
    with np.errstate(over="ignore"):  # beyond 32 bits is beyond any sound, and counts as infinite
        audio = audio.astype(np.float32, copy=False)
    check_finite(audio, what)
    check_rate(sample_rate)
    return audio

"""The mends. Each function names the break that it mends; `VIEWS` says whose import they serve."""

import contextlib
import functools
import logging
import shutil
import sys
import types

from .storage import ItemStore, load_trusted
from .views import View, ViewNeedingPrograms


@functools.cache
def _numpy():
    """NumPy 2 dropped `Inf` (Scaper's events) and `mat` (DUET).

    NumPy 2.4 deprecates a third positional argument of `maximum`, the output (2DFT).
    """
    import numpy as np

    def maximum(x1, x2, out=None):
        return np.maximum(x1, x2, out=out)

    return View("numpy", Inf=np.inf, mat=np.asmatrix, maximum=maximum)


@functools.cache
def _scipy():
    """SciPy 1.13 dropped `hamming`, `hann` and `blackman` from `signal`, and the name "hanning".

    nussl's constants are named after the functions, and overlap-add wants "hanning". Also,
    `ndimage.filters` (2DFT, Melodia) is deprecated: its functions are those of `ndimage`.
    """
    from scipy.signal import windows

    def get_window(window, Nx, fftbins=True):
        return windows.get_window("hann" if window == "hanning" else window, Nx, fftbins)

    signal = View(
        "scipy.signal",
        hamming=windows.hamming,
        hann=windows.hann,
        blackman=windows.blackman,
        get_window=get_window,
    )
    return View(
        "scipy", signal=signal, ndimage=View("scipy.ndimage", filters=View("scipy.ndimage"))
    )


@functools.cache
def _librosa():
    """librosa 0.10 made arguments keyword-only and dropped `waveplot` for `waveshow`.

    Besides, `rms` pads with zeros where it used to reflect the signal, and the private
    `__scale_axes`, which nussl draws masks with, wants two more arguments.
    """
    import librosa
    import librosa.display

    def resample(y, orig_sr, target_sr, **kwargs):
        return librosa.resample(y, orig_sr=orig_sr, target_sr=target_sr, **kwargs)

    def rms(y, pad_mode="reflect", **kwargs):
        return librosa.feature.rms(y=y, pad_mode=pad_mode, **kwargs)

    def melspectrogram(y=None, **kwargs):
        return librosa.feature.melspectrogram(y=y, **kwargs)

    def mel(sr, n_fft, n_mels=128, **kwargs):
        return librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=n_mels, **kwargs)

    def waveplot(y, x_axis="time", **kwargs):
        return librosa.display.waveshow(y, axis=x_axis, **kwargs)

    def scale_axes(axes, ax_type, which):
        return vars(librosa.display)["__scale_axes"](axes, ax_type, which, None, None)

    return View(
        "librosa",
        resample=resample,
        display=View("librosa.display", waveplot=waveplot, __scale_axes=scale_axes),
        feature=View("librosa.feature", rms=rms, melspectrogram=melspectrogram),
        filters=View("librosa.filters", mel=mel),
    )


@functools.cache
def _torch():
    """torch 2.6 refuses the models that nussl saves, and `checkpoint` wants `use_reentrant`."""
    from torch.utils.checkpoint import checkpoint

    checkpoint = functools.partial(checkpoint, use_reentrant=False)
    utils = View("torch.utils", checkpoint=View("torch.utils.checkpoint", checkpoint=checkpoint))
    return View("torch", load=load_trusted, utils=utils)


@functools.cache
def _zarr():
    """zarr 3 has no arrays of Python objects and no synchronisers: nussl's cache asks for both."""
    return types.SimpleNamespace(open=ItemStore, ThreadSynchronizer=lambda: None)


@functools.cache
def _numcodecs():
    """nussl switches off the threads of numcodecs' blosc, for the whole process."""
    return types.SimpleNamespace(Pickle=lambda: None)


@functools.cache
def _inspect():
    """Since Python 3.10 `getsource` says OSError, not TypeError, of a class made in a notebook.

    nussl asks for the source of every layer of a model, and is prepared for TypeError.
    """
    import inspect

    def getsource(object):
        try:
            return inspect.getsource(object)
        except OSError as error:
            raise TypeError(str(error)) from error

    return View("inspect", getsource=getsource)


@functools.cache
def _tempfile():
    """Windows lets nobody else open a file that disappears when closed, as for nussl's effects.

    nussl deletes it itself as well.
    """
    import tempfile

    named = functools.partial(tempfile.NamedTemporaryFile, delete=False)
    return View("tempfile", NamedTemporaryFile=named)


@functools.cache
def _sox():
    """soxbindings needs a compiler and is said to corrupt audio, so use pysox in its place.

    pysox prints a warning when it is imported without SoX: import it when it is used.
    """
    user = "Scaper's rendering (like nussl's time stretch and pitch shift)"
    return ViewNeedingPrograms("sox", ["sox"], user)


@functools.cache
def _ffmpeg():
    """Effects fail with a bare FileNotFoundError without ffmpeg, and print a page each with it."""

    def open_quietly(filename, **kwargs):
        return view.__getattr__("input")(filename, **{"loglevel": "error", **kwargs})

    view = ViewNeedingPrograms("ffmpeg", ["ffmpeg"], "This effect of nussl's", input=open_quietly)
    return view


def _ffmpy():
    """nussl embeds WAV where it cannot import ffmpy, else MP3: which fails without ffmpeg."""
    import ffmpy

    if shutil.which("ffmpeg") is None:
        raise ImportError("ffmpy is of no use without ffmpeg, which is not on the PATH")
    quiet = functools.partial(ffmpy.FFmpeg, global_options="-loglevel error")
    return View("ffmpy", FFmpeg=quiet)


@functools.cache
def _musdb():
    """musdb refuses to be imported without ffmpeg, and takes museval and nussl down with it."""
    return ViewNeedingPrograms("musdb", ["ffmpeg", "ffprobe"], "musdb")


VIEWS = {
    "ffmpeg": _ffmpeg,
    "ffmpy": _ffmpy,
    "inspect": _inspect,
    "librosa": _librosa,
    "musdb": _musdb,
    "numcodecs": _numcodecs,
    "numpy": _numpy,
    "scipy": _scipy,
    "soxbindings": _sox,
    "tempfile": _tempfile,
    "torch": _torch,
    "zarr": _zarr,
}


def _mend_nussl(nussl):
    """pandas 2 refuses to average columns of text, and pysox returns arrays that are read-only.

    A silent reference makes `BSSEvalScale` fail for all sources, with a singular matrix, and the
    mean over them NaN, by which the best permutation is chosen. And models are refused that an
    older nussl saved without its version, which nothing reads; what else they lack is made up for.
    """
    import numpy as np

    report_card, effects = sys.modules["nussl.evaluation.report_card"], nussl.core.effects
    evaluation, bss_eval = nussl.evaluation.evaluation_base, nussl.evaluation.bss_eval
    loader = nussl.core.migration.SafeModelLoader

    def of_numbers(function):
        return lambda df, **kwargs: function(df.select_dtypes("number"), **kwargs)

    def apply_effects_sox(*args, original=effects.apply_effects_sox):
        signal = original(*args)
        signal.audio_data = signal.audio_data.copy()
        return signal

    def scale_bss_eval(
        references, estimate, idx, *args, original=bss_eval._scale_bss_eval, **kwargs
    ):
        sounding = references.any(axis=0)
        if not sounding[idx]:
            return (np.nan,) * 6
        return original(references[:, sounding], estimate, sounding[:idx].sum(), *args, **kwargs)

    def get_moved(metadata, model_dict, model_path, original=loader._get_moved):
        if metadata.get("nussl_version") is None and model_dict.get("nussl_version") is None:
            metadata = {**metadata, "nussl_version": "UNAVAILABLE"}  # nussl's own word
        return original(metadata, model_dict, model_path)

    bss_eval._scale_bss_eval = scale_bss_eval
    evaluation.np = View("numpy", mean=np.nanmean)
    loader._get_moved = staticmethod(get_moved)
    report_card._get_mean_and_std = of_numbers(report_card._get_mean_and_std)
    report_card._get_medians = of_numbers(report_card._get_medians)
    effects.apply_effects_sox = apply_effects_sox


def _mend_scaper(scaper):
    """Scaper leaves the root logger silenced if rendering fails, as it must without SoX.

    Of strings, `choose_weighted` draws NumPy's, which NumPy 2 shows as ``np.str_('...')``. And
    NumPy 2.2 refuses to say whether an empty array is true, which Scaper asks before it says what
    is wrong with a distribution.
    """
    import numpy as np

    @contextlib.contextmanager
    def set_temp_logging_level(level):
        logger = logging.getLogger()
        before = logger.level
        logger.setLevel(level)
        try:
            yield
        finally:
            logger.setLevel(before)

    def choose_weighted(*args, original=scaper.core.SUPPORTED_DIST["choose_weighted"], **kwargs):
        value = original(*args, **kwargs)
        return value.item() if hasattr(value, "item") else value

    def is_real_number(num, original=scaper.util.is_real_number):
        return np.isscalar(num) and original(num)

    scaper.core.is_real_number = scaper.util.is_real_number = is_real_number
    scaper.core._set_temp_logging_level = set_temp_logging_level
    scaper.core.SUPPORTED_DIST["choose_weighted"] = choose_weighted


AFTER_IMPORT = {"nussl": _mend_nussl, "scaper": _mend_scaper}

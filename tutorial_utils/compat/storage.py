"""What nussl writes to disk and reads back: models, and the cached items of a dataset.

Both are pickles, and to unpickle a file is to run what it says. Here it may say little: a file may
hold tensors, arrays, plain values and objects of nussl's, and of the last only the state is
restored. Nothing that a file names is called to make them.
"""

import functools
import io
import os
import pathlib
import pickle
import re
import types


def load_trusted(file, map_location=None):
    """Load what nussl saved, and refuse everything else: `torch.load`, as nussl sees it.

    Those who trust a file with a class of their own in it say so around the call::

        with torch.serialization.safe_globals([MyTransform]):
            model, metadata = SeparationModel.load("my.model.pth")

    Parameters
    ----------
    file : path or file-like
    map_location : device, optional
        As for `torch.load`.

    Returns
    -------
    object

    Raises
    ------
    pickle.UnpicklingError
        If the file holds anything else, or asks for a call.
    """
    import torch

    known = torch.serialization.get_safe_globals()
    more = [item for item in _trusted() if item not in known]
    try:
        with torch.serialization.safe_globals(more):
            return torch.load(file, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        found = found[1] if found else "something that may do more than hold data"
        raise pickle.UnpicklingError(
            f"{file} was not loaded, because it holds {found}. Only tensors, arrays, plain values "
            "and nussl's own objects are safe to load. If you know this class, and trust the file, "
            "put `with torch.serialization.safe_globals([TheClass]):` around the call."
        ) from error


@functools.cache
def _trusted():
    """Return what `torch.serialization.safe_globals` has to know for nussl's files."""
    import numpy as np
    from nussl.core.audio_signal import AudioSignal, STFTParams
    from nussl.datasets import transforms

    own = [
        value
        for value in vars(transforms).values()
        if isinstance(value, type) and value.__module__ == transforms.__name__
    ]
    array, number = np.zeros(0).__reduce__()[0], np.float64().__reduce__()[0]
    return [
        *map(_state_of, [*own, AudioSignal, ItemStore]),
        STFTParams,
        np.ndarray,
        np.dtype,
        *{type(np.dtype(code)) for code in np.typecodes["All"]},
        array,
        number,
        (array, "numpy.core.multiarray._reconstruct"),  # as NumPy 1 wrote them
        (number, "numpy.core.multiarray.scalar"),
        _read_jams,
    ]


def _state_of(cls):
    """Return a class to unpickle objects of `cls` with, which cannot be called, and its name.

    To call a class may be harmful: nussl's `Cache` clears the folder that it is given.
    """

    def refuse(self, *args, **kwargs):
        raise pickle.UnpicklingError(f"a call of {cls.__name__}")

    def restore(self, state):
        vars(self).update(state)
        self.__class__ = cls

    members = {"__init__": refuse, "__setstate__": restore}
    return type(cls.__name__, (cls,), members), f"{cls.__module__}.{cls.__name__}"


def _read_jams(text):
    import jams

    return jams.load(io.StringIO(text), validate=False)


class ItemStore:
    """A folder with one file per item: all that nussl's `Cache` asks of `zarr.open`.

    It keeps what nussl's datasets return: signals, arrays, tensors, JAMS and plain values.

    Parameters
    ----------
    location : str
        The folder, made when the first item is written.
    """

    def __init__(self, location, **_):
        self.location = location

    def _file(self, index):
        return pathlib.Path(self.location, f"{index}.pt")

    @property
    def info(self):
        count = len(list(pathlib.Path(self.location).glob("*.pt")))
        return f"{count} items in {self.location}"

    def __setitem__(self, index, item):
        import jams
        import torch

        class Pickler(pickle.Pickler):
            def reducer_override(self, value):
                # JAMS objects hold functions, which are never safe to load: keep their text.
                if isinstance(value, jams.JAMS):
                    return _read_jams, (value.dumps(),)
                return NotImplemented

        file = self._file(index)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
        pickling = types.SimpleNamespace(__name__=__name__, Pickler=Pickler)
        try:
            torch.save(item, unfinished, pickle_module=pickling)
            os.replace(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)

    def __getitem__(self, index):
        file = self._file(index)
        return load_trusted(file) if file.exists() else None

"""Imports nussl and Scaper in such a way that they, and nobody else, see the mends."""

import builtins
import functools
import importlib
import importlib.machinery
import pkgutil
import sys
import threading

from .mends import AFTER_IMPORT, VIEWS

_lock = threading.RLock()


def load(name):
    """Import the package `name` with its mends, once.

    Parameters
    ----------
    name : {"museval", "nussl", "scaper"}

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If nussl or Scaper has been imported already by other means.
    """
    with _lock:
        if name in sys.modules:
            return _check(sys.modules[name])
        sys.meta_path.insert(0, MendingFinder)
        try:
            module = importlib.import_module(name)
            # Also those that the package would import later, when the finder is gone.
            for info in pkgutil.walk_packages(module.__path__, f"{name}."):
                importlib.import_module(info.name)
        finally:
            sys.meta_path.remove(MendingFinder)
        if name in AFTER_IMPORT:
            AFTER_IMPORT[name](module)
        return module


def _check(module):
    name, loader = module.__name__, type(module.__spec__.loader)
    if name in AFTER_IMPORT and loader.__name__ != MendingLoader.__name__:
        raise ImportError(
            f"{name} was imported before tutorial_utils.compat could mend it. Restart Python, and "
            f"write `from tutorial_utils.compat import {name}` in place of `import {name}`."
        )
    return module


class MendingFinder:
    """Finds the modules of these packages, and no others, for `MendingLoader`."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] not in {"museval", "nussl", "scaper"}:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None:
            spec.loader = MendingLoader(spec.loader.name, spec.loader.path)
        return spec


class MendingLoader(importlib.machinery.SourceFileLoader):
    """Runs a module as usual, but with `mended_import` in place of ``__import__``."""

    def exec_module(self, module):
        module.__builtins__ = {**vars(builtins), "__import__": mended_import}
        super().exec_module(module)


def mended_import(name, globals=None, locals=None, fromlist=(), level=0):
    """Do what ``builtins.__import__`` does, but return views where there are some."""
    top, *rest = name.split(".")
    if level > 0 or top not in VIEWS:
        return builtins.__import__(name, globals, locals, fromlist, level)
    view = VIEWS[top]()
    try:
        module = functools.reduce(getattr, rest, view)
    except AttributeError:  # a submodule that nobody has imported so far
        importlib.import_module(name)
        module = functools.reduce(getattr, rest, view)
    return module if fromlist else view

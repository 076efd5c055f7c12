"""Views: what nussl and Scaper receive when they import a library."""

import importlib
import shutil
import types


class View(types.ModuleType):
    """A module as nussl and Scaper see it: some attributes are mended, all others its own.

    The module is imported when one of its own attributes is first asked for.

    Parameters
    ----------
    name : str
        Full name of the module.
    **mended
        The attributes to answer for.
    """

    def __init__(self, name, **mended):
        super().__init__(name)
        vars(self).update(mended)

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self.__name__), attribute)


class ViewNeedingPrograms(View):
    """A view of a module that is of no use unless the `programs` are on the PATH.

    Raises
    ------
    RuntimeError
        If one is missing when the module is used, saying what was going to use it.
    """

    def __init__(self, name, programs, user, **mended):
        super().__init__(name, **mended)
        vars(self).update(_programs=programs, _user=user)

    def __getattr__(self, attribute):
        missing = [program for program in self._programs if shutil.which(program) is None]
        if not missing:
            return super().__getattr__(attribute)
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)  # Python only looks around, as for a repr
        raise RuntimeError(
            f"{self._user} needs {' and '.join(missing)}, not found on the PATH of this machine. "
            "Install it, for instance with apt, brew or conda, and start again."
        )

"""Stands in for soxbindings, which nussl and Scaper require but can do without."""

raise ImportError(
    "soxbindings is left out on purpose: it needs a C++ compiler and SoX's headers to install, "
    "and is reported to corrupt audio on Linux (Scaper's issue 157). Use sox (pysox) in its place, "
    "as nussl and Scaper do by themselves, and install the program SoX that it runs."
)

"""Inputs that break what is careless, for tests that documented errors are the only ones."""

import numpy as np
from hypothesis import strategies as st

TEXTS = (
    "",
    "_hidden",
    "\ud800 half a pair",
    "\x00\x1b[31m",
    "</script><b>\"'&",
    "$\\foo$ and A$$AP",
    "data:image/png;base64,AAAA",
    'xlink:href="data:image/png;base64,AAAA" d="1.23456" style="fill: #000000"',
    "<!-- #000000 -->  {0} {name} %s",
    "音楽 🎵",
)
#: Any text that Python can hold, what no page can hold included.
texts = st.sampled_from(TEXTS) | st.text(st.characters(), max_size=12)

#: Numbers, and what is given instead of them by mistake.
numbers = st.sampled_from(
    [0, 1, -1, 0.5, 8000, 8000.0, 44100.5, np.nan, np.inf, -np.inf, 1e300, None, "8000", True, 1j]
)


def _noise(shape, dtype):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


#: Sounds of all shapes and types, and what is none.
sounds = st.one_of(
    st.builds(
        _noise,
        st.sampled_from([(1,), (7,), (500,), (1, 3), (2, 500), (2, 2), (3, 9), (1, 2, 9)])
        | st.sampled_from([(), (0,), (2, 0), (0, 2), (9, 2)]),
        st.sampled_from([np.float32, np.float64, np.float16]),
    ),
    st.builds(np.full, st.just((2, 300)), st.sampled_from([0.0, 1e-300, 1e30, 1e200, np.nan])),
    st.sampled_from(
        [None, "noise", 3, [[0.1, 0.2], [0.3]], np.zeros(9, int), np.zeros(9, complex)]
    ),
    st.sampled_from([np.array(["a", "b"]), np.array([None, 1.0]), [], {}, [0.5, -0.5]]),
)

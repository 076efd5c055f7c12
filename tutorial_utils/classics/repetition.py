"""What repeats is the accompaniment, and what does not is the voice: by nussl's separators."""

from tutorial_utils.classics.through_nussl import outputs


def repet(audio, sample_rate):
    """REPET: a period is found, and the median over its repetitions is the accompaniment.

    Z. Rafii and B. Pardo, "REpeating Pattern Extraction Technique (REPET): a simple method for
    music/voice separation", IEEE Transactions on Audio, Speech, and Language Processing 21(1),
    2013.
    """
    return outputs("primitive.Repet", audio, sample_rate)[::-1]


def repet_sim(audio, sample_rate):
    """REPET-SIM: the median over frames that are alike, which need not be periodic.

    Z. Rafii and B. Pardo, "Music/voice separation using the similarity matrix", ISMIR 2012.
    """
    return outputs("primitive.RepetSim", audio, sample_rate)[::-1]


def ft2d(audio, sample_rate):
    """2DFT: peaks of the two-dimensional Fourier transform of the spectrogram repeat.

    P. Seetharaman, F. Pishdadian and B. Pardo, "Music/voice separation using the 2D Fourier
    transform", WASPAA 2017.
    """
    return outputs("primitive.FT2D", audio, sample_rate)[::-1]

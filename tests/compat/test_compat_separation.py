"""Every separation algorithm of nussl that needs no download, on a short song."""

import numpy as np
import pytest
import torch

from tutorial_utils.compat import nussl

separation = nussl.separation


class NMF(separation.base.MaskSeparationBase, separation.NMFMixin):
    """nussl leaves what to do with the components of an NMF to the reader."""

    def run(self):
        model, components, _ = self.fit(self.audio_signal, 4, init="nndsvda", max_iter=1000)
        _, activations = self.transform(self.audio_signal, model)
        parts = [
            self.inverse_transform(components[i : i + 1], activations[i : i + 1]) for i in range(4)
        ]
        self.result_masks = [self.mask_type(part / (sum(parts) + 1e-9)) for part in parts]
        return self.result_masks


def channels_of(mix):
    return [mix.make_audio_signal_from_channel(i) for i in range(2)]


def hpss(mix):
    return separation.primitive.HPSS(mix)


ALGORITHMS = {
    "REPET": lambda mix, stems: separation.primitive.Repet(mix, max_period=0.6, min_period=0.4),
    "REPET-SIM": lambda mix, stems: separation.primitive.RepetSim(mix),
    "2DFT": lambda mix, stems: separation.primitive.FT2D(mix),
    "2DFT, local maxima": lambda mix, stems: separation.primitive.FT2D(
        mix, filter_approach="original", mask_type="binary"
    ),
    "HPSS": lambda mix, stems: hpss(mix),
    "HPSS, binary": lambda mix, stems: separation.primitive.HPSS(mix, mask_type="binary"),
    "timbre": lambda mix, stems: separation.primitive.TimbreClustering(
        mix, 2, 8, nmf_kwargs={"max_iter": 500}
    ),
    "RPCA": lambda mix, stems: separation.factorization.RPCA(mix, num_iterations=20),
    "ICA": lambda mix, stems: separation.factorization.ICA(channels_of(mix), random_state=0),
    "NMF": lambda mix, stems: NMF(mix),
    "DUET": lambda mix, stems: separation.spatial.Duet(mix, 3),
    "PROJET": lambda mix, stems: separation.spatial.Projet(
        mix, 3, num_iterations=2, location_set_panning=10, location_set_delay=5
    ),
    "PROJET from estimates": lambda mix, stems: separation.spatial.Projet(
        mix, 3, list(stems.values()), 1, location_set_panning=10, location_set_delay=5
    ),
    "spatial": lambda mix, stems: separation.spatial.SpatialClustering(mix, 3),
    "spatial, Gaussian": lambda mix, stems: separation.spatial.SpatialClustering(
        mix, 3, clustering_type="GaussianMixture"
    ),
    "spatial, given centres": lambda mix, stems: separation.spatial.SpatialClustering(
        mix, 2, fit_clusterer=False, init=np.array([[0.0, 0.0], [1.0, 1.0]])
    ),
    "IBM": lambda mix, stems: separation.benchmark.IdealBinaryMask(mix, stems),
    "IRM": lambda mix, stems: separation.benchmark.IdealRatioMask(mix, stems),
    "IRM, magnitudes": lambda mix, stems: separation.benchmark.IdealRatioMask(
        mix, stems, approach="msa"
    ),
    "Wiener": lambda mix, stems: separation.benchmark.WienerFilter(mix, list(stems.values())),
    "high and low pass": lambda mix, stems: separation.benchmark.HighLowPassFilter(mix, 200),
    "mix": lambda mix, stems: separation.benchmark.MixAsEstimate(mix, 2),
    "overlap-add": lambda mix, stems: separation.composite.OverlapAdd(
        hpss(mix), window_duration=0.5, find_permutation=True
    ),
    "ensemble of masks": lambda mix, stems: separation.composite.EnsembleClustering(
        mix, 2, [separation.primitive.FT2D(mix), hpss(mix)], weights=[2, 1]
    ),
    "ensemble of estimates": lambda mix, stems: separation.composite.EnsembleClustering(
        mix, 2, [separation.primitive.FT2D(mix), hpss(mix)], extracted_feature="estimates"
    ),
}
MASKS_DO_NOT_SUM_TO_ONE = {"IRM", "IRM, magnitudes", "Wiener", "DUET"}


def similarity(one, other):
    """Cosine of the angle between two signals."""
    one, other = one.audio_data.ravel(), other.audio_data.ravel()
    return abs(one @ other) / np.sqrt((one @ one) * (other @ other))


@pytest.mark.parametrize("name", ALGORITHMS)
def test_algorithm_runs(mix, stems, name):
    nussl.utils.seed(0)
    separator = ALGORITHMS[name](mix, stems)
    estimates = separator()
    assert len(estimates) >= 2
    for estimate in estimates:
        assert estimate.audio_data.shape == ((1 if name == "ICA" else 2), mix.signal_length)
        assert estimate.sample_rate == mix.sample_rate
        assert np.isfinite(estimate.audio_data).all()
    assert max(np.abs(estimate.audio_data).max() for estimate in estimates) > 0.1
    if isinstance(separator, separation.MaskSeparationBase) and name not in MASKS_DO_NOT_SUM_TO_ONE:
        total = sum(estimate.audio_data for estimate in estimates)
        assert np.abs(total - mix.audio_data).max() < 0.05


@pytest.mark.parametrize("name", ["IBM", "IRM", "IRM, magnitudes", "Wiener"])
def test_oracles_find_every_stem(mix, stems, name):
    names = sorted(stems) if name != "Wiener" else list(stems)
    for label, estimate in zip(names, ALGORITHMS[name](mix, stems)(), strict=True):
        assert similarity(estimate, stems[label]) > 0.9
        assert similarity(estimate, stems[label]) > similarity(mix, stems[label]) + 0.05


def test_hpss_tells_drums_from_bass(mix, stems):
    harmonic, percussive = hpss(mix)()
    assert similarity(percussive, stems["drums"]) > similarity(harmonic, stems["drums"])
    assert similarity(harmonic, stems["bass"]) > similarity(percussive, stems["bass"])


def test_ica_unmixes_two_stems(stems):
    mix = stems["bass"] + stems["drums"]
    estimates = separation.factorization.ICA(channels_of(mix), random_state=0)()
    for name in ("bass", "drums"):
        left = stems[name].make_audio_signal_from_channel(0)
        assert max(similarity(estimate, left) for estimate in estimates) > 0.99


@pytest.mark.parametrize("name", ["DUET", "spatial"])
def test_spatial_algorithms_find_the_bass(mix, stems, name):
    nussl.utils.seed(0)
    estimates = ALGORITHMS[name](mix, stems)()
    assert max(similarity(estimate, stems["bass"]) for estimate in estimates) > 0.8


def test_overlap_add_of_an_algorithm_that_does_nothing_is_the_mix(mix):
    same = separation.benchmark.MixAsEstimate(mix, 1)
    (estimate,) = separation.composite.OverlapAdd(same, window_duration=0.5)()
    np.testing.assert_allclose(estimate.audio_data, mix.audio_data, atol=1e-9)


# Deep ones: trained for a moment with nussl's trainer, saved, and loaded again

STFT = {"window_length": 256, "hop_length": 64}
builders = nussl.ml.networks.builders
RECURRENT = {
    "num_features": 129,
    "hidden_size": 8,
    "num_layers": 1,
    "bidirectional": True,
    "dropout": 0.0,
}
END_TO_END = {key: RECURRENT[key] for key in RECURRENT if key != "num_features"}
MODELS = {
    "mask inference": (
        builders.build_recurrent_mask_inference(
            **RECURRENT, num_sources=2, mask_activation="sigmoid"
        ),
        {"L1Loss": {}, "MSELoss": {"weight": 0.5}},
    ),
    "deep clustering": (
        builders.build_recurrent_dpcl(
            **RECURRENT, embedding_size=4, embedding_activation=["sigmoid", "unit_norm"]
        ),
        {"DeepClusteringLoss": {}},
    ),
    "chimera": (
        builders.build_recurrent_chimera(
            **RECURRENT,
            embedding_size=4,
            embedding_activation="sigmoid",
            num_sources=2,
            mask_activation="softmax",
        ),
        {"WhitenedKMeansLoss": {}, "PermutationInvariantLoss": {"args": ["L1Loss"]}},
    ),
    "open-unmix": (
        builders.build_open_unmix_like(**RECURRENT, num_sources=2),
        {"CombinationInvariantLoss": {"args": ["MSELoss"]}},
    ),
    "end to end": (
        builders.build_recurrent_end_to_end(
            256, 256, 64, "sqrt_hann", **END_TO_END, num_sources=2, mask_activation="sigmoid"
        ),
        {"SISDRLoss": {}},
    ),
    "end to end, complex": (
        builders.build_recurrent_end_to_end(
            256,
            256,
            64,
            "sqrt_hann",
            **END_TO_END,
            num_sources=2,
            mask_activation="sigmoid",
            mask_complex=True,
            trainable=True,
        ),
        {"SISDRLoss": {}},
    ),
    "dual path": (
        builders.build_dual_path_recurrent_end_to_end(
            16,
            16,
            8,
            20,
            10,
            **{key: END_TO_END[key] for key in END_TO_END if key != "dropout"},
            bottleneck_size=8,
            num_sources=2,
            mask_activation="sigmoid",
        ),
        {"SISDRLoss": {}},
    ),
}


@pytest.fixture
def train(folder_of_stems, tmp_path):
    """Train a model of `MODELS`, with checkpoints and logs, and return the best one's path."""
    transforms, train = nussl.datasets.transforms, nussl.ml.train

    def train_model(name):
        config, losses = MODELS[name]
        steps = [
            transforms.SumSources([["drums", "bass"]]),
            transforms.PhaseSensitiveSpectrumApproximation(),
            transforms.MagnitudeWeights(),
            transforms.GetAudio(),
            transforms.ToSeparationModel(),
        ]
        data = nussl.datasets.MixSourceFolder(
            folder_of_stems,
            make_mix=True,
            stft_params=nussl.STFTParams(**STFT),
            transform=transforms.Compose(steps),
        )
        batches = torch.utils.data.DataLoader(data, batch_size=2)
        torch.manual_seed(0)
        model = nussl.ml.SeparationModel(config)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
        trainer, validator = train.create_train_and_validation_engines(
            train.closures.TrainClosure(losses, optimizer, model),
            train.closures.ValidationClosure(losses, model),
        )
        train.add_validate_and_checkpoint(
            str(tmp_path), model, optimizer, data, trainer, batches, validator
        )
        train.add_tensorboard_handler(str(tmp_path), trainer)
        train.add_stdout_handler(trainer, validator)
        train.add_progress_bar_handler(trainer, validator)
        trainer.run(batches, max_epochs=2)
        history = trainer.state.epoch_history["train/loss"]
        assert history[1] < history[0]
        return trainer.state.saved_model_path

    return train_model


@pytest.mark.parametrize("name", MODELS)
def test_deep_algorithm_runs_with_a_saved_model(train, mix, name):
    path = train(name)
    mono = mix.to_mono(overwrite=False, keep_dims=True)
    if name == "deep clustering":
        separator = separation.deep.DeepClustering(mono, 2, model_path=path)
    elif name in ("mask inference", "chimera", "open-unmix"):
        separator = separation.deep.DeepMaskEstimation(mono, model_path=path)
    else:
        separator = separation.deep.DeepAudioEstimation(mono, model_path=path)
    estimates = separator()
    assert len(estimates) == 2
    for estimate in estimates:
        assert estimate.audio_data.shape == mono.audio_data.shape
        assert np.isfinite(estimate.audio_data).all()
    assert "separation_class" in separator.get_metadata(to_str=True)
    if name == "chimera":
        assert -1 <= separator.confidence() <= 1


@pytest.mark.parametrize(
    "approach",
    ["silhouette", "posterior", "loudness", "whitened_kmeans", "dpcl_classic", "jensen_shannon"],
)
def test_confidence(mix, approach):
    separator = separation.spatial.SpatialClustering(mix, 2)
    separator.run()
    assert np.isfinite(separator.confidence(f"{approach}_confidence"))


@pytest.mark.parametrize(
    "measure", ["BSSEvalScale", pytest.param("BSSEvalV4", marks=pytest.mark.slow)]
)
def test_evaluation_prefers_the_oracle_to_the_mix(mix, stems, measure):
    def score(estimates):
        references = [stems[name] for name in sorted(stems)]
        evaluator = getattr(nussl.evaluation, measure)(
            references, estimates, source_labels=sorted(stems)
        )
        scores = evaluator.evaluate()
        return [np.nanmean(scores[name][evaluator.best_permutation_key]) for name in stems]

    oracle = separation.benchmark.IdealRatioMask(mix, stems)()
    mixes = separation.benchmark.MixAsEstimate(mix, len(stems))()
    assert np.all(np.array(score(oracle)) > np.array(score(mixes)) + 3)


def test_unfolded_gaussian_mixture_separates_two_clouds():
    torch.manual_seed(0)
    clouds = torch.cat([torch.randn(50, 2) - 5, torch.randn(50, 2) + 5])[None, :, None]
    means = torch.tensor([[[-1.0, -1.0], [1.0, 1.0]]])
    mixture = nussl.ml.networks.modules.GaussianMixtureTorch(2)(clouds, means=means)
    assert mixture["resp"][0, :50, 0, 0].min() > 0.9 > 0.1 > mixture["resp"][0, 50:, 0, 0].max()

"""LightGBM's parameters that every head shares: reproducible, one thread, datasets that trials can use again."""

from configs.settings import Trees

DATASET_PARAMETERS = {"feature_pre_filter": False, "max_bin": 63, "verbosity": -1, "num_threads": 1}


def training_parameters(trees: Trees, seed: int) -> dict[str, object]:
    """Parameters of a training run, without objective and metric."""
    return {
        **trees.model_dump(exclude={"rounds", "tweedie_power"}),
        **DATASET_PARAMETERS,
        "boost_from_average": False,
        "deterministic": True,
        "force_row_wise": True,
        "seed": seed,
    }

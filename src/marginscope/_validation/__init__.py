"""Labels, features, seeds and names as the package wants them, or an error that says why not.

Nothing here is guessed from the data, and nothing of the caller's is changed.
"""

from marginscope._validation.choices import check_rng, look_up, with_parameters
from marginscope._validation.class_numbers import check_class_numbers
from marginscope._validation.features import check_features, check_finite, check_magnitude, feature_names
from marginscope._validation.labels import EncodedLabels, check_labels, label_codes
from marginscope._validation.rows import check_consistent_length, check_sample_weight

__all__ = [
    "EncodedLabels",
    "check_class_numbers",
    "check_consistent_length",
    "check_features",
    "check_finite",
    "check_labels",
    "check_magnitude",
    "check_rng",
    "check_sample_weight",
    "feature_names",
    "label_codes",
    "look_up",
    "with_parameters",
]

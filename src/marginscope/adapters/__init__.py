"""Models of every kind behind one shape, the ModelView."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "model_files": ["load_model"],
        "model_view": ["LinearPart", "ModelView", "PenaltyKnob"],
        "named_models": ["model_names", "named_model"],
        "open_model": ["as_model_view", "register_view"],
        "predictions": ["Predictions"],
        "sklearn_model": ["SklearnModel"],
    },
)

"""Options that several commands share, declared once as a dataclass."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["as_arguments", "with_bundles"]


def with_bundles(command: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each parameter whose type is a dataclass by the options that are its fields.

    The program sees one flat list of options; the command receives one object per bundle.
    """
    hints = typing.get_type_hints(command, include_extras=True)
    bundles: dict[str, Any] = {name: hint for name, hint in hints.items() if dataclasses.is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name in bundles:
            parameters += _options_of(bundles[parameter.name])
        else:
            parameters.append(parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY))

    def flat(**values: Any) -> Any:
        for name, bundle in bundles.items():
            values[name] = bundle(**{field.name: values.pop(field.name) for field in dataclasses.fields(bundle)})
        return command(**values)

    flat.__name__, flat.__doc__, flat.__module__ = command.__name__, command.__doc__, command.__module__
    # Parameters without a default must come first in a signature, whatever their bundle.
    parameters.sort(key=lambda one: one.default is not inspect.Parameter.empty)
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {one.name: one.annotation for one in parameters}
    return flat


def _options_of(bundle: Any) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(bundle, include_extras=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=_default(field), annotation=hints[field.name]
        )
        for field in dataclasses.fields(bundle)
    ]


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default


def as_arguments(bundle: Any, names: Iterable[str] | None = None) -> list[str]:
    """Return the command-line words for the options of a bundle that differ from their defaults."""
    words: list[str] = []
    for field in dataclasses.fields(bundle):
        value = getattr(bundle, field.name)
        if value == _default(field) or (names is not None and field.name not in names):
            continue
        option = "--" + field.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option)
        else:
            for one in value if isinstance(value, list) else [value]:
                words += [option, str(one)]
    return words

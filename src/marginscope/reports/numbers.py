"""One format for each kind of number, the same on every page and in every figure."""

from __future__ import annotations

import math

from marginscope._display import signed

__all__ = [
    "as_aligned",
    "as_change",
    "as_change_interval",
    "as_count",
    "as_interval",
    "as_measure",
    "as_number",
    "as_power",
    "as_rate",
    "as_seconds",
    "as_share",
]

NOTHING = "\u2013"
MINUS = "\u2212"
THIN = "\u202f"
_RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def as_rate(value: float | None) -> str:
    """Return a recall or precision with two places; a dash where it does not exist."""
    return NOTHING if _is_missing(value) else _signed(f"{value:.2f}").replace(f"{MINUS}0.00", "0.00")


def as_interval(interval: tuple[float, float] | None) -> str:
    """Return an interval of rates."""
    if interval is None:
        return NOTHING
    return f"{as_rate(interval[0])} to {as_rate(interval[1])}"


def as_change(value: float | None) -> str:
    """Return a difference with its sign, no sign where it rounds to zero."""
    if value is None or _is_missing(value):
        return NOTHING
    return _signed(signed(value))


def as_change_interval(interval: tuple[float, float] | None) -> str:
    """Return an interval of differences."""
    return NOTHING if interval is None else f"{as_change(interval[0])} to {as_change(interval[1])}"


def as_share(value: float | None) -> str:
    """Return a share in percent, finer where it is small."""
    if value is None or _is_missing(value):
        return NOTHING
    percent = 100.0 * value
    if percent == 0 or percent >= 9.95:
        return f"{percent:.0f}{THIN}%"
    if percent >= 0.995:
        return f"{percent:.1f}{THIN}%"
    return f"{percent:.2f}{THIN}%" if percent >= 0.01 else f"< 0.01{THIN}%"


def as_count(value: int | None) -> str:
    """Return a count with commas between thousands, as on the command line and in every note."""
    return NOTHING if value is None else _signed(f"{value:,}")


def as_seconds(value: float | None) -> str:
    """Return a duration."""
    if value is None or _is_missing(value):
        return NOTHING
    if value < 0.95:
        return f"{1000 * value:.0f}{THIN}ms"
    if value < 99.5:
        return f"{value:.1f}{THIN}s" if value < 9.95 else f"{value:.0f}{THIN}s"
    return f"{value / 60:.0f}{THIN}min"


def as_number(value: float | int | None) -> str:
    """Return any number with three figures; powers of ten where it is far from one."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NOTHING
    if math.isinf(value):
        return "\u221e" if value > 0 else MINUS + "\u221e"
    if value == int(value) and abs(value) < 1e6:
        return as_count(int(value))
    size = abs(value)
    if 1e-3 <= size < 1e5:
        places = max(0, 2 - math.floor(math.log10(size)))
        text = f"{value:,.{places}f}"
        return _signed(text.rstrip("0").rstrip(".") if places else text)
    mantissa, exponent = f"{value:.1e}".split("e")
    power = f"10{str(int(exponent)).translate(_RAISED)}"
    return power if mantissa == "1.0" else f"{_signed(mantissa)} \u00d7 {power}"


def as_measure(value: float | None, name: str) -> str:
    """Return a number of the evidence: recalls and their changes with two places, others with three figures."""
    return as_rate(value) if name.startswith("lift ") or "recall" in name else as_number(value)


def as_power(log10_value: float | None) -> str:
    """Return a positive number given by its decimal logarithm, which may be beyond the range of floats."""
    if log10_value is None or math.isnan(log10_value):
        return NOTHING
    if math.isinf(log10_value):
        return "0" if log10_value < 0 else "\u221e"
    if -3 <= log10_value < 5:
        value = 10.0**log10_value
        return as_number(round(value) if value >= 1 and abs(value - round(value)) < 1e-9 * value else value)
    exponent = math.floor(log10_value + 1e-9)
    mantissa = f"{10.0 ** (log10_value - exponent):.1f}"
    if mantissa == "10.0":
        mantissa, exponent = "1.0", exponent + 1
    power = f"10{str(exponent).translate(_RAISED)}"
    return power if mantissa == "1.0" else f"{mantissa} \u00d7 {power}"


def as_aligned(value: float, largest: float) -> str:
    """Return a number with as many places as the largest of its table needs for three figures."""
    if not math.isfinite(value) or not 1e-3 <= largest < 1e5:
        return as_number(value)
    text = f"{value:,.{max(0, 2 - math.floor(math.log10(largest)))}f}"
    return _signed(text.lstrip("-") if float(text.replace(",", "")) == 0 else text)


def _is_missing(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _signed(text: str) -> str:
    return text.replace("-", MINUS)

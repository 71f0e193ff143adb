"""Which losses have the exponential tail: the table of the theory, and forms with known answers."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("flint")

from marginscope import losses
from marginscope.certificates.tail import TailCertificate
from marginscope.certificates.tail_check import broken_level, float_ratios
from marginscope.certificates.tail_witness import FloatWitness
from marginscope.exceptions import UsageError
from marginscope.losses.tail import certify_tail
from marginscope.losses.tail_form import FunctionOfSum, JointForm, SumOfParts

PROVED = {"cross_entropy", "exponential", "pair_logistic", "gamma_phi"}
DEVIATIONS = {
    "crammer_singer": "zero",
    "weston_watkins": "zero",
    "squared_weston_watkins": "zero",
    "smooth_weston_watkins": "zero",
    "sparsemax": "zero",
    "entmax": "zero",
    "focal": "vanishes",
    "label_smoothing": "negative",
    "squared_margin": "negative",
    "polynomial": "grows",
    "mae": "below",
}


def total(z: Sequence[Any]) -> Any:
    return sum(z[1:], z[0])


@pytest.mark.parametrize("template", losses.TEMPLATES, ids=lambda one: one.name)
def test_every_loss_of_the_package_is_decided_and_verified(template: Any) -> None:
    certificate = certify_tail(template)
    assert certificate.status == ("proved" if template.name in PROVED else "refuted")
    assert certificate.is_proof
    assert certificate.verify()
    assert certificate.verify(template)
    assert (certificate.limit, certificate.limit_reason) == (template.facts.limit, template.facts.limit_reason)
    if certificate.status == "proved":
        assert (certificate.c, certificate.u_plus, certificate.u_minus) == (1.0, -math.inf, -math.inf)
        assert certificate.every_k
    else:
        assert certificate.witness.deviation.kind == DEVIATIONS[template.name]
        assert certificate.every_k or [one.n_classes for one in certificate.witnesses] == [2, 3, 4]


@pytest.mark.parametrize("template", losses.TEMPLATES, ids=lambda one: one.name)
def test_the_status_agrees_with_what_the_template_says_of_its_tail(template: Any) -> None:
    """The facts are asserted elsewhere with floats far out: another way to the same answer."""
    assert (certify_tail(template).status == "proved") == (template.facts.tail == "exponential")
    assert certify_tail(template).c == template.facts.tail_constant


@pytest.mark.parametrize("template", losses.TEMPLATES, ids=lambda one: one.name)
def test_a_witness_shows_what_it_says_in_sixty_digits(template: Any) -> None:
    """Another arithmetic, derivatives by differences, and the definition itself."""
    certificate = certify_tail(template)
    for witness in certificate.witnesses:
        for point in witness.points:
            r, S = ratio_by_differences(template.tail_form, point.margins)
            shown = point.ratio.strip("[]").split(" +/- ")
            assert abs(r - mpmath.mpf(shown[0])) <= mpmath.mpf(10) ** -15 * max(1, abs(r))
            if witness.deviation.kind == "below":
                assert r < certificate.c * (1 - S) - mpmath.mpf(10) ** -15
            elif witness.deviation.kind in ("zero", "negative"):
                assert r <= 0
        if witness.deviation.kind in ("vanishes", "grows"):
            ratios = [ratio_by_differences(template.tail_form, one.margins)[0] for one in witness.points]
            assert sorted(ratios, reverse=witness.deviation.kind == "vanishes") == ratios
            assert max(ratios) > 1e4 * min(ratios) > 0


def ratio_by_differences(form: Any, margins: Sequence[float]) -> tuple[Any, Any]:
    with mpmath.workdps(60):
        z = [mpmath.exp(-mpmath.mpf(one)) for one in margins]
        step = z[0] * mpmath.mpf(10) ** -20
        high, low = form.phi([z[0] + step, *z[1:]], MpOps), form.phi([z[0] - step, *z[1:]], MpOps)
        return (high - low) / (2 * step), sum(z)


class MpOps:
    exp, log, log1p, sqrt = mpmath.exp, mpmath.log, mpmath.log1p, mpmath.sqrt

    @staticmethod
    def power(x: Any, a: Any) -> Any:
        return x ** mpmath.mpf(a)


FORMS: dict[str, tuple[Any, str, float | None]] = {
    "twice cross-entropy": (FunctionOfSum(lambda s, ops: 2 * ops.log1p(s)), "proved", 2.0),
    "a tenth of it": (FunctionOfSum(lambda s, ops: 0.1 * ops.log1p(s)), "proved", 0.1),
    "S + S^2": (FunctionOfSum(lambda s, ops: s + s * s), "refuted", 1.0),
    "S + S^3": (FunctionOfSum(lambda s, ops: s + s**3), "refuted", 1.0),
    "S - S^2": (FunctionOfSum(lambda s, ops: s - s * s), "refuted", 1.0),
    "S - 0.25 sum z^2": (JointForm(lambda z, ops: total(z) - 0.25 * total([o * o for o in z])), "proved", 1.0),
    "the same by parts": (SumOfParts(lambda z, ops: z - 0.25 * z * z), "proved", 1.0),
    "1 - exp(-S)": (FunctionOfSum(lambda s, ops: 1 - ops.exp(-s)), "proved", 1.0),
    "S - 0.3 S^2.5": (FunctionOfSum(lambda s, ops: s - 0.3 * ops.power(s, 2.5)), "proved", 1.0),
    "S - 0.3 S^1.5": (FunctionOfSum(lambda s, ops: s - 0.3 * ops.power(s, 1.5)), "refuted", 1.0),
    "S + S^2 log S": (FunctionOfSum(lambda s, ops: s + s * s * ops.log(s)), "refuted", 1.0),
    "joint cross-entropy": (JointForm(lambda z, ops: ops.log1p(total(z))), "proved", 1.0),
    "joint pair logistic": (JointForm(lambda z, ops: total([ops.log1p(o) for o in z])), "proved", 1.0),
    "composition": (FunctionOfSum(lambda s, ops: s - 0.25 * s * s, lambda z, ops: z - 0.2 * z * z), "proved", 1.0),
    "too bent together": (FunctionOfSum(lambda s, ops: ops.log1p(s), lambda z, ops: ops.log1p(z)), "refuted", 1.0),
    "f(0) is not 0": (FunctionOfSum(lambda s, ops: ops.log1p(s), lambda z, ops: ops.exp(z)), "refuted", None),
    "no limit": (JointForm(lambda z, ops: total(z) + total([o * o for o in z]) / total(z)), "refuted", None),
    "falls in z": (FunctionOfSum(lambda s, ops: -s), "refuted", None),
    "squared cross-entropy": (FunctionOfSum(lambda s, ops: ops.log1p(s) ** 2), "refuted", None),
    "temperature": (SumOfParts(lambda z, ops: ops.power(z, 0.5)), "refuted", None),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_with_known_answers(name: str) -> None:
    form, status, c = FORMS[name]
    certificate = certify_tail(form, n_classes=(2, 3, 4) if name != "no limit" else (3,))
    assert certificate.status == status
    assert certificate.verify(form)
    if c is not None:
        assert certificate.c == c


def test_a_composition_is_proved_for_every_k_with_thresholds_that_grow_with_k() -> None:
    form = FORMS["composition"][0]
    few, many = certify_tail(form, n_classes=(3,)), certify_tail(form, n_classes=(50,))
    assert few.method == many.method == "composition"
    assert many.every_k
    assert many.u_plus == pytest.approx(few.u_plus + math.log(49 / 2))
    # g' falls below 0 at T = 2, and f(z) reaches that only for some K: so S has to be bounded
    assert few.u_plus > -math.inf


def test_the_thresholds_are_close_to_the_best() -> None:
    """h'(z) = 1 + z^2 (3 z - 3) is at most 1 up to z = 1, and at least 1 - z up to 1.43 and beyond."""
    certificate = certify_tail(SumOfParts(lambda z, ops: z - z**3 + 0.75 * z**4))
    assert certificate.status == "proved"
    assert 0.0 <= certificate.u_plus < 0.01
    form = SumOfParts(lambda z, ops: z - z**3)  # 1 - 3 z^2 >= 1 - z up to z = 1/3
    assert 0.0 <= certify_tail(form).u_minus - math.log(3.0) < 0.02


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 1 / 3, 5.0])
def test_focal_is_refuted_for_every_gamma(gamma: float) -> None:
    certificate = certify_tail(losses.get("focal", gamma=gamma))
    assert (certificate.status, certificate.witness.deviation.kind) == ("refuted", "vanishes")
    assert certificate.verify()
    assert certificate.limit == "hard_margin"


@pytest.mark.parametrize(("name", "values"), [("polynomial", [0.3, 4.0]), ("label_smoothing", [1e-9, 0.7])])
def test_parameters_do_not_change_the_answer(name: str, values: list[float]) -> None:
    field = {"polynomial": "a", "label_smoothing": "eps"}[name]
    for value in values:
        template = losses.get(name, **{field: value})
        certificate = certify_tail(template)
        assert certificate.status == "refuted"
        assert certificate.verify()


def test_gamma_phi_of_the_user() -> None:
    template = losses.get("gamma_phi", g=lambda x, ops: 1 - ops.exp(-x))
    assert certify_tail(template).status == "proved"
    bent = losses.get("gamma_phi", g=lambda x, ops: x + x * x)
    assert certify_tail(bent).status == "refuted"
    softplus = losses.get(
        "gamma_phi", g=lambda x, ops: x, f=lambda u, ops: ops.log1p(ops.exp(-u)), inner=lambda z, ops: ops.log1p(z)
    )
    certificate = certify_tail(softplus)
    assert (certificate.status, certificate.method, certificate.every_k) == ("proved", "composition", True)
    assert certificate.verify()


def polynomial_form(second: Fraction, mixed: Fraction, third: Fraction, scale: Fraction) -> JointForm:
    """phi = c (S + second/2 sum z^2 + mixed sum_{i<j} z_i z_j + third/6 sum z^3)."""

    def joint(z: Sequence[Any], ops: Any) -> Any:
        squares, cubes, s = total([o * o for o in z]), total([o * o * o for o in z]), total(z)
        pairs = (s * s - squares) / 2
        return scale * (s + second / 2 * squares + mixed * pairs + third / 6 * cubes)

    return JointForm(joint)


eighths = st.integers(-12, 4).map(lambda n: Fraction(n, 8))


@given(eighths, eighths, st.integers(-4, 4), st.sampled_from([Fraction(1, 4), Fraction(3)]), st.sampled_from([2, 3, 4]))
@settings(max_examples=12, deadline=None)
def test_the_answer_is_that_of_the_second_order_coefficients(
    second: Fraction, mixed: Fraction, third: int, scale: Fraction, K: int
) -> None:
    """With c and the Hessian at 0 known: inside (-c, 0) proved, outside [-c, 0] refuted."""
    form = polynomial_form(second, mixed, Fraction(third), scale)
    certificate = certify_tail(form, n_classes=(K,))
    entries = [second] if K == 2 else [second, mixed]
    if any(not -1 <= one <= 0 for one in entries):
        assert certificate.status == "refuted"
    elif all(-1 < one < 0 for one in entries):
        assert certificate.status == "proved"
        assert certificate.c == scale
    if certificate.status != "not_refuted":
        assert certificate.verify(form)
    if certificate.status == "proved":
        check_bounds_exactly(form, certificate, K)


def check_bounds_exactly(form: Any, certificate: Any, K: int) -> None:
    """Hold the definition at rational points just inside the thresholds, in fractions."""
    rng = np.random.default_rng(5)
    for name, threshold in (("plus", certificate.u_plus), ("minus", certificate.u_minus)):
        edge = Fraction(2.0**6 if threshold == -math.inf else math.exp(-threshold) * (1 - 1e-12))
        for share in [np.ones(K - 1), *rng.uniform(size=(20, K - 1)), *rng.integers(0, 2, size=(5, K - 1))]:
            z = [max(edge * Fraction(float(one)), Fraction(1, 10**9)) for one in share]
            h = Fraction(1, 10**6)
            # exact for cubic polynomials up to h^2 phi''' / 6, which is corrected below
            r = (form.phi([z[0] + h, *z[1:]], None) - form.phi([z[0] - h, *z[1:]], None)) / (2 * h)
            two = (form.phi([z[0] + 2 * h, *z[1:]], None) - form.phi([z[0] - 2 * h, *z[1:]], None)) / (4 * h)
            r = (4 * r - two) / 3
            c = Fraction(certificate.c)
            assert r <= c if name == "plus" else r >= c * (1 - sum(z))


def test_a_constant_below_the_precision_is_not_called_zero() -> None:
    tiny = Fraction(1, 10**60)

    # r_1 = c - c z / 2 - z^2 with c = log exp(tiny) has an exponential tail: both bounds hold for z <= c / 2
    def part(z: Any, ops: Any) -> Any:
        return ops.log(ops.exp(tiny)) * z - z * z * (tiny / 4) - z * z * z / 3

    assert certify_tail(SumOfParts(part), n_classes=(2,)).status == "not_refuted"


# black boxes: only log-weights


@dataclass(frozen=True)
class BlackBox:
    log_slope: Callable[[Any], Any]
    name: str = "black box"

    def log_weights(self, margins: Any) -> Any:
        S = np.exp(-margins).sum(axis=-1, keepdims=True)
        return self.log_slope(S) - margins


@pytest.mark.parametrize(
    ("log_slope", "status"),
    [
        (lambda S: -np.log1p(S), "not_refuted"),
        (lambda S: np.zeros_like(S), "not_refuted"),
        (lambda S: np.log(3.0) - np.log1p(S), "not_refuted"),
        (lambda S: np.log(1.0 / (1.0 + S)), "not_refuted"),  # loses digits, which must not count
        (lambda S: -2 * np.log1p(S), "refuted"),
        (lambda S: np.log1p(S), "refuted"),
        (lambda S: 2 * np.log(S), "refuted"),
        (lambda S: 0.01 * np.log(S), "refuted"),
        (lambda S: -0.01 * np.log(S), "refuted"),
        (lambda S: np.where(S < 0.3, -np.inf, 0.0), "refuted"),
    ],
)
def test_a_black_box_is_never_proved(log_slope: Any, status: str) -> None:
    certificate = certify_tail(BlackBox(log_slope))
    assert certificate.status == status
    assert not certificate.is_proof
    assert certificate.verify() == (status == "refuted")
    if status == "refuted":
        assert certificate.witness.level >= 12
        assert "not by proof" in str(certificate)


def _seen(loss: Any, margins: Any, classes: int = 2) -> Any:
    """Return the certificate that floats at some margins would give, wherever these lie."""
    margins = np.asarray(margins, dtype=float)
    log_ratios, signs, precision = float_ratios(loss, classes, margins)
    level = broken_level(classes, margins, log_ratios, signs, precision)
    numbers = (tuple(map(float, one)) for one in (margins, log_ratios, signs))
    witness = FloatWitness(classes, level, *numbers, precision)
    return TailCertificate("refuted", "seen", (classes,), method="floats", witnesses=(witness,), _template=loss)


def test_floats_at_small_margins_or_out_of_order_refute_nothing() -> None:
    # e times as large up to 5, and 1 / (1 + S) beyond
    late = BlackBox(lambda S: np.where(-np.log(S) < 5.0, 1.0, 0.0) - np.log1p(S))
    broken = BlackBox(lambda S: -2 * np.log1p(S))
    assert _seen(broken, np.arange(4.0, 31.0)).verify()
    assert not replace(_seen(broken, np.arange(4.0, 31.0)), c=1.0).verify()
    assert _seen(late, np.arange(1.0, 31.0)).witness.level >= 4.0
    assert not _seen(late, np.arange(1.0, 31.0)).verify()
    for margins in ([20.0, 4.0, 6.0], [20.0, 20.0, 20.0]):
        assert not _seen(late, margins).verify()
        assert not _seen(broken, margins).verify()


def test_floats_do_not_overrule_a_form() -> None:
    mae = losses.get("mae")
    certificate = _seen(mae, np.arange(4.0, 31.0))
    assert certificate.witness.level >= 12
    assert not certificate.verify()
    assert _seen(BlackBox(lambda S: -2 * np.log1p(S)), np.arange(4.0, 31.0)).verify()


@pytest.mark.parametrize("name", losses.names())
def test_floats_agree_with_the_proofs(name: str) -> None:
    """The same templates with their forms hidden."""
    template = losses.get(name)

    class Hidden:
        log_weights = staticmethod(template.log_weights)
        weight_signs = staticmethod(template.weight_signs)

    certificate = certify_tail(Hidden())
    assert certificate.status == ("not_refuted" if name in PROVED else "refuted")


def test_a_log_weight_that_underflows_is_no_evidence() -> None:
    class Naive:
        def log_weights(self, margins: Any) -> Any:
            p = 1.0 / (1.0 + np.exp(-margins).sum(axis=-1, keepdims=True))
            with np.errstate(divide="ignore"):
                return np.log((1.0 - p) * np.exp(-margins) / np.exp(-margins).sum(axis=-1, keepdims=True))

    class Single(Naive):
        def log_weights(self, margins: Any) -> Any:
            return super().log_weights(np.asarray(margins, dtype=np.float32))

    assert certify_tail(Naive()).status == "not_refuted"
    assert certify_tail(Single()).status == "not_refuted"


# misuse


class Wrong(losses.Template):
    name = "wrong"

    def __init__(self, form: Any) -> None:
        self._form = form

    @property
    def tail_form(self) -> Any:
        return self._form

    def value(self, margins: Any, xp: Any = np) -> Any:
        return xp.exp(-margins).sum(-1)


@pytest.mark.parametrize(
    ("loss", "part"),
    [
        ("cros_entropy", "cross_entropy"),
        (3, "tail form"),
        (Wrong(FunctionOfSum(lambda s, ops: ops.log1p(s))), "weights"),
        (Wrong(JointForm(lambda z, ops: z[0] + 2 * total(z[1:]) if len(z) > 1 else z[0])), "symmetric"),
        (JointForm(lambda z, ops: z[0] + 2 * total(z[1:]) if len(z) > 1 else z[0]), "symmetric"),
        (SumOfParts(lambda z, ops: max(z, 0)), "branches"),
        (SumOfParts(lambda z, ops: math.log1p(z)), "branches"),
        (SumOfParts(lambda z, ops: np.log1p(z)), "branches"),
    ],
)
def test_what_is_no_form_of_the_template_is_refused(loss: Any, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        certify_tail(loss)


@pytest.mark.parametrize("n_classes", [(), (1,), (2.5,), "x", 1, True, (0, 3)])
def test_numbers_of_classes_are_checked(n_classes: Any) -> None:
    with pytest.raises(UsageError, match="2 or more"):
        certify_tail("exponential", n_classes=n_classes)


def test_partial_forms_pickle_and_certify_for_many_classes() -> None:
    form = FunctionOfSum(partial(_scaled, a=0.5))
    certificate = certify_tail(form, n_classes=(2, 1000))
    assert certificate.every_k
    assert certificate.verify(form)


def _scaled(s: Any, ops: Any, a: float) -> Any:
    return a * ops.log1p(s)


def test_without_python_flint_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['flint'] = None\n"
        "from marginscope.exceptions import MissingExtra\n"
        "from marginscope.losses.tail import certify_tail\n"
        "try:\n    certify_tail('cross_entropy')\n"
        "except MissingExtra as error:\n    print(error)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "python-flint" in shown
    assert "pip install 'marginscope[cert]'" in shown


def test_one_number_of_classes_may_be_given_alone():
    assert certify_tail("cross_entropy", n_classes=3) == certify_tail("cross_entropy", n_classes=(3,))
    with pytest.raises(UsageError, match="2 or more"):
        certify_tail("cross_entropy", n_classes=1)

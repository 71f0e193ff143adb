"""Whether a template has the multiclass exponential tail, with a proof either way."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from marginscope._display import make_frame, one_line
from marginscope.exceptions import UsageError

__all__ = ["TailCertificate"]

SCHEMA = "marginscope.tail/1"
_LIMITS = {
    "hard_margin": "the hard-margin direction",
    "other": "another direction than the hard margin",
    "none": "none: the coefficients stay bounded",
    None: "unknown",
}


@dataclass(frozen=True, repr=False)
class TailCertificate:
    """The exponential tail of a template, and its proof or refutation.

        c (1 - S) <= r_i(u) <= c    for all large margins u,

    r_i(u) = -d_i psi(u) exp(u_i) = d_i phi(z),    z_j = exp(-u_j),    S = sum_j z_j

    Attributes
    ----------
    status : str
        "proved"; "refuted": for every c, u_+ and u_- a bound fails; "not_refuted".
    loss : str
        Name of the template.
    n_classes : tuple of int
        The numbers of classes asked for.
    every_k : bool
        Whether the answer holds for every number of classes.
    method : str
        "profile" (one-dimensional), "composition", "boxes", "curve", "floats" (evidence,
        not proof) or "none".
    c : float or None
        The constant of both bounds; of a refuted template, that which r_i tends to.
    u_plus, u_minus : float or None
        The upper bound holds where min_j u_j > u_plus, the lower where it is above
        u_minus, for the most classes asked for. Minus infinity: at every margin.
    proofs : tuple of TailProof
    witnesses : tuple of TailWitness or FloatWitness
        One for each refuted number of classes, only the first where one settles every K.
    limit : str or None
        Where gradient descent goes on separable data: "hard_margin", "other" or "none".
        A separate question: without this tail it may be the hard margin all the same.
    limit_reason : str
        Why, with its source, or that it was measured.
    reason : str
        Why nothing could be decided.
    """

    status: str
    loss: str
    n_classes: tuple[int, ...]
    every_k: bool = False
    method: str = "none"
    c: float | None = None
    u_plus: float | None = None
    u_minus: float | None = None
    proofs: tuple[Any, ...] = ()
    witnesses: tuple[Any, ...] = ()
    limit: str | None = None
    limit_reason: str = ""
    reason: str = ""
    _template: Any = field(default=None, repr=False, compare=False)

    @property
    def witness(self) -> Any:
        """The first witness: margins at which a bound fails; ``None`` if there is none."""
        return self.witnesses[0] if self.witnesses else None

    @property
    def is_proof(self) -> bool:
        """Whether the status is proved by interval arithmetic, not only seen in floats."""
        return self.method not in ("floats", "none")

    def verify(self, loss: Any = None) -> bool:
        """Prove the status again, without the search that found it.

        Parameters
        ----------
        loss : Template or TailForm, optional
            Default the template that the certificate was made for.

        Returns
        -------
        bool
            False where the numbers do not prove the status, and if "not_refuted".

        Raises
        ------
        UsageError
            If no template was given and the certificate was read from a file.
        MissingExtra
            If python-flint is not installed.
        """
        template = self._template if loss is None else loss
        if template is None:
            raise UsageError("verify needs the template, but the certificate came without; pass it: verify(loss)")
        from marginscope.certificates.tail_check import certifies

        return certifies(self, template)

    def __repr__(self) -> str:
        return one_line(self)

    def __str__(self) -> str:
        lines = [self._headline(), *self._details()]
        lines.append(f"Limit of gradient descent on separable data: {_LIMITS[self.limit]}.")
        if self.limit_reason:
            lines.append(f"  Source: {self.limit_reason}.")
        if self.status == "proved" or self.witness is not None:
            lines.append("verify() proves this again." if self.is_proof else "verify() measures this again.")
        return "\n".join(lines)

    def _headline(self) -> str:
        classes = [one.n_classes for one in self.witnesses] or self.n_classes
        shown = "every K" if self.every_k else "K = " + ", ".join(map(str, classes))
        if self.status == "proved":
            return f"{self.loss}: exponential tail proved for {shown}, with c = {self.c:.12g}."
        if self.status == "refuted":
            basis = "" if self.is_proof else " by evidence in floats, not by proof"
            return f"{self.loss}: no exponential tail, refuted{basis} for {shown}."
        return f"{self.loss}: exponential tail neither proved nor refuted for {shown}."

    def _details(self) -> list[str]:
        if self.status != "proved":
            return [self.reason] if self.witness is None else self.witness.lines()
        lines = []
        most = max(self.n_classes)
        for name, bound, least in (("u_+", "r_i <= c", self.u_plus), ("u_-", "r_i >= c (1 - S)", self.u_minus)):
            assert least is not None
            place = "at every margin" if least == -math.inf else f"where all margins are above {name} = {least:.6g}"
            scope = f" (K = {most})" if least != -math.inf and any(one.variable == "S" for one in self.proofs) else ""
            lines.append(f"  {bound} {place}{scope}")
        n_cells = sum(len(one.letters) - one.letters.count("s") for proof in self.proofs for one in proof.covers)
        lines.append(f"  Proof by {self.method}: {n_cells} cell{'s' * (n_cells != 1)} in interval arithmetic.")
        return lines

    def frame(self) -> Any:
        """Return one line per number of classes: the status and its constants."""
        own = [self._proof_for(K) for K in self.n_classes]
        return make_frame(
            {
                "n_classes": list(self.n_classes),
                "status": [self._status_for(K) for K in self.n_classes],
                "c": [self.c if one is None else one.c[0] for one in own],
                "u_plus": [None if one is None else one.u_plus(K) for one, K in zip(own, self.n_classes, strict=True)],
                "u_minus": [
                    None if one is None else one.u_minus(K) for one, K in zip(own, self.n_classes, strict=True)
                ],
            }
        )

    def _proof_for(self, K: int) -> Any:
        return next((one for one in self.proofs if one.n_classes in (None, K)), None)

    def _status_for(self, K: int) -> str:
        if self.status == "refuted" and not self.every_k and K not in [one.n_classes for one in self.witnesses]:
            return "not_refuted"
        return self.status

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a bound that holds at every margin has the margin "-inf"."""
        document = {
            "schema": SCHEMA,
            "status": self.status,
            "is_proof": self.is_proof,
            "loss": self.loss,
            "n_classes": list(self.n_classes),
            "every_k": self.every_k,
            "method": self.method,
            "c": self.c,
            "u_plus": self.u_plus,
            "u_minus": self.u_minus,
            "proofs": [asdict(one) for one in self.proofs],
            "witnesses": [one.to_dict() for one in self.witnesses],
            "limit": self.limit,
            "limit_reason": self.limit_reason or None,
            "reason": self.reason or None,
        }
        plain: dict[str, Any] = _plain(document)
        return plain

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> TailCertificate:
        """Return the certificate that ``to_dict`` wrote; ``verify`` then needs the template.

        Raises
        ------
        UsageError
            If it is not such a document.
        """
        from marginscope.certificates.tail_check import proof_from, witness_from

        try:
            if document["schema"] != SCHEMA:
                raise KeyError("schema")
            numbers = {name: _number(document[name]) for name in ("c", "u_plus", "u_minus")}
            return cls(
                status=document["status"],
                loss=document["loss"],
                n_classes=tuple(document["n_classes"]),
                every_k=document["every_k"],
                method=document["method"],
                proofs=tuple(proof_from(one) for one in document["proofs"]),
                witnesses=tuple(witness_from(one) for one in document["witnesses"]),
                limit=document["limit"],
                limit_reason=document["limit_reason"] or "",
                reason=document["reason"] or "",
                **numbers,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"a document of schema {SCHEMA} is needed, but reading it failed at {error}; "
                "pass what TailCertificate.to_dict wrote"
            ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

"""What the machine code of a descent depends on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Plan", "tiles"]


@dataclass(frozen=True)
class Plan:
    """Sizes and settings known to the compiler.

    Attributes
    ----------
    template : str
    n_classes, n_features : int
    bits : int
        64 or 32.
    width : int
        Samples in one vector.
    registers : int
        Vectors that the processor holds at a time; decides no bit of the result.
    contract : bool
        Whether a product and a sum may be rounded once.
    adjusted : bool
        Whether there are class margins, scales, shifts or weights.
    """

    template: str
    n_classes: int
    n_features: int
    bits: int
    width: int
    registers: int
    contract: bool
    adjusted: bool

    @property
    def n_rivals(self) -> int:
        return self.n_classes - 1

    @property
    def row_tiles(self) -> tuple[int, int, int]:
        """Rows of the gradient that are summed together, see ``tiles``."""
        return tiles(self.n_classes, 4 if self.registers >= 32 else 3 if self.registers >= 16 else 2)

    @property
    def column_tiles(self) -> tuple[int, int, int]:
        """Columns of the gradient that are summed together, as many as the registers hold."""
        rows = self.row_tiles[0]
        return tiles(self.n_features, min(self.width, (self.registers - rows - 1) // rows))

    @property
    def row(self) -> int:
        """Length of a row of W in memory: every tile of columns has a vector of its own."""
        _, full, rest = self.column_tiles
        return (full + (rest > 0)) * self.width

    @property
    def places(self) -> list[int]:
        """Where in a row of memory each feature lies."""
        size = self.column_tiles[0]
        return [j // size * self.width + j % size for j in range(self.n_features)]

    @property
    def n_terms(self) -> int:
        """Length of the array of numbers per class, see ``Pack``."""
        return self.n_classes * (2 + 2 * self.n_rivals)


def tiles(total: int, most: int) -> tuple[int, int, int]:
    """Split into equal parts of at most ``most``: their size, their number and what is left."""
    size = -(-total // -(-total // most))
    return size, total // size, total % size

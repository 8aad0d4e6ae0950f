"""Species of the simulated genome: which grammar they share, and in what they differ.

A is the genome of the demo. B has the same grammar (motif, partner, splice sites, boxes) in other sequence: other isochores, other repeat
families, other amounts of each class. C is B with one rule turned round: the partner decides on binding to the left of the motif. What was
learnt of binding in A therefore holds in B, and must not hold in C.
"""

from dataclasses import dataclass, field, replace

from grover.simulation.sequence import Family

# kinds of a copy of the partner beside a motif, and their shares where the right side decides
PARTNER_KINDS = {"right": 0.5, "left": 0.25, "reversed": 0.125, "none": 0.125}
OPPOSITE = {"right": "left", "left": "right"}


@dataclass(frozen=True)
class Species:
    """What makes a species.

    stream: of random numbers, so that species of one seed have unlike sequence; -1 is that of the seed alone.
    gc_shift: added to the GC of the isochores. repeats: factor on the part of the genome that a class of repeats fills.
    side: of the motif on which the partner decides.
    """

    name: str
    stream: int = -1
    gc_shift: float = 0.0
    repeats: dict[str, float] = field(default_factory=dict)
    side: str = "right"

    def seed(self, seed: int) -> int | list[int]:
        """The seed of the random numbers of this species."""
        return seed if self.stream < 0 else [seed, self.stream]

    @property
    def partner_kinds(self) -> dict[str, float]:
        """Kinds of partner with their shares, in an order in which species that differ in the side draw opposite kinds."""
        turned = self.side != "right"
        return {OPPOSITE.get(kind, kind) if turned else kind: share for kind, share in PARTNER_KINDS.items()}

    def families(self, families: list[Family]) -> list[Family]:
        """Repeat families in the amounts of this species; those of other sequence than A's have other names."""
        if not self.repeats:
            return families
        return [
            replace(
                family,
                name=family.name.replace("Demo", "Demo2"),
                coverage=family.coverage * self.repeats.get(family.repeat_class, 1.0),
            )
            for family in families
        ]


_OTHER = {"SINE": 0.3, "LINE": 0.5, "LTR": 3.0, "DNA": 2.5}
# C has the sequence of B but for the sites, so that nothing else can explain a difference between them
SPECIES = {
    each.name: each
    for each in (
        Species("A"),
        Species("B", stream=1, gc_shift=0.05, repeats=_OTHER),
        Species("C", stream=1, gc_shift=0.05, repeats=_OTHER, side="left"),
    )
}

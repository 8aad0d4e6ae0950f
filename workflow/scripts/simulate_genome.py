"""Simulate a small genome with known truth and its annotation."""

from grover.config.options import Seed
from grover.config.sections.genome import Simulation
from grover.runtime.cli import Output, main
from grover.simulation import files
from grover.simulation.simulate import simulate
from grover.simulation.species import SPECIES


def simulate_genome(
    genome: Output,
    repeats: Output,
    peaks: Output,
    motifs: Output,
    genes: Output,
    tss: Output,
    islands: Output,
    states: Output,
    replication: Output,
    variants: Output,
    noise: Output,
    truth: Output,
    size: Simulation,
    seed: Seed,
) -> None:
    """Simulate a small genome with known truth and its annotation in the formats of the public sources.

    Binding of the motif follows from a partner motif beside it and not from its own strength; the truth file contains
    what was planted where.
    """
    canvas = simulate(size.bases, size.contigs, seed, SPECIES[size.species])
    files.write_genome(canvas, genome)
    files.write_repeats(canvas, repeats)
    files.write_peaks(canvas, peaks)
    files.write_motifs(canvas, motifs)
    files.write_genes(canvas, genes)
    files.write_tss(canvas, tss)
    files.write_bed(canvas, islands, "islands")
    files.write_bed(canvas, states, "states")
    files.write_bed(canvas, replication, "timing")
    files.write_variants(canvas, variants)
    files.write_bed(canvas, noise, "noise")
    files.write_truth(canvas, truth, seed)


if __name__ == "__main__":
    main(simulate_genome)

"""Rows of the formats of intervals."""


def row(form, chrom, start, end, i):
    """A line of a format; columns that a test asks for differ from row to row."""
    strand, name = "+-"[i % 2], ["Alu", "L1", "NA"][i % 3]
    if form == "rmsk":
        fields = [1, 10 * i, 1, 1, 1, chrom, start, end, -5, strand, f"N{i}", name, f"{name}-f", 1, 2, 3, 4]
    elif form == "gtf":
        fields = [chrom, "x", ["gene", "exon"][i % 2], start + 1, end, ".", strand, ".", f'gene_id "{name}";']
    elif form == "bedgraph":
        fields = [chrom, start, end, i / 4]
    else:
        fields = [chrom, start, end, name, ".", strand, i / 4, -1, i / 2, 0][: 6 if form == "bed" else 10]
    return "\t".join(map(str, fields)) + "\n"

"""Gather the scores of all variants as tables, and in the VCF that they come from."""

from collections.abc import Iterator

import pandas as pd

from grover.config.sections.interpretation import VariantLabels
from grover.interpretation.annotated_vcf import write_annotated
from grover.interpretation.labels import labels_of
from grover.interpretation.variant_tables import COLUMNS, read_blocks, write_blocks, write_text_blocks
from grover.runtime.cli import Input, Inputs, Output, main
from grover.runtime.files import atomic, checksum, folder, write_json
from grover.runtime.json_files import read_json
from grover.runtime.version import version


def gather_variants(
    variants: Input,
    shards: Inputs,
    counts: Input,
    model: Input,
    table: Output,
    text: Output,
    vcf: Output,
    index: Output,
    summary: Output,
    labels: VariantLabels,
) -> None:
    """Write the rows of all SHARDS as TABLE (Parquet) and TEXT (TSV), with the label of each variant; VCF, the records of VARIANTS with the
    scores in INFO, and its tabix INDEX; and SUMMARY (JSON), how many alleles have which status."""
    status: dict[str, int] = {}

    def blocks() -> Iterator[pd.DataFrame]:
        for block in read_blocks(shards):
            for name, number in block["status"].value_counts().items():
                status[str(name)] = status.get(str(name), 0) + int(number)
            yield block.assign(label=labels_of(block["effect"], block["record"], labels))[COLUMNS]

    write_blocks(table, blocks())
    write_text_blocks(text, read_blocks([table]))
    about = {
        "GROVER_VERSION": version(),
        "GROVER_MODEL": f"{folder(model).name}, sha256 {checksum(model)}",
    }
    with atomic(vcf) as temporary:
        write_annotated(variants, temporary, read_blocks([table]), about)
        temporary.with_name(f"{temporary.name}.tbi").replace(index)
    write_json(summary, read_json(counts, "delete it and run the workflow again") | {"status": status})


if __name__ == "__main__":
    main(gather_variants)

"""What every stage needs, in the order in which it is built up. Functions are in files without rules, as `snakemake --lint` wants it."""


include: "common/package.smk"
include: "common/configuration.smk"
include: "common/jobs.smk"
include: "common/sources.smk"
include: "common/params.smk"
include: "common/names.smk"
include: "common/transfer.smk"
include: "common/start_and_end.smk"

"""Fine-tune and probe a model on several numbers of labels of a task."""

from typing import Annotated

import pandas as pd
from typer import Option

from grover.config.options import Device, Precision, Seed
from grover.config.sections import benchmarks, transfer
from grover.finetuning.finetune import Settings, check_passed
from grover.network.cores import side_by_side
from grover.network.device import choose_device
from grover.network.training import Execution
from grover.pretraining.preflight import processes_beside
from grover.runtime.cli import Input, Output, main
from grover.runtime.files import folder, write_table
from grover.runtime.options import Threads
from grover.transfer.few_labels import draw_labels, fine_tuned, long_enough, probed


def transfer_labels(
    dataset: Input,
    passed: Input,
    model: Input,
    predictions: Output,
    name: Annotated[str, Option(help="name of the model in the tables")],
    budgets: transfer.Budgets,
    few: transfer.FewLabels,
    training: benchmarks.ClassifierTraining,
    network: benchmarks.ClassifierNetwork,
    seed: Seed,
    device: Device,
    precision: Precision,
    threads: Threads = 0,
) -> None:
    """Write what the model in the folder of MODEL calls on fold test: a row per method, number of labels, seed and example."""
    check_passed(dataset, passed)
    table, source, place = pd.read_parquet(dataset), folder(model), choose_device(device, threads)
    settings = Settings(**training.model_dump(), **network.model_dump(exclude={"pooling"}), precision=precision)

    def train(asked: tuple[int, int]) -> pd.DataFrame:
        labels, each = asked
        drawn, execution = draw_labels(table, labels, each), Execution(place, precision, each)
        tuned = fine_tuned(drawn, source, long_enough(settings, labels, few.steps), network.pooling, execution)
        return pd.concat([tuned, probed(drawn, source, execution)], ignore_index=True)

    asked = [(labels, each) for labels in budgets.labels for each in range(seed, seed + budgets.seeds)]
    found = side_by_side(train, asked, processes_beside(source, place, precision, threads))
    write_table(predictions, pd.concat(found, ignore_index=True).assign(model=name))


if __name__ == "__main__":
    main(transfer_labels)

"""Command line options that the commands with a neural network share."""

from typing import Annotated, Literal

from typer import Option

Device = Annotated[str, Option(help="auto (a GPU if there is one), cpu or cuda")]
Precision = Annotated[str, Option(help="auto (bf16 on a GPU, else fp32), fp32 or bf16")]
Threads = Annotated[int, Option(help="threads of the CPU to use; 0 leaves it to torch")]
Seed = Annotated[int, Option(help="seed of every random choice")]

# of a fine-tuning, of our models and of others
Seeds = Annotated[list[int], Option(help="seed; repeat the option for several")]
Epochs = Annotated[int, Option(help="passes over fold train at most", min=1)]
BatchSize = Annotated[int, Option(help="sequences a step", min=1)]
LearningRate = Annotated[float, Option(help="highest learning rate")]
Warmup = Annotated[float, Option(help="share of the steps in which the learning rate rises")]
Patience = Annotated[int, Option(help="epochs without a better loss on fold valid before training stops", min=1)]
ClassWeights = Annotated[str, Option(help="balanced: classes weigh the same, however rare; or none")]
MaximumTrain = Annotated[int, Option(help="training examples at most; 0: all")]
MaximumValid = Annotated[int, Option(help="examples of fold valid that decide when training stops; 0: all")]
Initial = Annotated[
    Literal["pretrained", "random"], Option(help="the pretrained model, or a randomly initialised one of the same size")
]

"""Which class of a fine-tuned model an explanation is about."""

from grover.commands.models import Model
from grover.intervals.contigs import some_of
from grover.runtime.errors import InputError


def class_of(model: Model, name: str | None) -> int:
    """Return the number of the class that `--class` names.

    Of two classes the answer is logit(1) - logit(0), and no class need be named. Raises InputError where the model has several and none is
    named, or where it has no class of this name.
    """
    labels = model.labels
    if name is not None and name not in labels:
        raise InputError(f"--class {name}: the classes of {model.name} are {', '.join(labels)}; name one of these")
    if len(labels) > 2:
        if name is None:
            raise InputError(f"{model.name} has {len(labels)} classes ({some_of(labels)}); name one of them as --class")
        return labels.index(name)
    if name == labels[0]:
        raise InputError(
            f"--class {name}: of two classes the answer is logit({labels[1]}) - logit({labels[0]}); leave out --class, and read the sign "
            "the other way"
        )
    return 1

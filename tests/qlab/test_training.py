import pytest
import torch

from qlab import data
from qlab.models import MLP, mlp_for
from qlab.training import accuracy_and_loss, train


def test_the_mlp_has_no_biases_and_the_size_of_its_data():
    digits = data.load()
    assert mlp_for(digits).sizes == (64, 128, 128, 10) and MLP().sizes == (784, 512, 512, 10)
    assert all(layer.bias is None for layer in MLP().layers)


def test_no_size_is_guessed():
    digits = data.load()
    odd = data.Dataset("odd", torch.zeros(2, 5), digits.y_train[:2], torch.zeros(2, 5), digits.y_test[:2], data.DIGITS)
    with pytest.raises(ValueError, match="build MLP"):
        mlp_for(odd)


def test_training_learns_is_seeded_and_quiet_on_stderr(capsys):
    digits = data.load()
    models = [mlp_for(digits, seed=1) for _ in range(2)]
    before = torch.random.get_rng_state()
    losses = [train(model, digits, epochs=5, learning_rate=0.1, batch_size=32, seed=1) for model in models]
    assert torch.equal(before, torch.random.get_rng_state())
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0] / 2
    accuracy, loss = accuracy_and_loss(models[0](digits.x_test), digits.y_test)
    assert accuracy > 0.8 and loss < 1
    assert capsys.readouterr().err == ""


def test_integer_logits_keep_the_accuracy_and_lose_the_loss():
    logits, labels = torch.tensor([[0.3, 0.1], [0.2, 0.4], [0.1, 0.2]]), torch.tensor([0, 1, 0])
    codes = (logits * 100).int()
    (accuracy, loss), (same, worse) = accuracy_and_loss(logits, labels), accuracy_and_loss(codes, labels)
    assert accuracy == same and worse > 3 * loss

import pytest
import torch

from qlab.experiments import data
from qlab.experiments.models import MLP, ConvNet, NormedConvNet, convnet_for, mlp_for, normed_convnet_for
from qlab.experiments.training import accuracy_and_loss, train


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


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3)])
def test_the_conv_net_fits_the_images_of_every_data_set(side, channels):
    for kind in (ConvNet, NormedConvNet):
        assert kind(channels, side, 10)(torch.zeros(2, channels, side, side)).shape == (2, 10)


def test_models_with_biases_are_seeded_too():
    digits = data.load("digits")
    assert all(layer.bias is not None for layer in mlp_for(digits, bias=True).layers)
    weights = [convnet_for(digits, seed=seed).linear.weight for seed in (1, 1, 2)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_a_schedule_sets_the_rate_of_each_step_and_epochs_are_told():
    digits = data.load("digits")
    asked, done = [], []
    network = normed_convnet_for(digits)
    before = network.linear.weight.clone()

    def schedule(step, steps):
        asked.append((step, steps))
        return 0.0

    def after_epoch(epoch):
        done.append((epoch, network.training))

    train(network, digits, epochs=2, batch_size=512, progress=False, schedule=schedule, after_epoch=after_epoch)
    per_epoch = -(-len(digits.x_train) // 512)
    assert asked[1:] == [(step, 2 * per_epoch) for step in range(2 * per_epoch)]
    assert done == [(1, False), (2, False)] and torch.equal(before, network.linear.weight)

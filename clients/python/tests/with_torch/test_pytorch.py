"""Sets as PyTorch sees them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import teddyhub
from teddyhub.pytorch import distillation_loss


class Halve:
    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        assert image.min() >= 0 and image.max() <= 1
        return image / 2


def same(one: list, other: list) -> None:
    assert len(one) == len(other)
    for batch, expected in zip(one, other):
        for tensor, values in zip(batch, expected):
            np.testing.assert_array_equal(np.asarray(tensor), np.asarray(values))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_loader_gives_the_replayed_batches_in_order_whatever_its_workers(api, workers):
    loaded = api.load("cutmix")
    batches = list(loaded.torch_loader(7, steps=9, num_workers=workers))
    assert isinstance(batches[0], teddyhub.Batch) and batches[0].images.dtype == torch.float32
    assert batches[0].labels.dtype == torch.int64
    same(batches, list(loaded.batches(7, steps=9)))


def test_workers_may_be_processes_that_know_nothing_yet(api):
    loaded = api.load("mixup")
    loader = loaded.torch_loader(num_workers=2, multiprocessing_context="spawn")
    same(list(loader), list(loaded.batches()))


def test_a_loader_goes_on_where_a_training_stopped(api):
    loaded = api.load("plain")
    whole, resumed = list(loaded.torch_loader(5, steps=12)), list(loaded.torch_loader(5, steps=12, start=8, num_workers=2))
    same(resumed, whole[8:])


@pytest.mark.parametrize("steps", [None, 7])
def test_the_ranks_of_a_distributed_training_share_out_the_batches_of_one_process(api, steps):
    loaded = api.load("cutmix")
    ranks = [list(loaded.torch_loader(5, steps, 2, rank=rank, world_size=3, num_workers=rank)) for rank in range(3)]
    together = [[torch.cat(parts) for parts in zip(*batches)] for batches in zip(*ranks)]
    same(together, list(loaded.batches(15, steps, 2)))
    for rank, world_size in [(3, 3), (-1, 2), (0, 0)]:
        with pytest.raises(teddyhub.TeddyhubError, match=f"rank is from 0 to world_size - 1, not {rank} of {world_size}"):
            loaded.torch_loader(rank=rank, world_size=world_size)


def test_a_loader_refuses_what_would_part_views_from_their_labels(api):
    with pytest.raises(teddyhub.TeddyhubError, match="The stored labels settle shuffle: leave it out"):
        api.load("plain").torch_loader(shuffle=True)


@pytest.mark.parametrize("name", ["cutmix", "mixup", "plain"])
def test_a_dataset_gives_the_images_that_the_engine_gives_to_networks(api, name):
    loaded = api.load(name)
    full = api.golden(name)["full"]
    images, labels = zip(*loaded.torch_dataset())
    np.testing.assert_allclose(torch.stack(images).numpy(), full.transpose(0, 3, 1, 2), atol=1e-5)
    np.testing.assert_array_equal(torch.stack(labels).numpy(), loaded.labels)


def test_static_labels_are_logits(api):
    loaded = api.load("cutmix")
    dataset = loaded.torch_dataset("STATIC")
    image, logits = dataset[5]
    assert image.shape == (3, 16, 20) and logits.dtype == torch.float32
    np.testing.assert_array_equal(logits.numpy(), loaded.static_logits[5].astype(np.float32))
    with pytest.raises(teddyhub.TeddyhubError, match="HARD or STATIC here, not 'FKD'; for FKD: torch_loader"):
        loaded.torch_dataset("FKD")


def test_a_transform_sees_fractions_and_normalisation_comes_after_it(api):
    loaded = api.load("cutmix")
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (loaded.mean, loaded.std))
    plain, halved = loaded.torch_dataset()[3][0], loaded.torch_dataset(transform=Halve())[3][0]
    torch.testing.assert_close(halved * std + mean, (plain * std + mean) / 2)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_any_kind_read_a_dataset(api, method):
    dataset = api.load("cutmix").torch_dataset("STATIC", Halve())
    options = {"batch_size": 5, "shuffle": True}
    alone = list(DataLoader(dataset, generator=torch.Generator().manual_seed(1), **options))
    shared = DataLoader(
        dataset, generator=torch.Generator().manual_seed(1), num_workers=2, multiprocessing_context=method, **options
    )
    same(list(shared), alone)


def test_the_loss_is_the_divergence_of_softened_distributions():
    random = np.random.default_rng(2)
    logits, target = random.normal(size=(2, 4, 3))
    target[:, 0] = -65504

    def softened(values):
        powers = np.exp((values - values.max(1, keepdims=True)) / 2)
        return powers / powers.sum(1, keepdims=True)

    p, q = softened(target), softened(logits)
    expected = np.where(p > 0, p * np.log(np.maximum(p, 1e-300) / q), 0).sum(1).mean()
    for scaled, factor in [(False, 1), (True, 4)]:
        loss = distillation_loss(torch.from_numpy(logits), torch.from_numpy(target), 2.0, scaled)
        assert loss.item() == pytest.approx(expected * factor)

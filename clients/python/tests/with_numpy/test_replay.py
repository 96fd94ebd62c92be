"""Replay of FKD labels, held against what the engine renders (tests/support/trainable-set.ts)."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import teddyhub

SETS = ["cutmix", "mixup", "plain"]


def golden_views(api, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The engine's views [all, channels, height, width] and logits [all, classes], in the stored order."""
    golden = api.golden(name)
    views, logits = golden["views"], golden["logits"]
    return views.reshape(-1, *views.shape[2:]).transpose(0, 3, 1, 2), logits.reshape(-1, logits.shape[-1])


@pytest.mark.parametrize("name", SETS)
def test_views_are_those_of_the_engine(api, name):
    loaded = api.load(name)
    views, logits = golden_views(api, name)
    batches = list(loaded.batches())
    assert [len(batch.images) for batch in batches] == [6] * 8
    # A 255th of a fraction, normalised, is 1 / 255 / std, and std is at most 0.3.
    np.testing.assert_allclose(np.concatenate([batch.images for batch in batches]), views, atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([batch.logits for batch in batches]), logits)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("size", [1, 5, 6, 7, 48, 100])
def test_any_batch_size_cuts_the_same_views_in_the_same_order(api, name, size):
    views, logits = golden_views(api, name)
    steps = -(-len(views) // size)
    batches = list(api.load(name).batches(size))
    assert len(batches) == steps and all(len(batch.images) == size for batch in batches)
    order = np.arange(steps * size) % len(views)
    np.testing.assert_allclose(np.concatenate([batch.images for batch in batches]), views[order], atol=1e-5)
    np.testing.assert_array_equal(np.concatenate([batch.logits for batch in batches]), logits[order])


def test_training_longer_than_the_labels_goes_through_them_again(api):
    loaded = api.load("cutmix")
    batches = list(loaded.batches(steps=11))
    assert len(batches) == 11
    for first, again in zip(batches[:3], batches[8:]):
        np.testing.assert_array_equal(first.images, again.images)


def test_a_resumed_training_gets_the_batches_that_it_would_have_got(api):
    loaded = api.load("mixup")
    whole, resumed = list(loaded.batches(7, steps=10)), list(loaded.batches(7, steps=10, start=6))
    assert len(resumed) == 4
    for expected, batch in zip(whole[6:], resumed):
        for one, other in zip(expected, batch):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["cutmix", "mixup"])
def test_classes_and_shares_of_mixed_views_come_with_them(api, name):
    views = list(api.load(name).batches(1))
    # The labels of these sets favour the class of what is shown by its share.
    own = [view for view in views if view.own_share[0] > 0.6]
    partners = [view for view in views if view.own_share[0] < 0.4]
    assert own and partners
    assert all(view.logits.argmax() == view.labels[0] for view in own)
    assert all(view.logits.argmax() == view.partner_labels[0] for view in partners)


def test_logits_that_were_not_stored_have_probability_0(api):
    logits = next(api.load("mixup").batches()).logits
    assert ((logits > -1000).sum(1) == 2).all() and (np.exp(logits.min(1)) == 0).all()


def test_images_and_static_labels_are_those_of_the_shards(api):
    loaded = api.load("cutmix")
    assert loaded.images.dtype == np.uint8 and not loaded.images.flags.writeable
    assert loaded.static_logits.shape == (24, 3) and loaded.static_logits.dtype == np.float16
    np.testing.assert_array_equal(loaded.static_logits.argmax(1), loaded.labels)
    np.testing.assert_array_equal(loaded.labels, np.tile(np.arange(3), 8))


def test_what_was_not_fetched_is_asked_for_in_one_line(api):
    with pytest.raises(teddyhub.TeddyhubError, match="no FKD labels here: load it with labels='FKD'"):
        api.load("cutmix", labels="STATIC").batches()
    with pytest.raises(teddyhub.TeddyhubError, match="no STATIC labels here"):
        _ = api.load("cutmix", labels="FKD").static_logits
    for wrong in ({"start": -2, "steps": 1}, {"steps": -3}):
        with pytest.raises(teddyhub.TeddyhubError, match="number of steps from 0 on"):
            api.load("cutmix").batches(**wrong)
    with pytest.raises(teddyhub.TeddyhubError, match="at least one view, not 0"):
        api.load("cutmix").batches(0)


def test_a_set_goes_to_another_process_as_paths(api, in_process):
    loaded = api.load("cutmix")
    sent = pickle.dumps(loaded)
    assert len(sent) < 20_000
    code = """
import hashlib, pickle, sys
loaded = pickle.loads(bytes.fromhex(sys.argv[1]))
print(hashlib.sha256(next(loaded.batches(5)).images.tobytes()).hexdigest())
"""
    import hashlib

    here = hashlib.sha256(next(loaded.batches(5)).images.tobytes()).hexdigest()
    assert in_process(code, sent.hex()).strip() == here


def test_the_views_alone_go_to_another_process_too(api):
    replay = api.load("cutmix").replay
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(replay)).batch(1, 5).images, replay.batch(1, 5).images)


def test_thousands_of_label_files_need_few_file_descriptors(api, in_process):
    loaded = api.load("cutmix")
    code = """
import pickle, resource, sys
from pathlib import Path
from teddyhub.replay import Replay
loaded = pickle.loads(bytes.fromhex(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_NOFILE, (100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
path = loaded.folder / "labels" / "fkd-000000.safetensors"
replay = Replay(loaded._manifest, loaded.images, loaded.labels, [path] * 300)
per_file = len(replay) // 300
same = [replay.batch(place * per_file, 1).images.tobytes() for place in range(300)]
print(len(set(same)))
"""
    assert in_process(code, pickle.dumps(loaded).hex()).strip() == "1"


def test_a_damaged_label_file_is_named(api):
    from teddyhub.replay import Replay

    loaded = api.load("cutmix")
    path = loaded.folder / "labels" / "fkd-000000.safetensors"
    good = path.read_bytes()
    for bad in [b"", good[:100], good.replace(b"teddyhub-fkd", b"another-file"), good.replace(b'"sample"', b'"simple"')]:
        path.write_bytes(bad)
        with pytest.raises(teddyhub.TeddyhubError, match="fkd-000000.safetensors") as failure:
            Replay(loaded._manifest, loaded.images, loaded.labels, [path])
        assert failure.value.code == "OBJECT_CORRUPT" and "\n" not in str(failure.value)
    path.unlink()
    with pytest.raises(teddyhub.TeddyhubError, match="fkd-000000.safetensors cannot be read: No such file"):
        Replay(loaded._manifest, loaded.images, loaded.labels, [path])

"""examples/pytorch/train.py as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAM = Path(__file__).parents[4] / "examples" / "pytorch" / "train.py"


@pytest.fixture
def train(api):
    def run(*options: object, test: object = None, **changes: str) -> tuple[int, str, list[str]]:
        facts = api.sets["cutmix"]
        env = {"TEDDYHUB_URL": api.url, "TEDDYHUB_KEY": api.key, "TEDDYHUB_CACHE": str(api.cache), **changes}
        command = [sys.executable, PROGRAM, facts["globalId"], "--test", test or facts["testFolder"], *options]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env={**os.environ, **env})
        return done.returncode, done.stdout, done.stderr.strip().split("\n")

    return run


def accuracies_of(outcome: tuple[int, str, list[str]]) -> list[float]:
    status, output, errors = outcome
    assert status == 0, errors
    return json.loads(output.strip().split("\n")[-1])["accuracies"]


@pytest.mark.parametrize("labels", ["FKD", "STATIC", "HARD"])
def test_learns_a_set_from_every_kind_of_label(train, labels):
    # Three classes, each with a bright square at a place of its own.
    (accuracy,) = accuracies_of(train("--labels", labels, "--seeds", 1, "--steps", 60, "--json"))
    assert accuracy > 80


def test_trains_a_resnet_18(train):
    options = ["--architecture", "resnet18", "--seeds", 0, "--steps", 24, "--batch-size", 8, "--json"]
    (accuracy,) = accuracies_of(train(*options))
    assert accuracy > 60


def test_keeps_the_network_of_the_recipe_where_it_is_of_the_kind_asked_for(train):
    options = ["--seeds", 0, "--steps", 1, "--batch-size", 2, "--json"]
    recipes = []
    for architecture in ([], ["--architecture", "convnet"]):
        status, output, errors = train(*options, *architecture)
        assert status == 0, errors
        recipes.append(json.loads(output.strip().split("\n")[-1])["recipe"])
    assert recipes[0]["architecture"] != {"name": "CONVNET", "width": 128, "depth": 3}
    assert recipes[1] == recipes[0]


def test_one_seed_gives_one_result_whatever_the_workers(train):
    options = ["--steps", 10, "--batch-size", 4, "--seeds", 0, 1, "--json"]
    first, second = (accuracies_of(train(*options, "--workers", workers)) for workers in (0, 2))
    assert first == second


def test_reads_test_images_from_npz(train, tmp_path):
    images = np.zeros((10, 16, 20, 3), np.uint8)
    np.savez(tmp_path / "test.npz", images=images, labels=np.zeros(10, np.int64))
    (accuracy,) = accuracies_of(train("--steps", 1, "--seeds", 0, "--json", test=tmp_path / "test.npz"))
    assert accuracy in (0, 100)


def test_takes_a_column_of_classes_for_what_it_is(train, tmp_path):
    images = np.zeros((10, 16, 20, 3), np.uint8)
    np.savez(tmp_path / "test.npz", images=images, labels=np.arange(10)[:, None] % 3)
    (accuracy,) = accuracies_of(train("--steps", 1, "--seeds", 0, "--json", test=tmp_path / "test.npz"))
    # All images are equal, and so is what is said of them.
    assert accuracy in (30, 40)


def test_ends_in_one_line_where_it_cannot_go_on(train, tmp_path):
    def fails(words: str, *options: object, **changes) -> None:
        status, _, errors = train(*options, **changes)
        assert status == 1 and words in errors[-1] and not any("Traceback" in line for line in errors), errors

    fails("train.py: Send a valid API key", TEDDYHUB_KEY="wrong")
    fails("has no test images that can be read", test=tmp_path)
    images = np.zeros((2, 16, 20, 3), np.uint8)
    for labels, words in [
        (np.zeros((2, 3), np.int64), "has int64 labels of shape (2, 3); 2 images need one integer each"),
        (np.zeros(3, np.int64), "has int64 labels of shape (3,)"),
        (np.zeros(2), "has float64 labels of shape (2,)"),
    ]:
        np.savez(tmp_path / "labels.npz", images=images, labels=labels)
        fails(words, test=tmp_path / "labels.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros((2, 4, 4), np.uint8), labels=np.zeros(2, np.int64))
    fails("has uint8 images of (4, 4, 1); the set's are uint8 of (16, 20, 3)", test=tmp_path / "other.npz")

"""Calibrations: read from their files, chosen by the embedder, and right about what is missing."""

from __future__ import annotations

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frontdesk.helpdesk import relevance
from frontdesk.helpdesk.evidence import weigh_up
from frontdesk.helpdesk.relevance import (
    DECISION_FEATURES,
    LEXICAL,
    LinearModel,
    calibration_for,
    calibration_path,
    decision_row,
    has_calibration,
)
from tests.unit.helpdesk.builders import Library
from tests.unit.knowledge.builders import a_deadline

NAMES = ("size", "age")
MODEL = LinearModel(
    mean=np.asarray([1, 2], np.float32),
    scale=np.asarray([2, 1], np.float32),
    weights=np.asarray([0.5, -1], np.float32),
    bias=0.25,
)
SHIPPED = sorted(path.stem for path in relevance.FOLDER.glob("*.json"))
PRESENT = "Does the Asterias Bay have a pool?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.of_documents(tmp_path_factory.mktemp("library"))


def weights_for(embedder: str | None) -> list[float]:
    return calibration_for(embedder).decision.weights.tolist()


def probability(library: Library, question: str) -> float:
    evidence, calibration = library.weigh_up(question), calibration_for(None)
    features = library.retrieve(question).features
    return calibration.probability(evidence, calibration.rank(evidence), features)


def decision(library: Library, question: str, feature: str) -> float:
    evidence, calibration = library.weigh_up(question), calibration_for(None)
    features = library.retrieve(question).features
    row = decision_row(evidence, calibration.rank(evidence), features)
    return float(row[DECISION_FEATURES.index(feature)])


def test_a_linear_model_scales_weighs_and_adds_its_bias() -> None:
    rows = np.asarray([[1, 2], [3, 2], [1, 4]], np.float32)
    assert MODEL(rows) == pytest.approx([0.25, 0.75, -1.75])


def test_interacting_features_count_in_pairs_too() -> None:
    weights = np.asarray([0, 0, 1, 10, 100], np.float32)  # alone, then squares and the product
    paired = LinearModel(MODEL.mean, MODEL.scale, weights, 0.0, interacting=2)
    assert paired(np.asarray([[5, 5]], np.float32)) == pytest.approx([4 + 10 * 6 + 100 * 9])


def test_a_model_is_read_as_it_was_written() -> None:
    read = LinearModel.from_json(json.loads(json.dumps(MODEL.as_json(NAMES))), NAMES)
    rows = np.asarray([[7, -3]], np.float32)
    assert read(rows) == pytest.approx(MODEL(rows))


@pytest.mark.parametrize("measured", [("size", "weight"), ("age", "size"), ("size",)])
def test_a_model_of_other_features_is_refused(measured: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="other features"):
        LinearModel.from_json(MODEL.as_json(NAMES), measured)


@pytest.mark.parametrize("embedder", SHIPPED)
def test_every_calibration_that_is_shipped_fits_what_is_measured(embedder: str) -> None:
    assert 0 < calibration_for(embedder).threshold < 1


def test_a_calibrated_embedder_is_judged_by_its_own_calibration() -> None:
    own = [embedder for embedder in SHIPPED if embedder != LEXICAL]
    assert own
    for embedder in own:
        assert has_calibration(embedder)
        assert weights_for(embedder) != weights_for(None)


def test_an_embedder_that_was_never_calibrated_is_judged_by_the_lexical_one() -> None:
    assert not has_calibration("never/calibrated@1")
    assert weights_for("never/calibrated@1") == weights_for(None) == weights_for(LEXICAL)


def read_with(folder: Path, change: dict[str, Any]) -> Any:
    """The lexical calibration as a deployment reads it whose file says something else."""
    document = json.loads(calibration_path(LEXICAL).read_text(encoding="utf-8")) | change
    path = folder / relevance.FOLDER.name / calibration_path(LEXICAL).name
    path.parent.mkdir()
    path.write_text(json.dumps(document), encoding="utf-8")
    module = shutil.copy(relevance.__file__, folder)
    return runpy.run_path(module)["calibration_for"](None)


def test_a_calibration_file_is_read_beside_the_code(tmp_path: Path) -> None:
    assert read_with(tmp_path, {"threshold": 0.125}).threshold == 0.125


def test_a_calibration_file_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="format"):
        read_with(tmp_path, {"format": relevance.CALIBRATION_FORMAT + 1})


def test_a_question_that_the_documents_answer_is_known(library: Library) -> None:
    assert probability(library, PRESENT) >= calibration_for(None).threshold


@pytest.mark.parametrize(
    "missing",
    [
        "Does the Poseidon Palace have a pool?",  # no document knows it
        "Does the Libyan Sea Inn have a pool?",  # another hotel has
    ],
)
def test_the_probability_falls_when_the_name_is_missing(library: Library, missing: str) -> None:
    assert probability(library, missing) < probability(library, PRESENT)


def test_without_sentences_nothing_is_known(library: Library) -> None:
    asked = library.take_apart(PRESENT)
    nothing = weigh_up(asked, [], None, None, deadline=a_deadline())
    features = library.retrieve(PRESENT).features
    assert calibration_for(None).probability(nothing, np.zeros(0, np.float32), features) == 0


def test_the_decision_knows_of_names_that_no_document_holds(library: Library) -> None:
    assert decision(library, "Does the Poseidon Palace have a pool?", "unknown_names") > 0
    assert decision(library, PRESENT, "unknown_names") == 0


def test_the_decision_knows_that_the_month_is_another(library: Library) -> None:
    assert decision(library, "Is the pool of the Asterias Bay heated in June?", "month") == 0
    assert decision(library, "Is the pool of the Asterias Bay heated in December?", "month") < 0


def test_the_decision_knows_that_a_question_is_not_in_english(library: Library) -> None:
    assert decision(library, "Hat das Asterias Bay einen Pool?", "foreign") == 1
    assert decision(library, PRESENT, "foreign") == 0

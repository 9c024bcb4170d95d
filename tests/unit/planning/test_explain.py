"""Explain: the layer that decides on each feature, those it overrules, and when that changes."""

from datetime import timedelta

from reconciler.model.desired import FlipPolicy
from reconciler.model.interventions import Interventions
from reconciler.model.overrides import Override
from reconciler.planning.explain import DECIDES, OVERRULED, Explanation, explain
from tests.support.clock import EPOCH
from tests.support.outages import HAND_OVER, outage_document
from tests.support.specs import a_site, resolved, role

HOUR = timedelta(hours=1)
OPENING = EPOCH + HOUR
SITE = resolved(
    [*a_site(1, {"partner": "primary", "grid": "energy"}), role("energy", "smart-charging"), outage_document()]
)
PIN = Override("o", "cp000", {"partner": "primary"}, EPOCH, EPOCH + 2 * HOUR, "billing test", "bob")


def told(state: Interventions, hours: float) -> Explanation:
    return explain(SITE, state, EPOCH + hours * HOUR, "cp000")


def owners(found: Explanation) -> list[tuple[int, str, str]]:
    return [(len(decision.features), decision.owner, decision.because) for decision in found.decisions]


def test_what_nothing_changes_is_as_declared() -> None:
    found = told(Interventions(), 0)
    declared = "declared by backend-binding.a"
    assert owners(found) == [(18, "partner", declared), (1, "grid", declared)]
    assert [layer.verdict for layer in found.layers] == [DECIDES]
    assert found.changes_at == OPENING


def test_an_outage_decides_on_the_features_that_it_moves_and_no_others() -> None:
    found = told(Interventions(), 1)
    outage = "scheduled-outage.firmware (quarterly firmware)"
    assert owners(found) == [(18, "local", outage), (1, "grid", "declared by backend-binding.a")]
    assert [(layer.because, layer.verdict) for layer in found.layers] == [
        (outage, DECIDES),
        ("declared by backend-binding.a", "decides the rest"),
    ]
    assert found.layers[0].until == found.changes_at == OPENING + 2 * HOUR


def test_a_technician_overrules_an_outage_even_to_keep_what_is_declared() -> None:
    found = told(Interventions((PIN,)), 1.5)
    assert owners(found)[0] == (18, "partner", "toggled by bob (billing test)")
    assert [layer.verdict for layer in found.layers] == [DECIDES, OVERRULED, "decides the rest"]
    assert found.changes_at == EPOCH + 2 * HOUR


def test_a_layer_that_does_not_fit_says_why() -> None:
    broken = Override("o", "cp000", {"local": "primary"}, EPOCH, None, "oops", "bob")
    found = told(Interventions((broken,)), 0)
    assert found.layers[0].verdict.startswith("does not fit: on charger cp000 each of the features")
    assert found.layers[-1].verdict == DECIDES


def test_an_outage_brings_its_own_way_to_flip() -> None:
    site = resolved([*a_site(1), outage_document(flip={"openTransaction": "wait"})])
    found = explain(site, Interventions(), OPENING, "cp000")
    assert found.decisions[0].owner == "local"
    assert site.outages[0].flip == FlipPolicy("wait")
    assert site.outages[0].roles == HAND_OVER

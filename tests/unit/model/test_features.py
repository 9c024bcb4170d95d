"""Features: the vocabulary is that of the catalogue of actions."""

from reconciler.model.features import EVERY_FEATURE, FEATURE_SET, FEATURES, OCPP_VERSIONS


def test_features_are_distinct_and_none_is_the_wildcard() -> None:
    assert len(FEATURES) == len(FEATURE_SET) == 19
    assert EVERY_FEATURE not in FEATURE_SET


def test_versions_are_newest_first() -> None:
    assert OCPP_VERSIONS == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")

"""The local list's version: one list at the station, each back-end believes in its own (R9)."""

from reconciler.relay.list_version import ListVersion

V16 = "ocpp1.6"


def send(versions: ListVersion, backend: str, number: int) -> bytes:
    asked = b'{"listVersion":%d,"updateType":"Full"}' % number
    sent = versions.to_station(V16, backend, asked)
    versions.answered(V16, backend, asked, sent, accepted=True)
    return sent


def test_a_first_list_keeps_its_version() -> None:
    versions = ListVersion()
    assert send(versions, "a", 5) == b'{"listVersion":5,"updateType":"Full"}'
    assert versions.to_backend(V16, "a", b'{"listVersion":5}') == b'{"listVersion":5}'


def test_another_back_ends_list_is_raised_above_the_stations_and_told_back_as_it_was_sent() -> None:
    versions = ListVersion()
    send(versions, "a", 50)
    assert send(versions, "b", 3) == b'{"listVersion":51,"updateType":"Full"}'
    assert versions.to_backend(V16, "b", b'{"listVersion":51}') == b'{"listVersion":3}'
    assert send(versions, "b", 4) == b'{"listVersion":52,"updateType":"Full"}'


def test_a_back_end_whose_list_is_not_on_the_station_is_told_none() -> None:
    versions = ListVersion()
    send(versions, "a", 5)
    send(versions, "b", 9)
    assert versions.to_backend(V16, "a", b'{"listVersion": 9}') == b'{"listVersion": 0}'


def test_before_any_list_went_through_the_relay_the_station_speaks_for_itself() -> None:
    assert ListVersion().to_backend("ocpp2.0.1", "a", b'{"versionNumber":12}') == b'{"versionNumber":12}'


def test_minus_one_means_unsupported_and_stays() -> None:
    versions = ListVersion()
    send(versions, "a", 5)
    assert versions.to_backend(V16, "b", b'{"listVersion":-1}') == b'{"listVersion":-1}'


def test_a_list_whose_answer_never_came_is_known_by_the_version_that_the_station_names() -> None:
    versions = ListVersion()
    send(versions, "a", 5)
    versions.to_station(V16, "b", b'{"listVersion":2,"updateType":"Full"}')  # goes down as 6; no answer
    restored = ListVersion()
    restored.restore(versions.snapshot())
    for known in (versions, restored):
        assert known.to_station(V16, "c", b'{"listVersion":1}') == b'{"listVersion":7}'
        assert known.to_backend(V16, "b", b'{"listVersion":6}') == b'{"listVersion":2}'
        assert known.to_backend(V16, "a", b'{"listVersion":6}') == b'{"listVersion":0}'


def test_a_list_that_the_station_refused_changes_nothing() -> None:
    versions = ListVersion()
    send(versions, "a", 5)
    asked = b'{"listVersion":2,"updateType":"Full"}'
    sent = versions.to_station(V16, "b", asked)
    versions.answered(V16, "b", asked, sent, accepted=False)
    assert versions.to_backend(V16, "a", b'{"listVersion":5}') == b'{"listVersion":5}'


def test_it_survives_as_json() -> None:
    versions, restored = ListVersion(), ListVersion()
    send(versions, "a", 50)
    send(versions, "b", 3)
    restored.restore(versions.snapshot())
    assert restored.to_backend(V16, "b", b'{"listVersion":51}') == b'{"listVersion":3}'


def test_r9_a_list_that_is_refused_when_it_is_sent_again_may_be_the_one_that_the_station_has() -> None:
    memory = ListVersion()
    first, asked = (b'{"listVersion":%d,"updateType":"Full"}' % version for version in (1, 2))
    memory.answered("ocpp1.6", "home", first, memory.to_station("ocpp1.6", "home", first), accepted=True)
    for _ in range(2):  # the first one's answer never came
        assert memory.to_station("ocpp1.6", "home", asked) == asked
    memory.answered("ocpp1.6", "home", asked, asked, accepted=False)
    restored = ListVersion()
    restored.restore(memory.snapshot())
    assert restored.to_station("ocpp1.6", "pay", asked) == asked.replace(b"2", b"3")
    restored.answered("ocpp1.6", "pay", asked, asked.replace(b"2", b"3"), accepted=False)
    assert restored.to_backend("ocpp1.6", "home", b'{"listVersion":2}') == b'{"listVersion":2}'
    assert restored.to_backend("ocpp1.6", "pay", b'{"listVersion":2}') == b'{"listVersion":0}'


def test_r9_a_list_that_is_refused_at_once_is_not_there() -> None:
    memory = ListVersion()
    asked = b'{"listVersion":2,"updateType":"Full"}'
    memory.to_station("ocpp1.6", "home", asked)
    memory.answered("ocpp1.6", "home", asked, asked, accepted=False)
    assert memory.to_station("ocpp1.6", "pay", asked) == asked

import pytest

from watcher.alerts.links import AppLinks, app_url_fault

BATCHES = AppLinks("https://app.farm.example/{farm}/batches/{batch}")
MINERS = AppLinks("https://app.farm.example/m/{miner}?farm={farm}")


def test_a_link_is_made_of_the_ids_that_its_template_names() -> None:
    assert BATCHES.url(farm="f1", batch="b-17", miner=None) == "https://app.farm.example/f1/batches/b-17"
    assert MINERS.url(farm="f1", batch=None, miner="M-1") == "https://app.farm.example/m/M-1?farm=f1"


def test_no_link_is_made_of_what_is_not_known() -> None:
    assert BATCHES.url(farm="f1", batch=None, miner="M-1") is None
    assert BATCHES.url(farm="", batch="b", miner="M-1") is None
    assert AppLinks().url(farm="f1", batch="b-17", miner="M-1") is None


@pytest.mark.parametrize(
    ("name", "quoted"),
    [
        ("../../x?a=b#c", "..%2F..%2Fx%3Fa%3Db%23c"),
        ("..", "%2E%2E"),
        ("a b|<c>\"'", "a%20b%7C%3Cc%3E%22%27"),
        ("{farm}", "%7Bfarm%7D"),
        ("\ud83d", "%3F"),
        ("é", "%C3%A9"),
    ],
)
def test_a_name_is_never_more_than_a_name(name: str, quoted: str) -> None:
    assert MINERS.url(farm="f1", batch=None, miner=name) == f"https://app.farm.example/m/{quoted}?farm=f1"


def test_a_template_must_name_a_batch_or_a_miner_and_nothing_else() -> None:
    assert app_url_fault("https://a/{farm}/{batch}/{miner}") is None
    for wrong in (
        "https://a/",
        "https://a/{farm}",
        "https://a/{id}/{batch}",
        "https://a/{batch}}",
        "https://a/{}{batch}",
    ):
        assert app_url_fault(wrong) is not None

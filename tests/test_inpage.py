"""The place to drop a song: what the page is given."""

import base64
import json

import bs4
import pytest

import tutorial_utils as tu
from tutorial_utils.models import trained


def test_the_page_holds_the_weights_and_a_player_for_each_source():
    made = tu.in_page("MaskInference")
    element = bs4.BeautifulSoup(made._repr_html_(), "html.parser").select_one("tu-separator")
    data = json.loads(element.select_one("script").string)
    assert base64.b64decode(data["weights"]) == trained.path_of("MaskInference").read_bytes()
    assert data["rate"] == tu.models.load("MaskInference").sample_rate
    prepared = bs4.BeautifulSoup(data["player"], "html.parser")
    names = [each.decode_contents() for each in prepared.select(".tu-name")]
    assert names == ["mixture", "drums", "bass", "other", "vocals"]
    assert "</script" not in element.select_one("script").string


def test_what_the_script_does_not_know_is_refused():
    with pytest.raises(ValueError, match="AudioNetSimple is no MaskInference"):
        tu.in_page("AudioNetSimple")
    with pytest.raises(FileNotFoundError, match="No weights of Nobody"):
        tu.in_page("Nobody")

import inspect

import pytest

from wylloh_server.domain import errors
from wylloh_server.domain.errors import StoreFull, WyllohError

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, WyllohError)]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_stands_in_the_drawn_tree(error):
    assert error.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("message", "fix", "explained"),
    [
        ("no room left", "Free some", "No room left. Free some."),
        ("No room left.", "Free some.", "No room left. Free some."),
        ("No room left.", "", "No room left."),
    ],
)
def test_an_error_explains_itself_in_sentences(message, fix, explained):
    assert StoreFull(message, fix=fix).explained == explained

"""A plugin says which SDK it was written for; one that does not fit is refused with a sentence."""

from __future__ import annotations

import pytest

from wylloh_server.domain import sdk_version

NO_MARK = "from wylloh_server.sdk import *\n"


@pytest.fixture
def sdk(monkeypatch):
    """This server's SDK is 2.3."""
    monkeypatch.setattr(sdk_version, "SDK_VERSION", "2.3")


@pytest.mark.parametrize("named", ["2.0", "2.3"])
def test_the_same_major_and_no_newer_minor_fits(environment, sdk, named):
    environment.write("mine", "", head=f'WYLLOH_SDK = "{named}"\n')
    (record,) = environment.registry().records()
    assert (record.status, record.reason, record.sdk) == ("loaded", "", named)


TOLD = "The plugin was written for SDK {}; this server has SDK 2.3. "
NEWER = "Install a newer version of this server, or an older one of the plugin."
OLDER = "Install a newer version of the plugin, for SDK 2.x."


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            "",
            "The plugin does not say which SDK it was written for. "
            'Write WYLLOH_SDK = "2.3" into its __init__.py.',
        ),
        ("WYLLOH_SDK = 2.3", 'WYLLOH_SDK is 2.3. Write it as "2.3", in quotation marks.'),
        ("WYLLOH_SDK = '2'", "WYLLOH_SDK is '2'. Write it as \"2.3\", in quotation marks."),
        ("WYLLOH_SDK = '2.3.1'", "WYLLOH_SDK is '2.3.1'. Write it as \"2.3\", in quotation marks."),
        ("WYLLOH_SDK = '2.4'", TOLD.format("2.4") + NEWER),
        ("WYLLOH_SDK = '3.0'", TOLD.format("3.0") + NEWER),
        ("WYLLOH_SDK = '1.9'", TOLD.format("1.9") + OLDER),
    ],
)
def test_any_other_is_refused_with_a_sentence(environment, sdk, caplog, line, reason):
    environment.write("mine", "", head=f"{line}\n")
    registry = environment.registry()
    (record,) = registry.records()
    assert (record.status, record.reason, record.sdk) == ("failed", reason, "")
    assert registry.routes() == ()
    assert [entry.exc_info for entry in caplog.records] == [None]


def test_the_server_names_its_own_version():
    from wylloh_server import sdk

    assert sdk.SDK_VERSION == sdk_version.SDK_VERSION == "1.0"

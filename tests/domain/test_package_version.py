"""What is said of packages that are refused."""

from __future__ import annotations

import pytest

from wylloh_server.domain.errors import InvalidValue, PackageInvalid, PackageUnknown
from wylloh_server.domain.package_version import package_fault


@pytest.mark.parametrize(
    "error, told",
    [
        (
            PackageInvalid("It holds no film", fix="Ask the publisher to publish it again."),
            "It holds no film.",
        ),
        (InvalidValue("It is no CID", fix="Use CIDv1."), "It is no CID."),
        (PackageUnknown("It is too new.", fix="Update this server."), "It is too new. Update this server."),
    ],
)
def test_who_reads_of_a_bad_package_is_not_told_what_its_publisher_must_do(error, told):
    assert package_fault(error) == told

from __future__ import annotations

import pytest

from wylloh_server.web.strangers import may_be_asked


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "192.168.1.20", "10.0.0.2", "fd12:3456::1", "93.184.216.34", "2606:4700::1111",
     "::ffff:192.168.1.20", "64:ff9b::5db8:d822"],
)  # fmt: skip
def test_this_machine_the_lan_and_the_internet_may_be_asked(address):
    assert may_be_asked(address)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255",
     "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200"],
)  # fmt: skip
def test_what_is_never_a_custodian_is_not_asked(address):
    assert not may_be_asked(address)

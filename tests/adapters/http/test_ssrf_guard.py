from __future__ import annotations

import pytest

from wylloh_server.adapters.http.ssrf_guard import refused_address


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "192.168.1.20", "10.0.0.2", "fd12:3456::1", "93.184.216.34", "2606:4700::1111",
     "::ffff:192.168.1.20", "64:ff9b::5db8:d822", "2002:5db8:d822::1", "2002:c0a8:0114::1", "::192.168.1.20",
     "64:ff9b:1:5db8:d8:2200::", "64:ff9b:1::5db8:d822", "168.63.129.17"],
)  # fmt: skip
def test_this_machine_the_lan_and_the_internet_may_be_asked(address):
    assert not refused_address(address, local=True)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255",
     "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200",
     "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16"],
)  # fmt: skip
def test_what_is_never_a_custodian_is_not_asked(address):
    assert "not where a custodian can be" in refused_address(address, local=True)


@pytest.mark.parametrize(
    "address",
    ["::169.254.169.254", "::168.63.129.16", "64:ff9b::a83f:8110", "2002:a9fe:a9fe::1", "2002:a83f:8110:1::5",
     "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:99a9:fe:a9fe::", "64:ff9b:1:9999:a9:fea9:fe00:0", "64:ff9b:1::a9fe:a9fe",
     "64:ff9b:1::a83f:8110", "2001:0:a9fe:a9fe::a247:27dd", "2001:0:5db8:d822:0:0:5601:5601", "2002:e000:00fb::"],
)  # fmt: skip
def test_no_way_of_writing_ipv4_in_ipv6_hides_such_an_address(address):
    assert "not where a custodian can be" in refused_address(address, local=True)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.8.8.8", "::1", "10.0.0.2", "172.31.0.1", "192.168.1.20", "fd12:3456::1",
     "::ffff:192.168.1.20", "::192.168.1.20", "::127.0.0.1", "2002:c0a8:0114::1", "64:ff9b::c0a8:114",
     "64:ff9b:1:c0a8:1:1400::", "64:ff9b:1::7f00:1"],
)  # fmt: skip
def test_the_local_network_is_asked_only_by_setting_however_it_is_written(address):
    assert "custody.ask_local" in refused_address(address, local=False)


@pytest.mark.parametrize(
    "address",
    ["93.184.216.34", "172.32.0.1", "2606:4700::1111", "64:ff9b::5db8:d822", "2002:5db8:d822::1",
     "64:ff9b:1:5db8:d8:2200::", "64:ff9b:1::5db8:d822"],
)  # fmt: skip
def test_the_internet_is_asked_without_a_setting(address):
    assert not refused_address(address, local=False)

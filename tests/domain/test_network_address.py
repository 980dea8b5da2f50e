import pytest

from wylloh_server.domain.network_address import (
    home_of,
    is_address,
    is_local,
    is_loopback,
    same_network,
    site_of,
)


@pytest.mark.parametrize(
    ("address", "home", "site"),
    [
        ("203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("", "", ""),
        ("unix", "unix", "unix"),
    ],
)
def test_whose_an_address_is(address, home, site):
    assert (home_of(address), site_of(address)) == (home, site)


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("192.168.1.4", True),
        ("::ffff:10.0.0.1", True),
        ("fd00::1", True),
        ("fe80::1", True),
        ("172.31.255.255", True),
        ("172.32.0.1", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("203.0.113.7", False),
        ("240.0.0.1", False),
        ("0.0.0.0", False),
        ("2001:db8::1", False),
        ("::", False),
        ("169.254.3.4", True),
        ("198.41.0.4", False),
        ("2a00::1", False),
        ("", False),
    ],
)
def test_what_is_local(address, local):
    assert is_local(address) is local


@pytest.mark.parametrize(
    ("host", "loopback", "address"),
    [
        ("localhost", True, False),
        ("127.3.2.1", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("192.168.1.4", False, True),
        ("localhost.example", False, False),
        ("", False, False),
    ],
)
def test_what_is_of_this_machine_alone(host, loopback, address):
    assert (is_loopback(host), is_address(host)) == (loopback, address)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.168.1.4", "10.0.0.1", True),
        ("198.41.0.4", "198.41.0.4", True),
        ("2a00:1:2:3::1", "2a00:1:2:3::2", True),
        ("2a00:1:2:3::1", "2a00:1:2:4::2", False),
        ("192.168.1.4", "198.41.0.4", False),
        ("", "", False),
    ],
)
def test_who_is_of_one_household(one, other, same):
    assert same_network(one, other) is same

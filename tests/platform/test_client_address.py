"""Whose address a request is counted by: nobody chooses it by writing a header."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from app.platform.client_address import FORWARDED, X_FORWARDED_FOR, client_address

OURS = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def seen(peer: str, *lines: str, header: str = X_FORWARDED_FOR, trusted: bool = True) -> str:
    headers = [(header.encode(), line.encode()) for line in lines]
    return client_address(peer, headers, OURS if trusted else (), header)


@pytest.mark.parametrize(
    ("peer", "lines", "address"),
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # a stranger's word about itself
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["8.8.8.8, 198.51.100.1"], "198.51.100.1"),  # what stands further left was written by the client
        ("10.0.0.1", ["8.8.8.8", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),  # several lines are one list
        ("10.0.0.1", ["10.1.1.1, 10.0.0.2"], "10.1.1.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["8.8.8.8, not an address, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1:5555"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("fd00::1", ["[2001:db8:1:2::9]:443"], "2001:db8:1:2::/64"),
        ("", [], "unknown"),
    ],
)
def test_the_nearest_address_that_is_not_a_proxy_of_ours(peer: str, lines: list[str], address: str) -> None:
    assert seen(peer, *lines) == address


def test_without_proxies_of_ours_no_header_is_believed() -> None:
    assert seen("10.0.0.1", "198.51.100.1", trusted=False) == "10.0.0.1"


def test_only_the_header_that_our_proxies_set_is_read() -> None:
    assert (
        seen("10.0.0.1", 'for="[2001:db8:1:2::9]:443";proto=https, for=10.0.0.2', header=FORWARDED)
        == "2001:db8:1:2::/64"
    )
    assert seen("10.0.0.1", "by=10.0.0.9;For=198.51.100.1", header=FORWARDED) == "198.51.100.1"
    assert seen("10.0.0.1", "for=_hidden", header=FORWARDED) == "10.0.0.1"
    headers = [(b"forwarded", b"for=8.8.8.8"), (b"x-forwarded-for", b"198.51.100.1")]
    assert client_address("10.0.0.1", headers, OURS, X_FORWARDED_FOR) == "198.51.100.1"

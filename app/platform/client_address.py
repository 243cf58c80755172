"""Whose address a request comes from: the socket's peer, or what proxies of ours say of theirs. Pure.

A client can write any forwarding header. So only the one header that our proxies are known to set is read, and of it
only what stands to the right of the first address that is not one of ours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

from litestar.types import Scope

Network = IPv4Network | IPv6Network
Headers = Iterable[tuple[bytes, bytes]]
X_FORWARDED_FOR, FORWARDED = "x-forwarded-for", "forwarded"
NOBODY = "unknown"
IPV6_PREFIX = 64  # what one subscriber is given: its 2^64 addresses are one client
_FOR = re.compile(r'(?:^|;)\s*for=("[^"]*"|[^;\s]*)', re.IGNORECASE)


def client_address(peer: str, headers: Headers, trusted: Sequence[Network], header: str = X_FORWARDED_FOR) -> str:
    """The nearest address that is not a proxy of ours, as it is counted: IPv4 whole, IPv6 by its /64.

    Walks from the peer to the left of `header` for as long as it meets proxies of ours. What is no address ends the walk
    at the proxy that passed it on.
    """
    nearest = _read(peer)
    if nearest is None:
        return NOBODY
    for named in reversed(_named(headers, header) if trusted else []):
        if not _is_ours(nearest, trusted):
            break
        farther = _read(named)
        if farther is None:
            break
        nearest = farther
    return _counted(nearest)


def addresses_by(trusted: Sequence[Network], header: str) -> Callable[[Scope], str]:
    """The address of each request, behind these proxies and by this header."""

    def address(scope: Any) -> str:
        return client_address((scope.get("client") or ("",))[0], scope["headers"], trusted, header)

    return address


def _named(headers: Headers, header: str) -> list[str]:
    lines = [value.decode("latin-1") for name, value in headers if name == header.encode()]
    elements = [element.strip() for line in lines for element in line.split(",")]
    if header == X_FORWARDED_FOR:
        return elements
    found = [_FOR.search(element) for element in elements]
    return [match.group(1).strip('"') if match else "" for match in found]


def _read(text: str) -> IPv4Address | IPv6Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_ours(address: IPv4Address | IPv6Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)


def _counted(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, IPV6_PREFIX), strict=False))

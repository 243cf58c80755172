"""Encryption to the key of one phone: compact JWE (RFC 7516), ECDH-ES on P-256 (RFC 7518) and AES-256-GCM. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from joserfc import jwe
from joserfc.jwk import ECKey

HEADER = {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "json"}


def encrypt(plaintext: bytes, key: Mapping[str, str]) -> str:
    """For whoever holds the private half of `key`, a public JWK; the header's `kid` is its thumbprint (RFC 7638).

    Every call makes another ciphertext: the ephemeral key is fresh. Raises ValueError or JoseError for what is no key.
    """
    public = ECKey.import_key({"kty": key["kty"], "crv": key["crv"], "x": key["x"], "y": key["y"]})
    return jwe.encrypt_compact({**HEADER, "kid": public.thumbprint()}, plaintext, public)

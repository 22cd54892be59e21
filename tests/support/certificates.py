"""Certificates for tests: an authority of our own, and a server's side that has one from it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def served(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """Give the server's side of TLS, as Alpaca has it: 1.3, with session tickets after the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    authority.issue_cert(host).configure_cert(context)
    return context


def written(authority: trustme.CA, folder: Path) -> str:
    """Write the authority's own certificate; give the path, as it goes into SSL_CERT_FILE."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)

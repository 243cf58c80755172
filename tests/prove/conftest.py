"""What the tests of workers begin with, for the proofs that take longer."""

from tests.workers.conftest import add_reachable, outbox

__all__ = ["add_reachable", "outbox"]

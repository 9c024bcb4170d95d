"""Shipped fakes: a simulated charging station and CSMS for the demo, the tests and users' own tests."""

from reconciler.testing.csms import SimulatedCsms
from reconciler.testing.dialect import CallInvalid
from reconciler.testing.line import HandshakeRefused
from reconciler.testing.manners import CallFailed, CsmsManners, Manners
from reconciler.testing.station import SimulatedStation

__all__ = [
    "CallFailed",
    "CallInvalid",
    "CsmsManners",
    "HandshakeRefused",
    "Manners",
    "SimulatedCsms",
    "SimulatedStation",
]

"""Certificates for stations: SignCertificate is answered by a CA while `local` owns `security` (A02, A03).

station ── SignCertificate ──> checked ──> Accepted ── the CA signs ──> CertificateSigned ──> station ──> history
                                  └──> Rejected
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from reconciler.app.ports import Clock, Log
from reconciler.app.station_channel import serial_number_of
from reconciler.app.tasks import Background
from reconciler.errors import NotIssued
from reconciler.local.csms import StationAnswer
from reconciler.model.desired import DesiredCharger
from reconciler.model.history import HistoryEvent

REQUEST_MAX: Final = 5_500
CHAIN_MAX: Final = 10_000


class CertificateAuthority(Protocol):
    """Signs stations' requests."""

    async def issue(self, request: str, charger: str, serial: str) -> str:
        """Return the signed chain (PEM) for a request (PEM); raises NotIssued."""


class RequestReader(Protocol):
    """Reads signing requests."""

    def request_fault(self, request: str, common_name: str, organization: str) -> str:
        """Return why a request is not to be signed, "" where it is: signature, key size, CN, and O if named."""


Call = Callable[[str, str, Mapping[str, Any], Callable[[StationAnswer], None]], None]
"""Calls a station as `local`: charger, action, payload, and who gets the answer."""


class StationIssuer:
    """Takes stations' requests, one at a time of each; `organization` as in `check_channel`."""

    def __init__(
        self,
        authority: CertificateAuthority,
        reader: RequestReader,
        call: Call,
        record: Callable[[HistoryEvent], None],
        log: Log,
        clock: Clock,
        background: Background,
        organization: str = "",
    ) -> None:
        self._authority = authority
        self._reader = reader
        self._call = call
        self._record = record
        self._log = log
        self._clock = clock
        self._background = background
        self._organization = organization
        self._busy: set[str] = set()

    def asked(self, charger: DesiredCharger, version: str, payload: Mapping[str, Any]) -> bool:
        """Take a SignCertificate; True where it was accepted and CertificateSigned will follow."""
        serial, request = serial_number_of(charger), payload.get("csr")
        kind = payload.get("certificateType", "ChargingStationCertificate")
        if charger.name in self._busy:
            fault = "another request of it is under way"
        elif not isinstance(request, str) or len(request) > REQUEST_MAX or kind != "ChargingStationCertificate":
            fault = "it is no request for a charging station's certificate"
        else:
            fault = self._reader.request_fault(request, serial, self._organization)
        if fault or not isinstance(request, str):
            self._say("certificate-not-issued", charger.name, f"{charger.name}'s request is rejected: {fault}")
            return False
        self._busy.add(charger.name)
        named = {} if version == "ocpp1.6" else {"certificateType": kind}
        self._background.start(self._issue(charger.name, serial, request, named), name=f"certificate of {charger.name}")
        return True

    async def _issue(self, charger: str, serial: str, request: str, named: Mapping[str, Any]) -> None:
        try:
            chain = await self._authority.issue(request, charger, serial)
            if len(chain) > CHAIN_MAX:
                raise NotIssued(f"the chain has {len(chain)} characters, OCPP allows {CHAIN_MAX}")
        except NotIssued as error:
            self._say("certificate-not-issued", charger, f"no certificate for {charger}: {error.summary}")
        else:
            self._call(charger, "CertificateSigned", {"certificateChain": chain, **named}, self._told(charger))
        finally:
            self._busy.discard(charger)

    def _told(self, charger: str) -> Callable[[StationAnswer], None]:
        def told(answer: StationAnswer) -> None:
            status = answer.error if answer.payload is None else answer.payload.get("status")
            if status == "Accepted":
                self._say("certificate-issued", charger, f"{charger} has taken its new certificate")
            else:
                self._say("certificate-not-issued", charger, f"{charger} does not take its new certificate: {status}")

        return told

    def _say(self, kind: str, charger: str, summary: str) -> None:
        self._log(kind, charger=charger, detail=summary)
        self._record(HistoryEvent(self._clock.now(), kind, summary, charger=charger))

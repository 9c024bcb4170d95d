"""Who signs stations' certificates, and who watches what expires, from the settings of the server."""

import os
from collections.abc import Iterator
from datetime import datetime

from reconciler.adapters.certificate_office import CertificateOffice
from reconciler.adapters.logs import EventLog
from reconciler.app.expiry_watch import ExpiryWatch
from reconciler.app.leg_certificates import LegCertificates
from reconciler.app.node import RelayNode
from reconciler.app.ports import Clock, Metrics, Secrets
from reconciler.app.recorder import Recorder
from reconciler.app.station_issuer import CertificateAuthority, StationIssuer
from reconciler.app.tasks import Background
from reconciler.cli.settings import ServeSettings
from reconciler.model.desired import DesiredCharger


def station_issuer(
    settings: ServeSettings, node: RelayNode, recorder: Recorder, clock: Clock, background: Background
) -> StationIssuer | None:
    """Return who has certificates made for stations, None where the settings name nobody."""
    if settings.station_issuer is None:
        return None
    authority: CertificateAuthority
    if settings.station_issuer == "development":
        from reconciler.adapters.development_ca import DevelopmentCa  # here, as few servers issue certificates

        authority = DevelopmentCa.open(settings.data, clock)
    else:
        from reconciler.adapters.external_ca import ExternalCa, issuer_secret

        authority = ExternalCa(settings.station_issuer, issuer_secret(os.environ), clock)
    log, call, organization = EventLog(clock.monotonic_s), node.local_line.call, settings.station_organization
    return StationIssuer(authority, CertificateOffice(), call, recorder.event, log, clock, background, organization)


def expiry_watch(
    settings: ServeSettings, node: RelayNode, secrets: Secrets, metrics: Metrics, clock: Clock
) -> tuple[ExpiryWatch, LegCertificates]:
    """Return who watches the certificates of doors, stations and legs, and what it knows of those that specs name."""
    office = CertificateOffice()
    files = [*settings.tls_cert, *(settings.admin_tls or ())[:1]]

    def doors() -> dict[str, datetime]:
        return {str(file): office.expires_at(file.read_bytes()) for file in files if file.is_file()}

    def desired() -> Iterator[DesiredCharger]:
        yield from (slot.desired for name in node.names() if (slot := node.slot(name)) is not None)

    named = LegCertificates(desired, secrets, office)
    call, log, renews = node.local_line.call, EventLog(clock.monotonic_s), node.issuer is not None
    watch = ExpiryWatch(node, doors, call, clock, metrics, log, renews=renews, named=named)
    return watch, named

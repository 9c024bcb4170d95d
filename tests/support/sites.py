"""Sites for tests: one that uses every kind, and a short way from YAML text to resources, a site and findings."""

from collections.abc import Sequence
from io import StringIO
from typing import Final

from reconciler.adapters.spec_files import read_documents
from reconciler.model.diagnostics import Diagnostic
from reconciler.model.documents import Document
from reconciler.model.site import Resource, Site
from reconciler.planning.documents import read_resources
from reconciler.planning.resolve import check

EVERY_KIND: Final = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: field-tls}
spec:
  profile: 2
  minTlsVersion: "1.3"
  password: {fromFile: "stations/{identity}"}
  passwordEncoding: hex
  trustedCa: {fromFile: ca.pem}
  certificate: {fromFile: relay.pem}
  privateKey: {fromEnv: FWDCTL_SECRET_KEY}
  allowDowngradeFrom: 3
---
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: partner-upstream}
spec: {profile: 2, password: {fromEnv: FWDCTL_SECRET_PARTNER}}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: partner-pay}
spec:
  url: wss://ocpp.partner.example/ocpp
  versions: [ocpp2.1, ocpp2.0.1, ocpp1.6]
  securityProfile: partner-upstream
  contacts:
    - {email: noc@partner.example}
    - {webhook: {url: "https://partner.example/hook", secret: {fromEnv: FWDCTL_SECRET_HOOK}}}
  health: {downAfter: 20s, upAfter: 3m}
  callTimeout: 15s
  halfDuplex: true
  compression: "off"
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: grid-co}
spec: {url: wss://grid.example, versions: [ocpp1.6], securityProfile: partner-upstream}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: local}
spec: {local: {authorize: accept, heartbeatInterval: 60s}}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {name: cp001, labels: {site: depot-a, vendor: acme}}
spec:
  identity: CP-001
  serialNumber: SN-0001
  versions: [ocpp1.6]
  securityProfile: field-tls
  quirks: {assumeVersion: ocpp1.6, pingInterval: 60s, compression: off}
---
apiVersion: fwdctl/v1
kind: SplitSystem
metadata: {name: ice480-01, labels: {site: depot-a}}
spec:
  model: ICE-480
  versions: [ocpp1.6]
  securityProfile: field-tls
  dispensers:
    - {identity: ICE480-01-1, serialNumber: S480-1}
    - {identity: ICE480-01-2, serialNumber: S480-2}
---
apiVersion: fwdctl/v1
kind: Role
metadata: {name: energy}
spec:
  owns: [smart-charging]
  observes: ["*"]
  mayRead: true
  vendorMessages: [{vendorId: "com.acme.*", messageId: "*"}]
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: depot-a}
spec:
  chargers: {labels: {site: depot-a}}
  priority: 0
  backends:
    - {backend: partner-pay, role: primary}
    - {backend: grid-co, role: energy}
    - {backend: local, role: passive}
  whenOwnerIsDown: failover
  failover: {to: local, after: 30s, back: manual}
  flip:
    openTransaction: wait
    confirmWithin: 90s
    handover: {chargingProfiles: clear, availability: restore}
---
apiVersion: fwdctl/v1
kind: ScheduledOutage
metadata: {name: acme-firmware}
spec:
  chargers: {labels: {site: depot-a}}
  window: {start: 2026-12-01T02:00, duration: 2h, timeZone: Europe/Rome}
  roles: {partner-pay: passive, local: primary}
  notice: {before: [72h, 24h, 1h], to: [partner-pay]}
  flip: {openTransaction: wait}
  reason: quarterly firmware
---
apiVersion: fwdctl/v1
kind: ChangeWindow
metadata: {name: nights-only}
spec:
  action: allow
  chargers: {names: ["*"]}
  window: {cron: "0 22 * * *", duration: 6h, timeZone: Europe/Rome}
---
apiVersion: fwdctl/v1
kind: NotificationRule
metadata: {name: faults}
spec:
  chargers: {names: [cp001, "ice480-*"]}
  on: [charger-offline, connector-faulted, backend-down, flip]
  to: [{email: ops@depot.example}]
---
apiVersion: fwdctl/v1
kind: LoadPolicy
metadata: {name: depot-cap}
spec: {chargers: {labels: {site: depot-a}}, limitKw: 300, perChargerMinKw: 7, perChargerMaxKw: 150, strategy: priority}
"""
"""Every kind with nearly every field; valid, without a warning."""

SMALL: Final = """\
apiVersion: fwdctl/v1
kind: SecurityProfile
metadata: {name: open}
spec: {profile: 0}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: partner}
spec: {url: wss://partner.example/ocpp, versions: [ocpp2.0.1, ocpp1.6], securityProfile: open}
---
apiVersion: fwdctl/v1
kind: Backend
metadata: {name: grid}
spec: {url: wss://grid.example/ocpp, versions: [ocpp1.6], securityProfile: open}
---
apiVersion: fwdctl/v1
kind: Charger
metadata: {name: cp1, labels: {site: a}}
spec: {versions: [ocpp1.6], securityProfile: open}
---
apiVersion: fwdctl/v1
kind: BackendBinding
metadata: {name: a}
spec:
  chargers: {labels: {site: a}}
  backends:
    - {backend: partner, role: primary}
"""
"""One charger, one back-end in charge, another unbound; valid, without a warning. The base that tests change."""


def documents(text: str) -> tuple[list[Document], list[Diagnostic]]:
    """Return the documents of YAML text, read as from standard input, and what is wrong with it as YAML."""
    return read_documents(["-"], StringIO(text))


def resources(text: str) -> list[Resource]:
    """Return the resources of YAML text that is valid document by document."""
    read, unread = documents(text)
    found, diagnostics = read_resources(read)
    assert not unread, unread
    assert not diagnostics, diagnostics
    return found


def checked(*texts: str) -> tuple[Site, Sequence[Diagnostic]]:
    """Return the site that all of `texts` declare together, and everything wrong with it."""
    return check(*documents("\n---\n".join(texts)))


def valid_site(*texts: str) -> Site:
    """Return the site that all of `texts` declare together, which must be without any finding."""
    site, diagnostics = checked(*texts)
    assert not diagnostics, diagnostics
    return site


def spec_findings(kind: str, spec: object, name: str = "x", **metadata: object) -> list[Diagnostic]:
    """Return what is wrong with one document of `kind` by itself."""
    content = {"apiVersion": "fwdctl/v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}
    return read_resources([Document(content=content)])[1]


def said(findings: Sequence[Diagnostic]) -> list[tuple[str, str]]:
    """Return (summary, hint) of each finding."""
    return [(finding.summary, finding.hint) for finding in findings]


def place_of(text: str, marker: str) -> tuple[int, int]:
    """Return (line, column) of the first `marker` in `text`, counted from 1."""
    start = text.index(marker)
    return text.count("\n", 0, start) + 1, start - (text.rfind("\n", 0, start) + 1) + 1

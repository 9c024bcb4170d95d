"""The options of `fwdctl serve` that are about TLS, for stations and for the admin API."""

from pathlib import Path
from typing import Annotated

import typer

StationsTlsBind = Annotated[
    str | None, typer.Option(envvar="FWDCTL_STATIONS_TLS", metavar="HOST:PORT", help="Where they connect over TLS.")
]
TlsCertificates = Annotated[
    list[Path] | None,
    typer.Option(envvar="FWDCTL_TLS_CERT", metavar="FILE", help="Certificate chain for them; one RSA, one ECDSA."),
]
TlsKeys = Annotated[
    list[Path] | None, typer.Option(envvar="FWDCTL_TLS_KEY", metavar="FILE", help="Its private key; repeatable.")
]
StationCa = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_STATION_CA", metavar="FILE", help="Who signs stations (profile 3).")
]
StationCrl = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_STATION_CRL", metavar="FILE", help="Certificates it has revoked.")
]
StationOrganization = Annotated[
    str | None, typer.Option(envvar="FWDCTL_STATION_ORGANIZATION", metavar="NAME", help="O of their certificates.")
]
StationIssuer = Annotated[
    str | None,
    typer.Option(
        envvar="FWDCTL_STATION_ISSUER", metavar="development|URL", help="Who signs for stations where local may."
    ),
]
AdminTlsCertificate = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_ADMIN_TLS_CERT", metavar="FILE", help="Certificate chain for it.")
]
AdminTlsKey = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_ADMIN_TLS_KEY", metavar="FILE", help="Its private key.")
]
FilesBind = Annotated[
    str | None,
    typer.Option(envvar="FWDCTL_FILES", metavar="HOST:PORT", help="Where stations fetch firmware and leave logs."),
]
FilesUrl = Annotated[
    str | None, typer.Option(envvar="FWDCTL_FILES_URL", metavar="URL", help="The same as stations are told it.")
]
FilesTlsCertificate = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_FILES_TLS_CERT", metavar="FILE", help="Certificate chain for it.")
]
FilesTlsKey = Annotated[
    Path | None, typer.Option(envvar="FWDCTL_FILES_TLS_KEY", metavar="FILE", help="Its private key.")
]

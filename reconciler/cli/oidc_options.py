"""The options of `fwdctl serve` about an identity provider for the admin API."""

from typing import Annotated

import typer

OidcIssuer = Annotated[
    str | None, typer.Option(envvar="FWDCTL_OIDC_ISSUER", metavar="URL", help="Takes bearer tokens of this issuer too.")
]
OidcAudience = Annotated[
    str | None, typer.Option(envvar="FWDCTL_OIDC_AUDIENCE", metavar="NAME", help="Whom those must be for.")
]
OidcGrants = Annotated[
    list[str] | None,
    typer.Option(
        "--oidc-grant",
        envvar="FWDCTL_OIDC_GRANT",
        metavar="'CLAIM=VALUE -> ACCESS [LABEL=VALUE...]'",
        help="What a claim gives; repeatable.",
    ),
]

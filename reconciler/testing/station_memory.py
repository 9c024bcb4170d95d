"""What a simulated station knows about itself; it outlives its connections."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Transaction:
    """One charging transaction as the station sees it.

    `id` is the CSMS's number in 1.6 (-1 until it gave one) and the station's own string in 2.x. Meters are in Wh.
    """

    connector: int
    tag: str
    id: int | str
    meter_start_wh: int
    meter_wh: int
    seq_no: int = 0
    remote_start_id: int | None = None
    token_type: str = "ISO14443"
    power_w: float | None = None
    """What the car draws, reported beside the register; None: not reported."""
    token_status: str = ""
    """What the CSMS said of the tag: "Accepted", "Blocked"...; "" while it said nothing."""
    stopped: bool = False


@dataclass
class Connector:
    """One connector: `status` in the words of 1.6, whose register counts on over transactions."""

    status: str = "Available"
    operative: bool = True
    meter_wh: int = 0


@dataclass
class Setting:
    """One configuration key (1.6) or "Component.Variable" (2.x)."""

    value: str
    readonly: bool = False
    write_only: bool = False


@dataclass
class StationMemory:
    """The station's state; tests may read and set all of it."""

    identity: str
    vendor: str
    model: str
    serial: str
    firmware: str
    connectors: dict[int, Connector]
    settings: dict[str, Setting]
    transactions: dict[int, Transaction] = field(default_factory=dict)
    """Connector -> the transaction that runs there."""
    profiles: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Charging profile id -> profile, keys in snake case as `ocpp` hands them over."""
    reservations: dict[int, int] = field(default_factory=dict)
    """Reservation id -> connector."""
    local_list: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Tag -> entry of the local authorization list."""
    local_list_version: int = 0
    certificates: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Serial number -> what a root certificate is for, and its hash data in snake case."""
    heartbeat_interval_s: int = 0
    boot_status: str = ""

    def allowed_w(self) -> float | None:
        """Return what the charging profiles leave the whole station now, in W; None where none limits it.

        As far as a small station has it: of each purpose the profile of the highest stack level counts, with its first
        period; amperes are for three phases of 230 V.
        """
        by_purpose: dict[str, dict[str, Any]] = {}
        for profile in self.profiles.values():
            purpose = profile["charging_profile_purpose"]
            if profile["stack_level"] >= by_purpose.get(purpose, profile)["stack_level"]:
                by_purpose[purpose] = profile
        return min((_limit_w(profile) for profile in by_purpose.values()), default=None)

    def transaction(self, transaction_id: int | str | None) -> Transaction | None:
        """Return the running transaction of that id."""
        return next((t for t in self.transactions.values() if t.id == transaction_id), None)

    def free_connector(self, wanted: int | None) -> int | None:
        """Return the connector a new transaction can use: `wanted`, or the first free one; None where there is none."""
        for number, connector in self.connectors.items():
            if wanted in (None, 0, number) and connector.operative and number not in self.transactions:
                return number
        return None


def _limit_w(profile: dict[str, Any]) -> float:
    schedule = profile["charging_schedule"]
    schedule = schedule[0] if isinstance(schedule, list) else schedule
    limit = float(schedule["charging_schedule_period"][0]["limit"])
    return limit if schedule["charging_rate_unit"] == "W" else limit * 3 * 230


def default_settings(version: str, connectors: int) -> dict[str, Setting]:
    """Return the settings a new station of that OCPP version ("1.6") has."""
    if version == "1.6":
        return {
            "AuthorizationKey": Setting("", write_only=True),
            "AuthorizeRemoteTxRequests": Setting("false"),
            "HeartbeatInterval": Setting("300"),
            "LocalAuthorizeOffline": Setting("true"),
            "MeterValueSampleInterval": Setting("60"),
            "MeterValuesSampledData": Setting("Energy.Active.Import.Register"),
            "NumberOfConnectors": Setting(str(connectors), readonly=True),
            "SecurityProfile": Setting("0"),
            "SupportedFeatureProfiles": Setting(
                "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger", readonly=True
            ),
            "WebSocketPingInterval": Setting("0"),
        }
    return {
        "AlignedDataCtrlr.Interval": Setting("0"),
        "AuthCtrlr.LocalAuthorizeOffline": Setting("true"),
        "OCPPCommCtrlr.HeartbeatInterval": Setting("300"),
        "OCPPCommCtrlr.NetworkConfigurationPriority": Setting("1"),
        "SampledDataCtrlr.TxUpdatedInterval": Setting("60"),
        "SecurityCtrlr.BasicAuthPassword": Setting("", write_only=True),
        "SecurityCtrlr.SecurityProfile": Setting("0", readonly=True),
    }

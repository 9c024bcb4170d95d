"""How a simulated station answers the commands of OCPP 1.6."""

from typing import Any

from reconciler.testing.dialect import answers
from reconciler.testing.station_commands import StationCommands
from reconciler.testing.station_service import install, upload


class StationCommands16(StationCommands):
    """OCPP 1.6 with its security extension as far as a small station has it; the rest is NotImplemented."""

    @answers("Reset")
    def on_reset(self, type: str, **_: Any) -> Any:
        """Promise to restart."""
        reason = "HardReset" if type == "Hard" else "SoftReset"
        self.promise(lambda: self.station.reboot(stop_reason=reason))
        return self.results.Reset(status="Accepted")

    @answers("RemoteStartTransaction")
    def on_remote_start(self, id_tag: str, connector_id: int | None = None, **_: Any) -> Any:
        """Promise a transaction on a free connector."""
        return self.results.RemoteStartTransaction(status=self.remote_start(connector_id, id_tag, "", None))

    @answers("RemoteStopTransaction")
    def on_remote_stop(self, transaction_id: int, **_: Any) -> Any:
        """Promise the end of a running transaction."""
        return self.results.RemoteStopTransaction(status=self.remote_stop(transaction_id))

    @answers("TriggerMessage")
    def on_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> Any:
        """Promise the message."""
        return self.results.TriggerMessage(status=self.trigger(requested_message, connector_id))

    @answers("ExtendedTriggerMessage")
    def on_extended_trigger(self, requested_message: str, connector_id: int | None = None, **_: Any) -> Any:
        """Promise the message."""
        return self.results.ExtendedTriggerMessage(status=self.trigger(requested_message, connector_id))

    @answers("ChangeAvailability")
    def on_change_availability(self, connector_id: int, type: str, **_: Any) -> Any:
        """Change it, after a running transaction."""
        return self.results.ChangeAvailability(status=self.change_availability(connector_id, type == "Operative"))

    @answers("UnlockConnector")
    def on_unlock(self, connector_id: int, **_: Any) -> Any:
        """Unlock a connector that exists."""
        known = connector_id in self.memory.connectors
        return self.results.UnlockConnector(status="Unlocked" if known else "NotSupported")

    @answers("GetConfiguration")
    def on_get_configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        """List the settings asked for, or all; secrets have no value to show."""
        settings = self.memory.settings
        wanted = key or list(settings)
        listed = []
        for name in wanted:
            if (setting := settings.get(name)) is not None:
                value = {} if setting.write_only else {"value": setting.value}
                listed.append({"key": name, "readonly": setting.readonly} | value)
        unknown = [name for name in wanted if name not in settings]
        return self.results.GetConfiguration(configuration_key=listed, unknown_key=unknown or None)

    @answers("ChangeConfiguration")
    def on_change_configuration(self, key: str, value: str, **_: Any) -> Any:
        """Set a known key that may be written."""
        setting = self.memory.settings.get(key)
        if setting is None:
            return self.results.ChangeConfiguration(status="NotSupported")
        if setting.readonly:
            return self.results.ChangeConfiguration(status="Rejected")
        setting.value = value
        return self.results.ChangeConfiguration(status="Accepted")

    @answers("SetChargingProfile")
    def on_set_charging_profile(self, cs_charging_profiles: dict[str, Any], **_: Any) -> Any:
        """Keep the profile."""
        number = cs_charging_profiles["charging_profile_id"]
        return self.results.SetChargingProfile(status=self.take_profile(cs_charging_profiles, number))

    @answers("ClearChargingProfile")
    def on_clear_charging_profile(
        self, id: int | None = None, charging_profile_purpose: str | None = None, **_: Any
    ) -> Any:
        """Forget the profiles that match; an id stands alone, nothing given means all."""

        def which(number: int, profile: dict[str, Any]) -> bool:
            if id is not None:
                return number == id
            return charging_profile_purpose in (None, profile["charging_profile_purpose"])

        return self.results.ClearChargingProfile(status=self.clear_profiles(which))

    @answers("GetLocalListVersion")
    def on_get_local_list_version(self, **_: Any) -> Any:
        """Tell the list's version, 0 while it is empty."""
        version = self.memory.local_list_version if self.memory.local_list else 0
        return self.results.GetLocalListVersion(list_version=version)

    @answers("SendLocalList")
    def on_send_local_list(
        self,
        list_version: int,
        update_type: str,
        local_authorization_list: list[dict[str, Any]] | None = None,
        **_: Any,
    ) -> Any:
        """Take over the list."""
        entries = [(entry["id_tag"], entry) for entry in local_authorization_list or []]
        return self.results.SendLocalList(status=self.take_local_list(list_version, update_type, entries))

    @answers("ReserveNow")
    def on_reserve_now(self, connector_id: int, reservation_id: int, **_: Any) -> Any:
        """Reserve a free connector."""
        return self.results.ReserveNow(status=self.reserve(reservation_id, connector_id))

    @answers("GetDiagnostics")
    def on_get_diagnostics(self, location: str, **_: Any) -> Any:
        """Name a file, and promise its upload."""

        async def report(status: str) -> None:
            await self.station.call("DiagnosticsStatusNotification", {"status": status})

        self.promise(lambda: upload(self.station, location, report, "UploadFailed"))
        return self.results.GetDiagnostics(file_name=f"{self.memory.serial}.log")

    @answers("GetLog")
    def on_get_log(self, request_id: int, log: dict[str, Any], **_: Any) -> Any:
        """Name a file, and promise its upload."""
        self.promise_log(log["remote_location"], request_id)
        return self.results.GetLog(status="Accepted", filename=f"{self.memory.serial}.log")

    @answers("UpdateFirmware")
    def on_update_firmware(self, location: str, **_: Any) -> Any:
        """Promise to fetch the new firmware and run it."""

        async def report(status: str) -> None:
            await self.station.call("FirmwareStatusNotification", {"status": status})

        self.promise(lambda: install(self.station, location, report))
        return self.results.UpdateFirmware()

    @answers("SignedUpdateFirmware")
    def on_signed_update_firmware(self, request_id: int, firmware: dict[str, Any], **_: Any) -> Any:
        """Promise to fetch the new firmware and run it; its signature is taken on trust."""
        self.promise_firmware("SignedFirmwareStatusNotification", firmware["location"], request_id)
        return self.results.SignedUpdateFirmware(status="Accepted")

    @answers("GetInstalledCertificateIds")
    def on_get_certificates(self, certificate_type: str, **_: Any) -> Any:
        """List the certificates of a kind."""
        found = [data for kind, data in self.memory.certificates.values() if kind == certificate_type]
        status = "Accepted" if found else "NotFound"
        return self.results.GetInstalledCertificateIds(status=status, certificate_hash_data=found or None)

    @answers("GetCompositeSchedule")
    def on_get_composite_schedule(self, connector_id: int, duration: int, **_: Any) -> Any:
        """Tell that nothing limits it but 32 A."""
        schedule = {
            "duration": duration,
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": 32.0}],
        }
        return self.results.GetCompositeSchedule(
            status="Accepted",
            connector_id=connector_id,
            schedule_start=self.station.now(),
            charging_schedule=schedule,
        )

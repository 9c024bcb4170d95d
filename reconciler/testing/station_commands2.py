"""How a simulated station answers the commands of OCPP 2.0.1 and 2.1."""

from typing import Any

from ocpp.charge_point import snake_to_camel_case

from reconciler.testing.dialect import answers
from reconciler.testing.station_commands import StationCommands


class StationCommands2(StationCommands):
    """What a small station has of OCPP 2.x; the rest is NotImplemented. An EVSE is a connector here."""

    @answers("Reset")
    def on_reset(self, **_: Any) -> Any:
        """Promise to restart."""
        self.promise(lambda: self.station.reboot(stop_reason="ImmediateReset"))
        return self.results.Reset(status="Accepted")

    @answers("RequestStartTransaction")
    def on_remote_start(
        self, id_token: dict[str, Any], remote_start_id: int, evse_id: int | None = None, **_: Any
    ) -> Any:
        """Promise a transaction on a free EVSE."""
        status = self.remote_start(evse_id, id_token["id_token"], id_token["type"], remote_start_id)
        return self.results.RequestStartTransaction(status=status)

    @answers("RequestStopTransaction")
    def on_remote_stop(self, transaction_id: str, **_: Any) -> Any:
        """Promise the end of a running transaction."""
        return self.results.RequestStopTransaction(status=self.remote_stop(transaction_id))

    @answers("TriggerMessage")
    def on_trigger(self, requested_message: str, evse: dict[str, Any] | None = None, **_: Any) -> Any:
        """Promise the message."""
        return self.results.TriggerMessage(status=self.trigger(requested_message, evse["id"] if evse else None))

    @answers("ChangeAvailability")
    def on_change_availability(self, operational_status: str, evse: dict[str, Any] | None = None, **_: Any) -> Any:
        """Change it, after a running transaction."""
        status = self.change_availability(evse["id"] if evse else None, operational_status == "Operative")
        return self.results.ChangeAvailability(status=status)

    @answers("UnlockConnector")
    def on_unlock(self, evse_id: int, **_: Any) -> Any:
        """Unlock a connector that exists and isn't charging."""
        if evse_id not in self.memory.connectors:
            return self.results.UnlockConnector(status="UnknownConnector")
        charging = evse_id in self.memory.transactions
        return self.results.UnlockConnector(status="OngoingAuthorizedTransaction" if charging else "Unlocked")

    @answers("GetVariables")
    def on_get_variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        """Tell each variable; secrets are Rejected."""
        results = []
        for asked in get_variable_data:
            setting, status = self._setting(asked)
            result = {
                "attribute_status": status,
                "component": asked["component"],
                "variable": asked["variable"],
            }
            if setting is not None and setting.write_only:
                result["attribute_status"] = "Rejected"
            elif setting is not None:
                result["attribute_value"] = setting.value
            results.append(result)
        return self.results.GetVariables(get_variable_result=results)

    @answers("SetVariables")
    def on_set_variables(self, set_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        """Set each variable that is known and may be written."""
        results = []
        for asked in set_variable_data:
            setting, status = self._setting(asked)
            if setting is not None and setting.readonly:
                status = "Rejected"
            elif setting is not None:
                setting.value = asked["attribute_value"]
            results.append({"attribute_status": status, "component": asked["component"], "variable": asked["variable"]})
        return self.results.SetVariables(set_variable_result=results)

    def _setting(self, asked: dict[str, Any]) -> tuple[Any, str]:
        component, variable = asked["component"]["name"], asked["variable"]["name"]
        if (setting := self.memory.settings.get(f"{component}.{variable}")) is not None:
            return setting, "Accepted"
        known = any(name.startswith(f"{component}.") for name in self.memory.settings)
        return None, "UnknownVariable" if known else "UnknownComponent"

    @answers("GetBaseReport")
    def on_get_base_report(self, request_id: int, **_: Any) -> Any:
        """Promise one NotifyReport with every setting."""
        self.promise(lambda: self.station.call("NotifyReport", self._report(request_id)))
        return self.results.GetBaseReport(status="Accepted")

    def _report(self, request_id: int) -> dict[str, Any]:
        data = []
        for name, setting in self.memory.settings.items():
            component, variable = name.split(".", 1)
            mutability = "WriteOnly" if setting.write_only else "ReadOnly" if setting.readonly else "ReadWrite"
            value = {} if setting.write_only else {"value": setting.value}
            data.append(
                {
                    "component": {"name": component},
                    "variable": {"name": variable},
                    "variableAttribute": [{"mutability": mutability} | value],
                }
            )
        return {"requestId": request_id, "generatedAt": self.station.now(), "seqNo": 0, "reportData": data}

    @answers("GetTransactionStatus")
    def on_get_transaction_status(self, transaction_id: str | None = None, **_: Any) -> Any:
        """Tell whether the transaction runs; nothing is ever queued here."""
        ongoing = None if transaction_id is None else self.memory.transaction(transaction_id) is not None
        return self.results.GetTransactionStatus(messages_in_queue=False, ongoing_indicator=ongoing)

    @answers("SetChargingProfile")
    def on_set_charging_profile(self, charging_profile: dict[str, Any], **_: Any) -> Any:
        """Keep the profile."""
        return self.results.SetChargingProfile(status=self.take_profile(charging_profile, charging_profile["id"]))

    @answers("ClearChargingProfile")
    def on_clear_charging_profile(
        self,
        charging_profile_id: int | None = None,
        charging_profile_criteria: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """Forget the profiles that match the id, or else the purpose."""
        purpose = (charging_profile_criteria or {}).get("charging_profile_purpose")

        def which(number: int, profile: dict[str, Any]) -> bool:
            if charging_profile_id is not None:
                return number == charging_profile_id
            return purpose in (None, profile["charging_profile_purpose"])

        return self.results.ClearChargingProfile(status=self.clear_profiles(which))

    @answers("GetLocalListVersion")
    def on_get_local_list_version(self, **_: Any) -> Any:
        """Tell the list's version, 0 while it is empty."""
        version = self.memory.local_list_version if self.memory.local_list else 0
        return self.results.GetLocalListVersion(version_number=version)

    @answers("SendLocalList")
    def on_send_local_list(
        self,
        version_number: int,
        update_type: str,
        local_authorization_list: list[dict[str, Any]] | None = None,
        **_: Any,
    ) -> Any:
        """Take over the list."""
        entries = [(entry["id_token"]["id_token"], entry) for entry in local_authorization_list or []]
        return self.results.SendLocalList(status=self.take_local_list(version_number, update_type, entries))

    @answers("ReserveNow")
    def on_reserve_now(self, id: int, evse_id: int | None = None, **_: Any) -> Any:
        """Reserve a free EVSE."""
        return self.results.ReserveNow(status=self.reserve(id, evse_id))

    @answers("GetLog")
    def on_get_log(self, request_id: int, log: dict[str, Any], **_: Any) -> Any:
        """Name a file, and promise its upload."""
        self.promise_log(log["remote_location"], request_id)
        return self.results.GetLog(status="Accepted", filename=f"{self.memory.serial}.log")

    @answers("UpdateFirmware")
    def on_update_firmware(self, request_id: int, firmware: dict[str, Any], **_: Any) -> Any:
        """Promise to fetch the new firmware and run it; a signature is taken on trust."""
        self.promise_firmware("FirmwareStatusNotification", firmware["location"], request_id)
        return self.results.UpdateFirmware(status="Accepted")

    @answers("GetInstalledCertificateIds")
    def on_get_certificates(self, **_: Any) -> Any:
        """List all certificates."""
        chains = [
            {"certificate_type": kind, "certificate_hash_data": data}
            for kind, data in self.memory.certificates.values()
        ]
        status = "Accepted" if chains else "NotFound"
        return self.results.GetInstalledCertificateIds(status=status, certificate_hash_data_chain=chains or None)

    @answers("GetCompositeSchedule")
    def on_get_composite_schedule(self, evse_id: int, duration: int, **_: Any) -> Any:
        """Tell that nothing limits it but 32 A."""
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": self.station.now(),
            "charging_rate_unit": "A",
            "charging_schedule_period": [{"start_period": 0, "limit": 32.0}],
        }
        return self.results.GetCompositeSchedule(status="Accepted", schedule=schedule)

    @answers("GetChargingProfiles")
    def on_get_charging_profiles(self, request_id: int, **_: Any) -> Any:
        """Promise one report with every profile; keys as they came."""
        if not self.memory.profiles:
            return self.results.GetChargingProfiles(status="NoProfiles")
        report = {
            "requestId": request_id,
            "chargingLimitSource": "CSO",
            "evseId": 0,
            "chargingProfile": [snake_to_camel_case(profile) for profile in self.memory.profiles.values()],
        }
        self.promise(lambda: self.station.call("ReportChargingProfiles", report))
        return self.results.GetChargingProfiles(status="Accepted")

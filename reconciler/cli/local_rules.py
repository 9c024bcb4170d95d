"""What `fwdctl status` says of what `local` does by itself: load policies and notification rules."""

from collections.abc import Iterator

import typer

from reconciler.adapters.api_client import Json
from reconciler.cli.output import print_table

POLICY = "load-policy."


def print_policies(policies: list[Json], address: str | None) -> None:
    """Print a line for each policy, all of one that `address` names, or what concerns the charger that it names."""
    for policy in policies:
        if address in (None, f"{POLICY}{policy['name']}"):
            for line in policy_lines(policy):
                typer.echo(line)
            if address is not None:
                print_table(("CHARGER", "DRAWS", "LIMIT", "COUNTED", "GOVERNED"), map(_row, policy["chargers"]))
        elif address is not None and address.startswith("charger."):
            for load in policy["chargers"]:
                if f"charger.{load['charger']}" == address:
                    typer.echo(f"  {charger_line(policy['name'], load)}")


def policy_lines(policy: Json) -> Iterator[str]:
    """Yield what a policy's sum is, and who is not governed and why."""
    governed = sum(load["governed"] for load in policy["chargers"])
    state = "" if policy["kept"] else ", MORE THAN ITS LIMIT"
    reserve = f", {policy['reserve_kw']:g} kW kept free" if policy["reserve_kw"] else ""
    yield (
        f"Load policy {policy['name']}: {policy['measured_kw']:.1f} kW drawn, {policy['counted_kw']:.1f} of"
        f" {policy['limit_kw']:g} kW may be drawn{reserve}{state}; {governed} of {len(policy['chargers'])} governed."
    )
    reasons: dict[str, int] = {}
    for load in policy["chargers"]:
        if not load["governed"]:
            reasons[load["why_not"]] = reasons.get(load["why_not"], 0) + 1
    for reason, count in reasons.items():
        yield f"  {count} not governed: {reason}"


def charger_line(policy: str, load: Json) -> str:
    """Return how one charger stands in its policy."""
    limit = f"limit {load['limit_kw']:g} kW" if load["limit_kw"] is not None else "no limit"
    why = f", not governed: {load['why_not']}" if not load["governed"] else ""
    problem = f" ({load['problem']})" if load["problem"] else ""
    sums = f"draws {_kw(load['measured_kw'])}, counts {_kw(load['counted_kw'])}"
    return f"load policy {policy}: {limit}, {sums}{why}{problem}"


def print_rules(rules: list[Json], address: str | None) -> None:
    """Print a line for each notification rule, or for the one that `address` names."""
    for rule in rules:
        if address in (None, f"notification-rule.{rule['name']}"):
            for line in rule_lines(rule):
                typer.echo(line)


def rule_lines(rule: Json) -> Iterator[str]:
    """Yield what a rule sent in the last hour, what it did not send because of whom, and what has not arrived."""
    last_hour = rule["last_hour"]
    waiting = [f"{last_hour[word]} {word}" for word in ("pending", "held") if last_hour[word]]
    counts = ", ".join([f"{last_hour['sent']} sent", *waiting])
    yield f"Notification rule {rule['name']}: {counts} in the last hour."
    for one in rule["not_sent"]:
        yield f"  {one['count']} not sent: {one['owner']} is in charge ({one['event']}, last {one['last_at']})"
    for message in rule["undelivered"]:
        told = f"{message['subject']} to {message['recipient']}"
        yield f"  not delivered ({message['status']}): {told}: {message['error']}"


def _row(load: Json) -> tuple[str, ...]:
    limit, problem = _kw(load["limit_kw"]), f" ({load['problem']})" if load["problem"] else ""
    governed = "yes" if load["governed"] else f"no: {load['why_not']}"
    return load["charger"], _kw(load["measured_kw"]), limit, _kw(load["counted_kw"]), governed + problem


def _kw(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} kW"

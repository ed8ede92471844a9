"""Small events, by hand: what the scenarios are made of."""
import datetime

DAY = 86400
START = datetime.datetime(2024, 3, 20, 8, 0, 0)


def at(days=0, seconds=0):
    return (START + datetime.timedelta(days=days, seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(eid, kind, time, data, source="/courts/a"):
    return {"specversion": "1.0", "id": eid, "source": source, "type": kind, "time": time, "datacontenttype": "application/json", "data": data}


def testimony(eid, days, case, who="x-name:A", capacity="lay", source="/courts/a", seconds=0):
    return event(eid, "testimony.given", at(days, seconds), {"witness": {"id": who}, "case_id": case, "capacity": capacity}, source)


def retraction(eid, target, days=0, source="/courts/corrections", target_source="/courts/a"):
    return event(eid, "event.retracted", at(days), {"source": target_source, "id": target, "reason": "entered by mistake"}, source)


def issued(eid, wid, days, who="x-name:F", district=None, begin=None, end=None):
    data = {"warrant_id": wid, "person": {"id": who}, "case_id": "C1", "scope": "district" if district else "nationwide", "hours": "any", "court_id": "c1",
            "valid_from": at(days if begin is None else begin), "valid_until": at(days + 365 if end is None else end), "identity_verified": True, "caution": ""}
    if district:
        data["district"] = district
    return event(eid, "warrant.issued", at(days), data, "/courts/warrants")


def changed(eid, wid, days, kind, who="x-name:F", seconds=0):
    reason = {"suspended": "review", "resumed": "review over", "ended": "executed"}[kind]
    return event(eid, "warrant." + kind, at(days, seconds), {"warrant_id": wid, "person": {"id": who}, "reason": reason}, "/courts/warrants")


def passed(eid, days, who="x-name:F", site="s1", district="d1", seconds=0):
    data = {"site": site, "gate": "g1", "direction": "in", "result": "granted", "person": {"id": who} if who else {"given_name": "علی", "family_name": "رضایی"}}
    if district:
        data["district"] = district
    return event(eid, "gate.passed", at(days, seconds), data, "/gates/g1")


def four_cases(prefix="t", who="x-name:A", first=0):
    """Four testimonies in four cases: the fourth raises one notice."""
    return [testimony("%s%d" % (prefix, i), first + 10 * i, "%s-C%d" % (prefix, i), who) for i in range(4)]

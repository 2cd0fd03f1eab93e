"""DuckDB's reduced job: reads a file of events, sessionizes by gaps, writes count, first and last of each session.

    sessions.py EVENTS OUT [--threads N] [--fields]

With --fields it also keeps what tidemark keeps of most events: the newest page, browser, device and so on, the oldest
referrer and campaign. Settings as DuckDB's guide for performance says: only the columns that are needed are named (no
schema is guessed, no other value is made), the order of rows is not preserved, memory is the machine's. Prints seconds,
events and sessions.
"""

import argparse
import json
import time

import duckdb

NEWEST = {name: "JSON" for name in ("page", "browser", "device", "geolocation", "attributes")} \
    | {name: "VARCHAR" for name in ("userAgentString", "ipAddress", "ipOrganization", "searchQuery")}
OLDEST = {"referrer": "JSON", "mktCampaign": "JSON"}

# An event's key: its session's id, else its customer's. Half-open gaps: an event 20 minutes after the last one begins a
# new session.
JOB = """
copy (
  with events as (
    select coalesce(session.id, customerId, customerCookieId) as key, createdDate as time{payload}
    from read_json($events, format = 'newline_delimited', columns = {{
      customerId: 'VARCHAR', customerCookieId: 'VARCHAR', session: 'STRUCT(id VARCHAR)',
      createdDate: 'TIMESTAMP'{web_event}}})),
  marked as (
    select *, case when time - lag(time) over (partition by key order by time) < interval 20 minutes
                   then 0 else 1 end as begins
    from events),
  numbered as (
    select *, sum(begins) over (partition by key order by time rows unbounded preceding) as number from marked)
  select key, count(*) as events, min(time) as first, max(time) as last{kept}
  from numbered group by key, number
) to '{out}' (format json)
"""


def job(out, fields):
    members = NEWEST | OLDEST if fields else {}
    struct = ", ".join(f"{name} {type_}" for name, type_ in members.items())
    return JOB.format(
        out=out, payload="".join(f", webEvent.{name} as {name}" for name in members),
        web_event=f", webEvent: 'STRUCT({struct})'" if fields else "",
        kept="".join(f", {'arg_max' if name in NEWEST else 'arg_min'}({name}, time) as {name}" for name in members))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fields", action="store_true")
    arguments = parser.parse_args()
    database = duckdb.connect(config={"threads": arguments.threads, "preserve_insertion_order": False})
    began = time.perf_counter()
    database.execute(job(arguments.out, arguments.fields), {"events": arguments.events})
    seconds = time.perf_counter() - began
    sessions, events = database.execute(
        "select count(*), sum(events)::bigint from read_json($out, format = 'newline_delimited', "
        "columns = {events: 'BIGINT'})", {"out": arguments.out}).fetchone()
    print(json.dumps({"seconds": seconds, "events": events, "sessions": sessions}))


if __name__ == "__main__":
    main()

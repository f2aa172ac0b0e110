"""What `lfrd demo` says, in words or in JSON."""

from __future__ import annotations

import msgspec

from lfrd.commands.shared import event_line, print_invitation
from lfrd.demo import Answered, Arrived, Ended, News, OnPost, Serving


def demo_in_words(news: News) -> None:
    match news:
        case Serving(address=address, link=link):
            print(f"\nThe demonstration runs at {address}")
            print_invitation(link, "Scan this with a phone on the same network, or open it in a browser here")
            print(
                "\nGive a name, go on post, and wait for the person on the list to walk by.\n"
                "Plain HTTP is used here because the pictures are public. Ctrl+C ends it.",
                flush=True,
            )
        case OnPost():
            print("on post; the cameras start", flush=True)
        case Arrived(event=event, probe=probe, candidate=candidate):
            alert = event.alert
            delay = alert.created_at - alert.seen_at
            print(f"ALERT {event.seq}: possible match - you decide; this is not an identification")
            print(f"  listed as   {alert.nominal}")
            print(f"  score       {alert.score:.3f} (threshold {alert.threshold:.3f})")
            print(f"  evidence    {alert.shots} shots agree")
            print(f"  camera      {alert.camera}")
            print(f"  delay       {delay:.2f} s from the decisive frame to the stored alert")
            print(f"  pictures    live {probe:,} bytes, watchlist {candidate:,} bytes", flush=True)
        case Answered(event=event):
            alert = event.alert
            print(f"answered: {alert.decision} by {alert.decided_by} after {alert.seconds:.1f} s", flush=True)
        case Ended():
            print("\nlfrd: stopped; the demonstration's alerts are gone", flush=True)


def demo_in_json(news: News) -> None:
    match news:
        case Serving(address=address, link=link):
            event_line({"event": "listening", "address": address, "link": link})
        case OnPost():
            event_line({"event": "on_post"})
        case Arrived(event=event) | Answered(event=event):
            event_line({"event": event.what, "seq": event.seq, "alert": msgspec.to_builtins(event.alert)})
        case Ended():
            event_line({"event": "ended"})

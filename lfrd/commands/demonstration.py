"""What `lfrd demo` says, in words or in JSON."""

from __future__ import annotations

import msgspec

from lfrd.commands.shared import event_line, print_invitation, print_trust
from lfrd.demo import Answered, Arrived, Ended, Lendable, News, OnPost, Serving


def demo_in_words(news: News) -> None:
    match news:
        case Serving(address=address, link=link, trust=trust, fingerprint=fingerprint, walks=walks):
            print(f"\nThe demonstration runs at {address}")
            if trust:
                print_trust(trust, fingerprint)
                print_invitation(link, "2. Then it scans this, to sign in")
                print("   A browser on this machine warns of the certificate; `lfrd demo --http` has none.")
            else:
                print_invitation(link, "Open this in a browser here")
            then = "wait for the person on the list to walk by" if walks else "start the camera as follows"
            print(f"\nGive a name, go on post, and {then}.\nCtrl+C ends it.", flush=True)
        case Lendable(link=link, listed=listed, portrait=portrait):
            print()
            print_invitation(
                link,
                "The camera: open this on a phone or a laptop, in a browser that is not signed in yet;\n"
                "choose a password, press Start, and point it at people",
            )
            print(f"\nOn the list: {', '.join(listed)}.")
            if portrait:
                print("Nobody walks by here: an alert comes when the camera sees that face. Show it")
                print(f"  {portrait}")
                print("on another screen, or list people of your own: --watchlist FOLDER.")
            else:
                print("Nobody walks by here: an alert comes when the camera sees one of these faces.")
            print(end="", flush=True)
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
        case Serving(address=address, link=link, trust=trust, fingerprint=fingerprint):
            event_line(
                {
                    "event": "listening",
                    "address": address,
                    "link": link,
                    "trust": trust,
                    "fingerprint": " ".join(fingerprint),
                }
            )
        case Lendable(link=link, listed=listed, portrait=portrait):
            event_line({"event": "lendable", "link": link, "listed": listed, "portrait": portrait})
        case OnPost():
            event_line({"event": "on_post"})
        case Arrived(event=event) | Answered(event=event):
            event_line({"event": event.what, "seq": event.seq, "alert": msgspec.to_builtins(event.alert)})
        case Ended():
            event_line({"event": "ended"})

"""The groups of every channel, kept up to date with the episodes; from it come the utterances that are due.

Only groups that something happened to, or whose time has come, are asked: there may be very many.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from watcher.alerts.agenda import Agenda
from watcher.alerts.flapping import Damping
from watcher.alerts.quiet import Quiet
from watcher.alerts.reasons import already, came_and_went, concerned, end_spoken_of, reasons_of, spoken_of
from watcher.alerts.routes import Destination, Route, Timers, destinations, elsewhere
from watcher.alerts.speech import Decision, Group, Hush, Member, decide, grew
from watcher.alerts.utterance import GroupRecord, Heard, MemberReason, Utterance, Voice
from watcher.model.act import Ack, Silence
from watcher.model.alert import Episode, Origin
from watcher.model.decision import Why
from watcher.model.message import Say
from watcher.model.times import DAY, Millis
from watcher.rules.rule import Rule

OWED: Millis = 30 * DAY
"""How long an end is kept for a channel that heard of the beginning: other alerts may stand in its way."""


class Board:
    """Every group of every channel.

    Args:
        routes: compiled; the last takes everything.
        rules: by name; episodes of rules that are gone keep the groups they had while they last.
        voices: the channels, by name.
        max_age: what was over for longer than this when it could first be told is left to the log (ms).
        damping: when an alert counts as flapping; None for never.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        rules: Mapping[str, Rule],
        voices: Mapping[str, Voice],
        *,
        max_age: Millis = DAY,
        damping: Damping | None = None,
    ) -> None:
        self._routes = routes
        self._rules = rules
        self._voices = voices
        self._max_age = max_age
        self._quiet = Quiet(rules, damping)
        self.damping = damping
        self._escalates = any(route.escalation is not None for route in routes)
        self._groups: dict[str, Group] = {}
        self._records: dict[str, GroupRecord] = {}
        self._agenda = Agenda()
        self._places: dict[str, int] = {}
        """In which order groups came to be: the order in which they speak."""
        self._hushable: set[str] = set()
        """Groups with alerts that others may hush."""
        self._beside: set[str] = set()
        """Groups with something that a channel hears beside its groups."""
        self._asked: dict[str, Group] = {}
        """Those asked at the last time of speaking."""
        self._done: set[tuple[int, str]] = set()
        """Episodes and the channels that need not hear of them any more, whatever is corrected later."""
        self._reasons: dict[tuple[int, str], Why] = {}
        self._let_go: list[tuple[Group, Member]] = []
        self._told_now: set[tuple[int, str]] = set()

    def restore(
        self,
        episodes: Iterable[Episode],
        heard: Iterable[Heard],
        records: Iterable[GroupRecord],
        standing: Iterable[Episode] = (),
        reasons: Mapping[tuple[int, str], Why] | None = None,
        recent: Iterable[Episode] = (),
    ) -> None:
        """Take up what the store knows, after a start or a failed commit.

        Args:
            episodes: what may still be spoken of.
            standing: all that fire, also those that are nobody's news.
            reasons: what was decided last, by episode and channel.
            recent: all of the alerts that changed of late, for those that flap.
        """
        self._reasons = dict(reasons or {})
        self._groups.clear()
        self._agenda.clear()
        self._places.clear()
        self._hushable.clear()
        self._beside.clear()
        self._asked.clear()
        self._quiet.clear()
        episodes, recent = list(episodes), list(recent)
        for episode in (*recent, *standing, *episodes):
            self._quiet.note(episode, episode.end_known_at or episode.known_at)
        self._records = {record.key: record for record in records}
        told = {(one.episode, one.channel): one for one in heard}
        self._done = {about for about, one in told.items() if one.end_told}
        known_as = {episode.id: episode.alert.fingerprint for episode in (*recent, *episodes)}
        first: dict[int, Millis] = {}
        for one in told.values():
            if one.first_at is not None:
                first[one.episode] = min(one.first_at, first.get(one.episode, one.first_at))
            if one.last_at is not None and one.episode in known_as:
                self._quiet.heard(known_as[one.episode], one.channel, one.last_at)
        for episode in episodes:
            for group in self._groups_of(episode):
                known = told.get((episode.id, group.destination.channel))
                if known is None or not known.end_told:
                    self._place(group, episode, None if known is None else known.count, first.get(episode.id))
                    # That it grew was known at the latest event's time or soon after.
                    grew(group.members[episode.id], max(episode.last_at or 0, (known and known.last_at) or 0))

    def update(self, episode: Episode, now: Millis) -> bool:
        """Take in an episode that began, changed or ended; whether that may give something to speak of."""
        news = self._quiet.note(episode, now)
        if news:
            self._agenda.touch(self._hushable)
        if episode.origin is Origin.BASELINE:
            return news
        for group in self._groups_of(episode):
            member = group.members.get(episode.id)
            if member is None:
                if not episode.firing and (episode.id, group.destination.channel) in self._done:
                    continue
                self._place(group, episode, None, None)
                news = True
                continue
            before = member.episode.firing, member.grew_at, member.acknowledged
            member.episode = episode
            grew(member, now)
            hushable = episode.alert.rule in self._quiet.inhibitors.hushable
            if before != (episode.firing, member.grew_at, member.acknowledged) or hushable:
                self._agenda.touch((group.destination.key,))
                news = True
        return news

    def act(self, silences: Iterable[Silence], acks: Mapping[int, Ack]) -> bool:
        """Take in the silences and acknowledgements there are; whether they are others than before."""
        if not self._quiet.act(silences, acks):
            return False
        for group in self._groups.values():
            for member in group.members.values():
                self._quiet.place(member)
        self._agenda.touch(self._groups)
        return True

    def utterances(self, now: Millis, complete_to: Millis | None, *, hurry: bool = False) -> list[Utterance]:
        """All that is due, in the order in which it is to be said; the board then takes it as said.

        Args:
            now: the API's present.
            complete_to: the oldest watermark of the farms that can be read.
            hurry: `--once`.
        """
        said: list[Utterance] = []
        self._let_go.clear()
        self._told_now.clear()
        keys = self._agenda.take(now)
        self._asked = self._in_order(self._groups.keys() if hurry else keys)
        self._mind((*self._asked.values(), *self._in_order(self._beside).values()), now)
        for key, group in self._asked.items():
            if any(already(member) or came_and_went(member) for member in group.members.values()):
                self._beside.add(key)
        said += self._said_beside(Say.ALREADY, already, now, complete_to, hurry=hurry)
        for group in list(self._asked.values()):
            said += self._ask(group, now, hurry=hurry)
        said += self._said_beside(Say.CATCH_UP, came_and_went, now, complete_to, hurry=hurry)
        return said

    def _ask(self, group: Group, now: Millis, *, hurry: bool) -> Iterator[Utterance]:
        key = group.destination.key
        decision = decide(group, now, hurry=hurry)
        group.reason = decision.reason.value
        if isinstance(decision.reason, Say):
            yield self._spoken(group, decision.reason, now)
            self._mind([group], now)
            decision = decide(group, now)
            self._agenda.touch((key,))  # what is decided after a message is kept too, at the next time of speaking
        elif decision.reason is Hush.UNCHANGED and not group.firing:
            group.anchored_at = group.spoken_at = None
        self._clear(group, now)
        moments = (decision.due, self._too_old_at(group))
        self._agenda.put(key, min((at for at in moments if at is not None), default=None) if group.members else None)

    def _in_order(self, keys: Iterable[str]) -> dict[str, Group]:
        known = [key for key in keys if key in self._groups]
        return {key: self._groups[key] for key in sorted(known, key=self._places.__getitem__)}

    def reasons(self, now: Millis) -> Iterator[MemberReason]:
        """What became of each member since it was last asked, besides what was just said."""
        for group in self._asked.values():
            channel = group.destination.channel
            for member, why in reasons_of(group, decide(group, now)):
                if not why.same(member.why) and (member.episode.id, channel) not in self._told_now:
                    member.why = why
                    yield MemberReason(member.episode, channel, why)
        for group, member in self._let_go:
            yield MemberReason(member.episode, group.destination.channel, Why(Hush.TOO_OLD, group.destination.key))

    def standing(self, episode: int, now: Millis) -> dict[str, Why]:
        """What is decided now on one episode, by channel; nothing for what no message speaks of any more."""
        self._mind(self._groups.values(), now)
        return {
            group.destination.channel: why
            for group in self._groups.values()
            if episode in group.members
            for member, why in reasons_of(group, decide(group, now))
            if member.episode.id == episode
        }

    def decisions(self, now: Millis) -> Iterator[tuple[Group, Decision]]:
        """What each group would do now, and why."""
        self._mind(self._groups.values(), now)
        for group in self._groups.values():
            yield group, decide(group, now)

    def records(self) -> Iterator[tuple[GroupRecord, Destination, str | None]]:
        """The own states of the groups that were asked last, as the store keeps them."""
        for group in self._asked.values():
            destination = group.destination
            yield (
                GroupRecord(destination.key, group.anchored_at, group.spoken_at, group.flushes),
                destination,
                group.reason,
            )

    def next_due(self, now: Millis) -> Millis | None:
        """When to ask for utterances again, if nothing happens."""
        touched = [self._groups[key] for key in self._agenda.touched if key in self._groups]
        self._mind(touched, now)
        moments = [self._agenda.next(), *(decide(group, now).due for group in touched)]
        return min((at for at in moments if at is not None), default=None)

    # --- groups

    def _mind(self, groups: Iterable[Group], now: Millis) -> None:
        for group in groups:
            self._quiet.mind(group, now)

    def destinations(self, episode: Episode) -> list[Destination]:
        """Where the routes lead an episode, as they are now."""
        rule = self._rules.get(episode.alert.rule)
        notify = None if rule is None else rule.notify
        found = destinations(self._routes, episode.alert, notify)
        if rule is not None and rule.of_watcher and (broken := episode.alert.labels.get("channel")) is not None:
            found = elsewhere(found, broken, self._voices)
        return found

    def _groups_of(self, episode: Episode) -> Iterator[Group]:
        for destination in self.destinations(episode):
            yield self._group(destination)

    def _group(self, destination: Destination) -> Group:
        group = self._groups.get(destination.key)
        if group is None:
            record = self._records.get(destination.key)
            voice = self._voices.get(destination.channel)
            group = Group(destination, voice is None or voice.sends_resolved)
            if record is not None:
                group.anchored_at, group.spoken_at = record.anchored_at, record.spoken_at
                group.flushes = record.flushes
            self._groups[destination.key] = group
            self._places.setdefault(destination.key, len(self._places))
        return group

    def _place(self, group: Group, episode: Episode, told_count: int | None, first_told: Millis | None) -> None:
        rule = self._rules.get(episode.alert.rule)
        self._agenda.touch((group.destination.key,))
        if episode.alert.rule in self._quiet.inhibitors.hushable:
            self._hushable.add(group.destination.key)
        after = group.destination.after
        member = group.members[episode.id] = Member(
            episode,
            single_event=rule is not None and rule.of_single_events,
            tells_expiry=rule is not None and rule.tells_expiry,
            told_count=told_count,
            why=self._reasons.pop((episode.id, group.destination.channel), None),
            second_hand=after is not None,
            escalates_at=None if after is None or first_told is None else first_told + after,
        )
        self._quiet.place(member)

    def _spoken(self, group: Group, say: Say, now: Millis) -> Utterance:
        firing = [] if say is Say.ALL_ENDED else [member for member in group.firing if spoken_of(member)]
        ended = [member for member in group.ended if end_spoken_of(member)]
        utterance = self._said(group, say, now, firing, ended)
        if say is Say.ALL_ENDED and not any(member.told for member in group.members.values()):
            group.anchored_at = group.spoken_at = None
        return utterance

    def _said(
        self, group: Group, say: Say, now: Millis, firing: Sequence[Member], ended: Sequence[Member]
    ) -> Utterance:
        told = sum(member.told_count or 0 for member in (*firing, *ended))
        before = None if group.spoken_at is None else (group.spoken_at, told)
        group.flushes += 1
        group.spoken_at = now
        if group.anchored_at is None:
            group.anchored_at = now
        unheard = frozenset(m.episode.id for m in (*firing, *ended) if not m.told)
        news = frozenset(m.episode.id for m in (*firing, *ended) if concerned(m, say))
        outgrown = frozenset(m.episode.id for m in firing if m.ack is not None and not m.acknowledged)
        for member in firing:
            if not member.told and group.destination.after is None and self._escalates:
                self._escalate(member.episode, now)
            member.told_count, member.grew_at = member.episode.count, None
        for member in ended:
            group.members.pop(member.episode.id, None)
            self._done.add((member.episode.id, group.destination.channel))
        name = f"{group.destination.key}/{say.value}/{group.flushes}"
        identity = sha256(name.encode()).hexdigest()[:10]
        channel = group.destination.channel
        for number in outgrown:
            self._quiet.acks.pop(number, None)
        for member in (*firing, *ended):
            if member.flaps is not None:
                self._quiet.heard(member.episode.alert.fingerprint, channel, now)
            if member.episode.id in news:
                member.why = Why(say, group.destination.key, message=identity)
                self._told_now.add((member.episode.id, channel))
        said = tuple(firing), tuple(ended)
        return Utterance(identity, say, channel, now, group, *said, unheard, news, before, outgrown)

    def _escalate(self, episode: Episode, now: Millis) -> None:
        """It was told where it is told first: from now on it counts how long nobody acts."""
        for destination in self.destinations(episode):
            group = None if destination.after is None else self._groups.get(destination.key)
            member = None if group is None else group.members.get(episode.id)
            if member is not None and member.escalates_at is None and destination.after is not None:
                member.escalates_at = now + destination.after
                self._agenda.touch((destination.key,))

    def _said_beside(
        self,
        say: Say,
        wanted: Callable[[Member], bool],
        now: Millis,
        complete_to: Millis | None,
        *,
        hurry: bool,
    ) -> Iterator[Utterance]:
        """One message on each channel for all of its groups: what was already so, or what came and went unseen.

        It waits for the first complete look after the first of it was known, so that it is one.
        """
        waiting: dict[str, list[tuple[Group, Member]]] = {channel: [] for channel in self._voices}
        for group in self._in_order(self._beside).values():
            found = [(group, member) for member in group.members.values() if wanted(member)]
            waiting.setdefault(group.destination.channel, []).extend(found)
        for channel, found in waiting.items():
            known = [m.episode.end_known_at or m.episode.known_at for _, m in found]
            if found and (hurry or (complete_to is not None and complete_to >= min(known))):
                yield self._heard_beside(channel, say, found, now)
        self._beside = {
            key
            for key, group in self._in_order(self._beside).items()
            if any(already(member) or came_and_went(member) for member in group.members.values())
        }

    def _heard_beside(self, channel: str, say: Say, found: Sequence[tuple[Group, Member]], now: Millis) -> Utterance:
        members = [member for _, member in found]
        own = self._group(Destination(f"{say.value}:{channel}", channel, {}, Timers()))
        utterance = self._said(
            own,
            say,
            now,
            [m for m in members if m.episode.firing],
            [m for m in members if not m.episode.firing],
        )
        self._asked[own.destination.key] = own
        for group, member in found:
            self._asked[group.destination.key] = group
            self._agenda.touch((group.destination.key,))
            if not member.episode.firing:
                group.members.pop(member.episode.id, None)
            elif group.spoken_at is None:
                group.anchored_at = group.spoken_at = now
        return utterance

    def _too_old_at(self, group: Group) -> Millis | None:
        """When the first of its ends may be let go of."""
        return min((self._kept_to(member) + 1 for member in group.ended), default=None)

    def _kept_to(self, member: Member) -> Millis:
        """Whoever heard of an alert hears of its end, if nobody saw that for days or however long it had to wait."""
        end = (member.episode.end_known_at if member.told else member.episode.ended_at) or 0
        return end + (max(self._max_age, OWED) if member.told and member.recovered else self._max_age)

    def _clear(self, group: Group, now: Millis) -> None:
        """Let go of ends that nobody needs to hear of any more."""
        for member in group.ended:
            too_old = self._kept_to(member) < now
            never_told = not member.told and (member.episode.origin is not Origin.NEWS or member.second_hand)
            unwanted = member.told and not group.sends_resolved
            if too_old or never_told or unwanted:
                del group.members[member.episode.id]
                if unwanted:
                    self._done.add((member.episode.id, group.destination.channel))
                if too_old and not (member.told or member.hushed or never_told):
                    self._let_go.append((group, member))
        if not group.members:
            self._records[group.destination.key] = GroupRecord(
                group.destination.key, group.anchored_at, group.spoken_at, group.flushes
            )
            del self._groups[group.destination.key]


__all__ = ["OWED", "Board", "GroupRecord", "Heard", "MemberReason", "Utterance", "Voice"]

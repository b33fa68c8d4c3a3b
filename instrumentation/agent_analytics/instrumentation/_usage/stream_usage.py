"""The usage of a stream: running totals, differences, or several calls one after the other."""

from typing import Final, NamedTuple

from agent_analytics.instrumentation._strangers.plain_data import is_plain, plain, reading
from agent_analytics.instrumentation._usage.answers import PIECE, read_answers
from agent_analytics.instrumentation._usage.fields import unwrapped, word
from agent_analytics.instrumentation._usage.sums import merge, of_run, plus, with_run
from agent_analytics.instrumentation._usage.usage import TOKENS, Found, Usage

#: Types of chunks with which a model's answer begins, and with which it is stated whole.
_BEGINS: Final = frozenset({"message_start", "message-start", "response.created", "stream-start"})
_GOES_ON: Final = frozenset({"message_delta"})
_ENDS: Final = frozenset(
    {
        "message-end",
        "response.completed",
        "response.done",
        "response.failed",
        "response.incomplete",
        "stream-end",
        "usage",
    }
)
_TYPES: Final = ("type", "event_type", "kind", "event")
_BEDROCK_BEGINS: Final = "messageStart"
_BEDROCK_ENDS: Final = "metadata"
#: What wraps a chunk.
_ROUND: Final = ("event", "data", "chunk", "raw")
_DEEPEST: Final = 3
#: LangChain announces each chunk for the model, and again for every chain round it.
_ANNOUNCED: Final = "on_"
_OF_MODELS: Final = ("on_chat_model_", "on_llm_")


class _Sum:
    """What is known of one model call."""

    __slots__ = ("added", "begun", "ended", "open", "parts", "pieces", "total")

    def __init__(self, *, begun: bool, pieces: bool) -> None:
        self.total: Usage | None = None
        self.added: Usage | None = None
        self.parts: tuple[Usage, ...] = ()
        self.ended = False
        #: Whether its beginning was seen.
        self.begun = begun
        #: Whether it comes in pieces, and whether the whole is still to come.
        self.pieces = self.open = pieces

    def is_stated_again(self, found: Found) -> bool:
        """Tell whether what is found says the very same of an answer that is known whole."""
        return self.total is not None and found.usages[0][:TOKENS] == self.total[:TOKENS]

    def usages(self) -> tuple[Usage, ...]:
        """Return what the call used, by model."""
        whole = self.total or self.added
        if not self.parts:
            return () if whole is None else (whole,)
        if whole is None:
            return self.parts
        return tuple(
            part._replace(model=part.model or whole.model, provider=part.provider or whole.provider)
            for part in self.parts
        )

    def model(self) -> str | None:
        """Return the model that answers, as far as it is stated."""
        whole = self.total or self.added
        return None if whole is None else whole.model


class Streamed:
    """Takes in chunks, and says what they used together."""

    __slots__ = ("_begun", "_by_id", "_calls", "_current", "_run")

    def __init__(self) -> None:
        self._calls: list[_Sum] = []
        self._by_id: dict[str, _Sum] = {}
        self._current: _Sum | None = None
        self._begun = False
        self._run: tuple[Usage, ...] = ()

    def chunk(self, value: object) -> None:
        """Take in a chunk; nothing is raised."""
        try:
            with reading():
                chunk = unwrapped(value)
                if chunk is not None and not _is_seen_elsewhere(chunk):
                    self._chunk(chunk)
        except Exception:  # noqa: BLE001 - what cannot be read is no usage
            return

    def _chunk(self, chunk: object) -> None:
        marks = _marks(chunk)
        if marks.begins:
            self._current, self._begun = None, True
        answers = read_answers(chunk)
        if answers.all_so_far:
            self._all_so_far(answers.found)
        elif answers.found and plain(chunk, PIECE) is True:
            self._piece(answers.found[0])
        else:
            for found in answers.found:
                self._add(found, goes_on=marks.goes_on or marks.begins)
        if marks.ends and self._current is not None:
            self._current.ended = True

    def result(self, value: object) -> None:
        """Take in what the stream returned at its end: all of it again, as far as it says."""
        answers = read_answers(value)
        if not self._calls:
            for found in answers.found:
                self._current = None  # each is an answer of its own
                self._add(found, goes_on=False)
        elif answers.all_so_far:
            self._all_so_far(answers.found)
        else:
            for found in answers.found:
                known = found.call_id is not None and found.call_id in self._by_id
                self._add(found if known else found._replace(of_run=True), goes_on=False)

    def _all_so_far(self, answers: tuple[Found, ...]) -> None:
        """Take in all answers of a run until now: by their ids, or else as a sum."""
        if all(found.call_id is not None for found in answers):
            for found in answers:
                self._add(found, goes_on=False)
            return
        whole: dict[str | None, Usage] = {}
        for found in answers:
            for usage in found.usages:
                whole[usage.model] = plus(whole.get(usage.model), usage)
        self._run = of_run(self._run, tuple(whole.values()))

    def usages(self) -> list[Usage]:
        """Return what was used, call by call."""
        return with_run([usage for call in self._calls for usage in call.usages()], self._run)

    def _add(self, found: Found, *, goes_on: bool) -> None:
        if found.of_run:
            self._run = of_run(self._run, found.usages)
            return
        call = self._call_of(found, goes_on=goes_on)
        first, *others = found.usages
        if others:
            call.parts = found.usages
        elif found.adds:
            call.added = plus(call.added, first)
        else:
            call.total = merge(call.total, first)

    def _piece(self, found: Found) -> None:
        """Take in what was used until now of an answer that comes whole later, by another id."""
        call = self._current
        if call is None or not call.open:
            call = self._new(pieces=True)
        call.total = merge(call.total, found.usages[0])

    def _call_of(self, found: Found, *, goes_on: bool) -> _Sum:
        known = found.call_id
        if known is not None:
            call = self._by_id.get(known)
            if call is not None:
                self._current = call
                return call
        call = self._current
        if call is not None and call.pieces and (call.open or call.is_stated_again(found)):
            call.open = False
        elif call is None or known is not None or not self._may_go_on(call, found, goes_on=goes_on):
            call = self._new(pieces=False)
        if known is not None:
            self._by_id[known] = call
        return call

    def _new(self, *, pieces: bool) -> _Sum:
        call = self._current = _Sum(begun=self._begun, pieces=pieces)
        self._begun = False
        self._calls.append(call)
        return call

    @staticmethod
    def _may_go_on(call: _Sum, found: Found, *, goes_on: bool) -> bool:
        """Tell whether usage without an id may be of the call that was stated before it."""
        if call.ended:  # strands keeps in a message what the end of the stream has stated
            return call.begun and call.is_stated_again(found)
        if goes_on or found.adds:
            return True
        new, old = found.usages[0], call.total
        if old is None:
            return True
        if None not in (new.model, old.model) and new.model != old.model:
            return False
        # A running total never falls, and the input of one call does not change.
        return not (
            (new.input_tokens and old.input_tokens and new.input_tokens != old.input_tokens)
            or (new.output_tokens and new.output_tokens < old.output_tokens)
        )


class _Marks(NamedTuple):
    """Whether a chunk begins an answer, goes on with it, and ends it."""

    begins: bool = False
    goes_on: bool = False
    ends: bool = False


_NO_MARKS: Final = _Marks()
_BY_TYPE: Final = {
    **dict.fromkeys(_BEGINS, _Marks(begins=True)),
    **dict.fromkeys(_GOES_ON, _Marks(goes_on=True)),
    **dict.fromkeys(_ENDS, _Marks(ends=True)),
    # Bedrock puts its own numbers there, which leave out the cache.
    "message_stop": _Marks(goes_on=True, ends=True),
}


def _is_seen_elsewhere(chunk: object) -> bool:
    event = word(chunk, "event")
    return event is not None and event.startswith(_ANNOUNCED) and not event.startswith(_OF_MODELS)


def _marks(value: object) -> _Marks:
    """Return what a chunk says of the answer that it is part of."""
    inner: object = value
    for _ in range(_DEEPEST):
        found = _marks_of(inner)
        if found is not None:
            return found
        inner = next(
            (one for key in _ROUND if (one := unwrapped(plain(inner, key))) is not None), None
        )
        if inner is None:
            break
    return _NO_MARKS


def _marks_of(chunk: object) -> _Marks | None:
    for key in _TYPES:
        kind = word(chunk, key)
        found = None if kind is None else _BY_TYPE.get(kind)
        if found is not None:
            return found
    if plain(chunk, _BEDROCK_BEGINS) is not None:
        return _Marks(begins=True)
    metadata = plain(chunk, _BEDROCK_ENDS)
    if plain(chunk, "done") is True or (
        not is_plain(metadata) and plain(metadata, "usage") is not None
    ):
        return _Marks(ends=True)
    return None

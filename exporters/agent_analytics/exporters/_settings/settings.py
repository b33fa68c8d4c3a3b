"""Settings of ``configure()``: an argument, else an environment variable, else a default."""

import enum
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar, cast

from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio, Sampler

from agent_analytics.exporters._exporters import Exporter
from agent_analytics.exporters._instrument.instrument import Instruments
from agent_analytics.exporters._leaving.otlp import Endpoint, Protocol, endpoint_from, protocol_from
from agent_analytics.instrumentation import exceptions
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors
from agent_analytics.processor import FilePrices, FirstOf, Prices, PublicPrices

T = TypeVar("T")

TakeRate = float | str | dict[str, float]

_MAX_PORT: Final = 65535
#: What a header of authorization can carry (RFC 6750), long enough not to be guessed.
_TOKEN: Final = re.compile(r"[-._~+/=A-Za-z0-9]{16,}")
_TRUE: Final = frozenset({"1", "on", "true", "yes"})
_FALSE: Final = frozenset({"0", "off", "false", "no"})


class Unset(enum.Enum):
    """Marks an argument that was not given, so that ``None`` can be one that was."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
OrUnset: TypeAlias = T | Literal[Unset.UNSET]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``configure()`` goes by, every value checked."""

    service_name: str | None
    metrics_port: int | None
    metrics_host: str
    otlp: Endpoint | None
    state_dir: str | None
    hold_seconds: float
    sampler: Sampler | None
    tenant_key: str | bytes | None
    sketches_token: str | None
    take_rate: TakeRate
    propagate_identity: bool
    trust_incoming_baggage: bool
    web_config: str | os.PathLike[str] | None
    prices: Prices | None
    priced: str
    sdk_disabled: bool
    instruments: Instruments | None = None
    not_errors: NotErrors = NOTHING
    export_attributes: tuple[str, ...] = ()
    exporters: tuple[Exporter, ...] = ()


def choose(
    argument: OrUnset[T], variable: str, default: T, parse: Callable[[str, str], T]
) -> tuple[T, str]:
    """Return a setting and what to call it in an error.

    An empty variable counts as one that is not set, as everywhere in OpenTelemetry.

    Raises:
        ValueError: The variable cannot be parsed.
    """
    if argument is not UNSET:
        return argument, ""
    value = os.environ.get(variable, "").strip()
    if not value:
        return default, ""
    return parse(value, variable), variable


def metrics_port(argument: OrUnset[int | None]) -> int | None:
    """Return the port of the metrics server, or None for no server."""
    port, source = choose(argument, "AGENT_ANALYTICS_METRICS_PORT", 9464, _port)
    if port is None:
        return None
    if not _in_range(port, _MAX_PORT, int):
        raise _bad(source or "metrics_port", f"a port from 0 to {_MAX_PORT}, or none", port)
    return port


def hold_seconds(argument: OrUnset[float]) -> float:
    """Return for how long newborn series show 0, in seconds."""
    hold, source = choose(argument, "AGENT_ANALYTICS_HOLD_SECONDS", 30.0, _number)
    if not _in_range(hold, sys.float_info.max):
        raise _bad(source or "hold_seconds", "a number of seconds from 0", hold)
    return float(hold)


def expire_seconds(argument: OrUnset[float | None]) -> float | None:
    """Return after how many idle seconds a listing leaves the exposition; None for never."""
    default: float | None = None
    return choose(argument, "AGENT_ANALYTICS_EXPIRE_SECONDS", default, _number)[0]


def service_name(argument: str | None) -> str:
    """Return the name of the service, empty where it is not set."""
    if argument:
        return argument
    name = OTELResourceDetector().detect().attributes.get("service.name", "")
    return name if isinstance(name, str) else ""


def sampler(argument: Sampler | float | None) -> Sampler | None:
    """Return the sampler that was asked for; a number is the share of traces to sample."""
    if argument is None or isinstance(argument, Sampler):
        return argument
    if not _in_range(argument, 1):
        name = "sampler"
        raise _bad(name, "a Sampler, or the share of traces to sample from 0 to 1", argument)
    return ParentBasedTraceIdRatio(float(argument))


def sampler_from_environment() -> Sampler:
    """Return the sampler that OTEL_TRACES_SAMPLER asks for, as the SDK reads it."""
    return TracerProvider(resource=Resource.get_empty(), shutdown_on_exit=False).sampler


def take_rate(argument: TakeRate | None) -> TakeRate:
    """Return the marketplace's share of revenue; the processor checks its range."""
    if argument is not None:
        return argument
    default: TakeRate = 0
    return choose(UNSET, "AGENT_ANALYTICS_TAKE_RATE", default, _take_rate)[0]


def flag(argument: bool | None, variable: str) -> bool:  # noqa: FBT001 - an argument passed on
    """Return a switch that is off by default."""
    if argument is not None:
        return bool(argument)
    return choose(UNSET, variable, default=False, parse=_flag)[0]


def text(argument: OrUnset[T | str | None], variable: str) -> T | str | None:
    """Return a text that may be absent."""
    return choose(argument, variable, None, _text)[0]


def sketches_token(argument: OrUnset[str | None]) -> str | None:
    """Return what readers of the registers have to send, or None for no token.

    Raises:
        ValueError: It can be guessed, or is not what a header can carry. It is not repeated.
    """
    token, source = choose(argument, "AGENT_ANALYTICS_SKETCHES_TOKEN", None, _text)
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        msg = (
            f"{source or 'sketches_token'}: expected 16 or more letters, digits or any of "
            "-._~+/= without spaces; `agent-analytics key` prints one"
        )
        raise ValueError(msg)
    return token


def prices(
    argument: OrUnset[Prices | str | os.PathLike[str] | None],
) -> tuple[Prices | None, str]:
    """Return what model calls cost where no span states it (None for not known), and words on it.

    Raises:
        ValueError: There is no table of prices in the file that was named, or what was given is
            no source of prices.
    """
    chosen, source = choose(argument, "AGENT_ANALYTICS_PRICES", UNSET, _prices)
    if chosen is None:
        return None, "no prices: where no cost is stated, tokens are unpriced"
    if chosen is not UNSET and not isinstance(chosen, str | os.PathLike):
        if not callable(getattr(chosen, "usd", None)):
            name = "prices"
            raise _bad(name, "the path of a table, Prices or None", chosen)
        return chosen, ""
    own = None if chosen is UNSET else FilePrices(chosen, name=source or "prices")
    try:
        public = PublicPrices()
    except ImportError as error:
        known = "no prices" if own is None else f"prices from {chosen}"
        return own, (
            f"{known} and not the public list ({error}): pip install genai-prices; "
            "tokens without a price are unpriced"
        )
    known = "the public list" if own is None else f"{chosen}, then from the public list"
    words = f"prices from {known}; tokens without a price are unpriced"
    return (public if own is None else FirstOf(own, public)), words


def otlp(argument: OrUnset[str | None], protocol: str | None) -> Endpoint | None:
    """Return where spans are exported to, or None for nowhere."""
    found: Protocol = protocol_from(protocol)
    return endpoint_from(
        None if argument is UNSET else argument, found, given=argument is not UNSET
    )


def instruments(given: object) -> Instruments | None:
    """Return the instrumentations to switch on, or None for none.

    Raises:
        ValueError: A name is that of no instrumentation that is installed.
    """
    argument, name = given, "instrument"
    if argument is None:
        off: object = False
        argument, name = choose(UNSET, "AGENT_ANALYTICS_INSTRUMENT", off, _instrument)
    elif isinstance(argument, str):
        argument = _instrument(argument, name)
    if isinstance(argument, bool):
        return Instruments(None, name) if argument else None
    names = _names(argument)
    if not names:
        raise _bad(name, "True, False or names of instrumentations", argument)
    return Instruments(names, name)


def not_errors(argument: Iterable[type[BaseException] | str] | None) -> NotErrors:
    """Return the exceptions that are no errors, beside those that frameworks are known to raise."""
    if argument is not None:
        return exceptions.given(argument)
    variable = "AGENT_ANALYTICS_NOT_ERRORS"
    none: list[str] = []
    return exceptions.given(choose(UNSET, variable, none, _listed)[0], variable)


def export_attributes(argument: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return names of attributes that are exported beside those that always are.

    Raises:
        ValueError: What was given lists anything but names.
    """
    name = "AGENT_ANALYTICS_EXPORT_ATTRIBUTES"
    none: list[str] = []
    if argument is None:
        return tuple(choose(UNSET, name, none, _listed)[0])
    names = _listed(argument, "") if isinstance(argument, str) else _names(argument)
    if not names and argument != []:
        name = "export_attributes"
        raise _bad(name, "names of attributes", argument)
    return tuple(each.strip() for each in names)


def _names(argument: object) -> list[str]:
    """Return the names that an argument lists; none where it lists anything else."""
    given = list(cast("Iterable[object]", argument)) if isinstance(argument, Iterable) else []
    names = [each for each in given if isinstance(each, str) and each.strip()]
    return names if len(names) == len(given) else []


def sdk_disabled() -> bool:
    """Tell whether OTEL_SDK_DISABLED switches OpenTelemetry off."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


def _bad(name: str, expected: str, value: object) -> ValueError:
    return ValueError(f"{name}: expected {expected}, got {value!r}")


def _in_range(value: object, highest: float, kind: type[float] = float) -> bool:
    """Tell whether ``value`` is a number of a kind from 0 to ``highest``; NaN is not."""
    if isinstance(value, bool) or not isinstance(value, int | kind):
        return False
    return 0 <= value <= highest


def _text(value: str, _variable: str) -> str:
    return value


def _prices(value: str, _variable: str) -> str | None:
    return None if value.lower() == "none" else value


def _port(value: str, variable: str) -> int | None:
    if value.lower() == "none":
        return None
    try:
        return int(value)
    except ValueError:
        raise _bad(variable, f"a port from 0 to {_MAX_PORT}, or none", value) from None


def _number(value: str, variable: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _bad(variable, "a number", value) from None


def _flag(value: str, variable: str) -> bool:
    if value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise _bad(variable, "true or false", value)


def _instrument(value: str, _variable: str) -> object:
    """Read true, false, or names with commas between them."""
    if value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    return _listed(value, _variable)


def _listed(value: str, _variable: str) -> list[str]:
    """Read names with commas between them."""
    return [name.strip() for name in value.split(",") if name.strip()]


def _take_rate(value: str, variable: str) -> TakeRate:
    expected = 'a share from 0 to 1, or JSON such as {"acme": 0.1, "*": 0.2}'
    try:
        document: object = json.loads(value)
    except ValueError:
        raise _bad(variable, expected, value) from None
    shares = cast("dict[str, object]", document) if isinstance(document, dict) else {"*": document}
    for share in shares.values():
        if not _in_range(share, 1):
            raise _bad(variable, expected, value)
    return cast("TakeRate", document)

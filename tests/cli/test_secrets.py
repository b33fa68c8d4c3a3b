"""No message has a password in it, however wrong the setting is that the password stands in."""

import base64
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_analytics.cli._doctor.secrets import concealer
from agent_analytics.cli._main import main
from agent_analytics.exporters._access.web_config import WebConfig
from agent_analytics.exporters._leaving import otlp
from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.processor.addresses import shown

SECRET = "s3cr3t"
#: Addresses as people get them wrong: nothing is encoded, parts are missing, the scheme is odd.
ADDRESSES = (
    f"admin:{SECRET}@prom:9090",
    f"http://admin:pa/{SECRET}@prom:9090",
    f"http://admin:12/{SECRET}@prom:9090",
    f"http://admin:12?{SECRET}@prom:9090",
    f"http://admin:12#{SECRET}@prom:9090",
    f"http://admin:p@{SECRET}@:9090",
    f"http://admin:{SECRET}",
    f"http://admin:{SECRET}%40prom:9090x",
    f"ftp://{SECRET}@prom",
    f"http:/admin:{SECRET}@prom:9090",
    f"http:\\\\admin:{SECRET}@prom",
    f"http://[admin:{SECRET}@prom",
    f"http://admin:{SECRET}\u2100@prom",
    f"http://admin:{SECRET}\uff20prom:x",
    f"//admin:{SECRET}@prom",
    f"htp://prom/?token={SECRET}",
    f" admin:{SECRET}@prom/path",
)


def message(call: Callable[[], object]) -> str:
    """Return what is raised, with its causes."""
    with pytest.raises((ValueError, OSError)) as caught:
        call()
    said: list[str] = []
    error: BaseException | None = caught.value
    while error is not None:
        said.append(f"{error!r} {error}")
        error = None if error.__suppress_context__ and not error.__cause__ else error.__context__
    return "\n".join(said)


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the report's client nor the exporter quotes a password."""
    said = [message(lambda: PrometheusClient(address))]
    for protocol in ("grpc", "http/protobuf"):
        kind: Any = otlp.protocol_from(protocol)
        said.append(message(lambda: otlp.endpoint_from(address, kind, given=True)))  # noqa: B023 - at once
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        said.append(otlp.wrong_endpoint(kind))
    assert SECRET not in "\n".join(said)
    assert all("expected" in each for each in said)


def test_an_address_that_is_right_is_shown() -> None:
    """Without anything to hide an address stands in messages as it is."""
    for address in ("http://prom:9090/path", "collector:4317", "https://[::1]:9090", "prom"):
        assert shown(address) == address


@given(
    st.text(min_size=6).filter(lambda text: not text.isspace()),
    st.sampled_from(["http://", "https://", "", "grpc://", "http:/"]),
)
@example("pa//ss@word", "http://")
def test_whatever_the_password(password: str, scheme: str) -> None:
    """Nothing in front of the last at sign is shown."""
    found = shown(f"{scheme}admin:{password}@host:9090")
    assert password not in found
    assert found.endswith("@host:9090")


@pytest.mark.parametrize(
    "text",
    [
        f"basic_auth_users:\n  admin: {SECRET}: x\n",
        f"basic_auth_users:\n  admin: *{SECRET}\n",
        f"basic_auth_users:\n  admin: !{SECRET} x\n",
        f"basic_auth_users:\n  admin: @{SECRET}\n",
        f'basic_auth_users:\n  admin: "{SECRET}\n',
        f'basic_auth_users:\n  "admin:{SECRET}":\n',
        f"basic_auth_users:\n  admin: {SECRET}\n",
        f"basic_auth_users:\n  admin={SECRET}: x\n",
        f"admin:{SECRET}: $2y$10$x\n",
        f"basic_auth_users: admin:{SECRET}\n",
        f"tls_server_config:\n  min_version: {SECRET}\n",
        f"basic_auth_users:\n\tadmin: {SECRET}\n",
    ],
)
def test_web_configuration(tmp_path: Path, text: str) -> None:
    """A wrong file is said to be wrong without a line of it, and no cause quotes one either."""
    path = tmp_path / "web.yml"
    path.write_text(text, encoding="utf-8")
    assert SECRET not in message(lambda: WebConfig(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "acme", "--header", f"Bearer {SECRET}"],
        ["report", "acme", "--headr", f"Authorization: Bearer {SECRET}"],
        ["report", "acme", f"--passwrd={SECRET}"],
        ["report", "acme", "--prometheus", f"admin:{SECRET}@prom:9090"],
        ["doctor", "--metrics", "none", "--prometheus", f"http://admin:pa/{SECRET}@prom:9090"],
        ["doctor", "--promtheus", f"http://admin:{SECRET}@prom:9090"],
    ],
)
def test_command_lines(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A command line that is wrong is not repeated with its passwords."""
    try:
        status = main(arguments)
    except SystemExit as ended:
        status = int(str(ended.code))
    assert status != 0
    assert SECRET not in "".join(capsys.readouterr())


PASSWORD = 'pä"ss\\w%rd/9'


@pytest.mark.parametrize(
    "environment",
    [
        {"DB_PASS": PASSWORD},
        {"AGENT_ANALYTICS_TENANT_KEY": PASSWORD},
        {"SENTRY_DSN": PASSWORD},
        {"ANY_URL": f"http://admin:{PASSWORD}@host"},
        {"ANY_URL": f"admin:{PASSWORD}@host"},
        {"ANY_URL": f"http://admin:{urllib.parse.quote(PASSWORD, safe='')}@host"},
        {"AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION": f"bearer {PASSWORD}"},
        {"OTEL_EXPORTER_OTLP_HEADERS": f"a=b,x-key={urllib.parse.quote(PASSWORD)}"},
    ],
)
def test_every_form_of_a_secret_is_concealed(environment: dict[str, str]) -> None:
    """Quoted by Python or in JSON, encoded for an address or a header: none is shown."""
    conceal = concealer(environment)
    forms = (
        PASSWORD,
        repr(PASSWORD),
        json.dumps(PASSWORD),
        urllib.parse.quote(PASSWORD),
        urllib.parse.quote_plus(PASSWORD),
        base64.b64encode(PASSWORD.encode()).decode(),
    )
    for form in forms:
        assert form.strip("'\"") not in conceal(f"it said {form} today")
    assert conceal("true and 12 of it") == "true and 12 of it"

"""Who Alertmanager tells, and in which words: Slack, e-mail, PagerDuty and webhooks.

Addresses and keys that are secret are read from files, so that a configuration can be committed.
The texts are those of the insights. Whatever comes from agents in them (names, ids) is text to
Slack, too, and calls nobody.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from agent_analytics.insights._yaml import Yaml

_SLACK_ESCAPES: Final = (
    ' | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;"'
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A program that takes alerts as Alertmanager's JSON.

    Attributes:
        url: Where it listens.
    """

    url: str


@dataclass(frozen=True, slots=True)
class Slack:
    """A channel of Slack, or of what speaks as Slack does (Mattermost, Rocket.Chat).

    Attributes:
        url_file: File that holds the address of the channel's incoming webhook.
    """

    url_file: str


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """A service of PagerDuty.

    Attributes:
        key_file: File that holds the integration key (Events API v2).
    """

    key_file: str


@dataclass(frozen=True, slots=True)
class Email:
    """Somebody's mailbox.

    Attributes:
        to: The address; several with commas between them.
    """

    to: str


Receiver: TypeAlias = Webhook | Slack | PagerDuty | Email


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes mail from Alertmanager.

    Attributes:
        address: ``host:port``.
        sender: Address that mails come from.
        username: Name there, or None where none is asked for.
        password_file: File that holds the password.
        tls: Whether the connection must be encrypted before anything is sent.
    """

    address: str
    sender: str
    username: str | None = None
    password_file: str | None = None
    tls: bool = True

    def settings(self) -> dict[str, Yaml]:
        """Return the lines of Alertmanager's ``global`` section."""
        settings: dict[str, Yaml] = {
            "smtp_smarthost": self.address,
            "smtp_from": self.sender,
            "smtp_require_tls": self.tls,
        }
        if self.username is not None:
            settings["smtp_auth_username"] = self.username
        if self.password_file is not None:
            settings["smtp_auth_password_file"] = self.password_file
        return settings


def receiver(name: str, told: Sequence[Receiver]) -> dict[str, Yaml]:
    """Return a receiver of Alertmanager; without anybody, alerts show on its own page only."""
    found: dict[str, list[Yaml]] = {}
    for each in told:
        section, settings = _section(each)
        found.setdefault(section, []).append(settings)
    return {"name": name, **found}


def _section(told: Receiver) -> tuple[str, Mapping[str, Yaml]]:
    match told:
        case Webhook(url):
            return "webhook_configs", {"url": url, "send_resolved": True}
        case Slack(url_file):
            return "slack_configs", {
                "api_url_file": url_file,
                "send_resolved": True,
                "title": _title(_SLACK_ESCAPES),
                "title_link": "",
                "text": _text(_SLACK_ESCAPES, strong="*"),
                "fallback": _title(_SLACK_ESCAPES),
            }
        case PagerDuty(key_file):
            return "pagerduty_configs", {
                "routing_key_file": key_file,
                "send_resolved": True,
                "description": _title(),
                "severity": '{{ or .CommonLabels.severity "error" }}',
                "class": "{{ .CommonLabels.insight }}",
                "component": "{{ .CommonLabels.agent_id }}",
                "group": "{{ .CommonLabels.publisher_id }}",
                "details": {"insights": _text()},
            }
        case Email(to):
            # Without HTML: its default links to servers that a publisher cannot reach.
            return "email_configs", {
                "to": to,
                "send_resolved": True,
                "headers": {"Subject": _title()},
                "html": "",
                "text": _text(),
            }


def _title(escapes: str = "") -> str:
    """Return the template of a line: the insight's own title, or how many there are."""
    return (
        "[{{ .Status | toUpper }}] "
        f"{{{{ if .CommonAnnotations.title }}}}{{{{ .CommonAnnotations.title{escapes} }}}}"
        "{{ else }}{{ len .Alerts }} insights"
        f"{{{{ with .CommonLabels.publisher_id }}}} of {{{{ .{escapes} }}}}{{{{ end }}}}"
        "{{ end }}"
    )


def _text(escapes: str = "", *, strong: str = "") -> str:
    """Return the template of what was found, the measured number, and what to do."""

    def note(name: str) -> str:
        return f"{{{{ .Annotations.{name}{escapes} }}}}"

    return (
        "{{ range .Alerts }}"
        f"{strong}{note('title')}{strong} ({{{{ .Status }}}}"
        "{{ with .Labels.severity }}, {{ . }}{{ end }})\n"
        f"{{{{ with .Labels.agent_id }}}}agent {{{{ .{escapes} }}}}: {{{{ end }}}}"
        f"{note('description')}\n"
        f"What to do: {note('recommendation')}\n"
        "{{ with .Annotations.runbook_url }}Runbook: {{ . }}\n{{ end }}"
        "\n{{ end }}"
    )

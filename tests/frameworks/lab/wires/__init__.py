"""How the providers' servers speak, each in a module: what was asked, and what is answered."""

from wires.anthropic import Anthropic
from wires.base import Asked, Reply, Wire
from wires.bedrock import Bedrock
from wires.cohere import Cohere
from wires.google import Google
from wires.ollama import Ollama
from wires.openai import Groq, Mistral, OpenAI

#: The last takes whatever no other does.
WIRES: tuple[Wire, ...] = (
    Anthropic(),
    Bedrock(),
    Cohere(),
    Google(),
    Groq(),
    Mistral(),
    Ollama(),
    OpenAI(),
)


def wire_of(path: str) -> Wire:
    """Return how the server of a path speaks."""
    return next(wire for wire in WIRES if wire.takes(path))


__all__ = ["WIRES", "Asked", "Reply", "Wire", "wire_of"]

"""dspy: its ReAct module is an agent."""

from lab import FAST

PACKAGES = [
    "dspy",
    "openinference-instrumentation-dspy",
    "opentelemetry-instrumentation-genai-dspy",
]


def _oi(lab):
    from openinference.instrumentation.dspy import DSPyInstrumentor

    DSPyInstrumentor().instrument(tracer_provider=lab.provider)


def _otel(lab):
    import opentelemetry.instrumentation.genai.dspy as m

    cls = next(
        getattr(m, n) for n in dir(m) if n.endswith("Instrumentor") and n != "BaseInstrumentor"
    )
    cls().instrument(tracer_provider=lab.provider)


def _oi_litellm(lab):
    from openinference.instrumentation.litellm import LiteLLMInstrumentor

    LiteLLMInstrumentor().instrument(tracer_provider=lab.provider)


INSTRUMENT = {"openinference": _oi, "otel-genai": _otel, "oi-litellm": _oi_litellm}


def run(lab):
    import dspy

    lab.api.plans = {FAST: []} if lab.scenario != "agent_error" else {FAST: ["error"]}
    turns = iter(["search", "calculator", "finish", "end"])

    def text():
        turn = next(turns, "end")
        if turn == "end":
            return "[[ ## reasoning ## ]]\nr\n\n[[ ## answer ## ]]\n4\n\n[[ ## completed ## ]]"
        args = {"search": '{"query": "q"}', "calculator": '{"expression": "2+2"}', "finish": "{}"}[
            turn
        ]
        parts = {"next_thought": "t", "next_tool_name": turn, "next_tool_args": args}
        said = "".join(f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in parts.items())
        return said + "[[ ## completed ## ]]"

    class Api(type(lab.api)):
        @property
        def answer(self):
            return text()

        @answer.setter
        def answer(self, value):
            pass

    lab.api.__class__ = Api

    def search(query: str) -> str:
        """Search."""
        return lab.search(query)

    def calculator(expression: str) -> str:
        """Calculate."""
        return lab.calculator(expression)

    dspy.configure(
        lm=dspy.LM(
            "openai/" + FAST, api_base=lab.api.base_url, api_key="x", num_retries=0, cache=False
        )
    )
    lab.also_named.append("dspy.ReAct")
    agent = dspy.ReAct("question -> answer", tools=[search, calculator])
    lab.attempt("ReAct", lambda: agent(question="2+2?"))
    if lab.agents[-1]["outcome"] == "ok":
        lab.called("finish")  # a tool of the framework: a call of it ends a run

#!/usr/bin/env python3
"""Talks to an appliance with the real `openai` package: lists models, completes, streams, holds to a
JSON schema, calls a tool and answers it, embeds, fails.

usage: openai_client.py URL CA_FILE MODEL    (the bearer token or API key in MILLWRIGHT_KEY)

The model may be one that says nonsense: what counts is the way there and back.
"""

import json
import math
import os
import ssl
import sys

import openai

SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["accept", "reject"]}, "sure": {"type": "boolean"}},
    "required": ["verdict", "sure"],
    "additionalProperties": False,
}

TOOL = {
    "type": "function",
    "function": {
        "name": "find_pump",
        "description": "Looks a pump up.",
        "parameters": {
            "type": "object",
            "properties": {"pump": {"enum": ["P-101", "P-102"]}},
            "required": ["pump"],
            "additionalProperties": False,
        },
    },
}

ASK = [
    {"role": "system", "content": "You answer from the plant."},
    {"role": "user", "content": "Which pump runs?"},
]


def models(client, model):
    names = [listed.id for listed in client.models.list()]
    for name in ["millwright", "millwright-light", model, "all-minilm-l6-v2"]:
        assert name in names, names


def completion(client, model):
    given = client.chat.completions.create(model=model, messages=ASK, max_tokens=12, seed=7)
    assert given.object == "chat.completion" and given.model == model, given
    assert given.choices[0].finish_reason in ("stop", "length"), given
    assert given.usage.total_tokens == given.usage.prompt_tokens + given.usage.completion_tokens
    again = client.chat.completions.create(model=model, messages=ASK, max_tokens=12, seed=7)
    assert again.choices[0].message.content == given.choices[0].message.content, "the seed counts"


def streamed(client, model):
    stream = client.chat.completions.create(
        model=model,
        messages=ASK,
        max_tokens=12,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    text, finish, usage = "", None, None
    for piece in stream:
        usage = piece.usage or usage
        for choice in piece.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    assert finish in ("stop", "length") and usage.completion_tokens > 0, (finish, usage)
    whole = client.chat.completions.create(
        model=model, messages=ASK, max_tokens=12, temperature=0
    )
    assert text == (whole.choices[0].message.content or ""), (text, whole)


def shaped(client, model):
    given = client.chat.completions.create(
        model=model,
        messages=ASK,
        max_tokens=200,
        temperature=1.5,
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "verdict", "strict": True, "schema": SCHEMA},
        },
    )
    verdict = json.loads(given.choices[0].message.content)
    assert verdict["verdict"] in ("accept", "reject") and isinstance(verdict["sure"], bool)


def tools(client, model):
    given = client.chat.completions.create(
        model=model, messages=ASK, max_tokens=100, tools=[TOOL], tool_choice="required"
    )
    assert given.choices[0].finish_reason == "tool_calls", given
    said = given.choices[0].message
    (call,) = said.tool_calls
    assert call.function.name == "find_pump"
    assert json.loads(call.function.arguments)["pump"] in ("P-101", "P-102")
    result = {"role": "tool", "tool_call_id": call.id, "content": "It runs."}
    back = [*ASK, said.model_dump(exclude_none=True), result]
    given = client.chat.completions.create(
        model=model, messages=back, max_tokens=12, tools=[TOOL], tool_choice="none"
    )
    assert given.choices[0].message.content is not None


def embeddings(client):
    texts = ["The pump runs.", "A crane lifts."]
    for encoding in ["float", "base64"]:
        given = client.embeddings.create(
            model="all-minilm-l6-v2", input=texts, encoding_format=encoding
        )
        assert [entry.index for entry in given.data] == [0, 1]
        if encoding == "float":
            length = math.sqrt(sum(number**2 for number in given.data[0].embedding))
            assert abs(length - 1) < 1e-3, length
    # What the package asks for by itself comes back as numbers.
    plain = client.embeddings.create(model="all-minilm-l6-v2", input="The pump runs.")
    assert len(plain.data[0].embedding) == 384 and plain.usage.prompt_tokens > 0


def documents(client):
    given = client.chat.completions.create(
        model="millwright", messages=[{"role": "user", "content": "What is the gap of P-7?"}]
    )
    own = given.model_extra["millwright"]
    assert "3 mm" in given.choices[0].message.content, given
    assert own["citations"][0]["page"] == 1 and own["receipt"]["audit_index"] > 0, own


def failures(client, model):
    for kind, arguments in [
        (openai.NotFoundError, {"model": "gpt-5"}),
        (openai.UnprocessableEntityError, {"n": 2}),
    ]:
        try:
            client.chat.completions.create(**{"model": model, "messages": ASK, **arguments})
        except kind as error:
            assert error.body["param"] in ("model", "n"), error.body
        else:
            raise AssertionError(f"{arguments} was not refused")
    stranger = client.with_options(api_key="mwk_nobody", max_retries=0)
    try:
        stranger.models.list()
    except openai.AuthenticationError:
        return
    raise AssertionError("a stranger was let in")


def main():
    url, authority, model = sys.argv[1:]
    trust = ssl.create_default_context(cafile=authority)
    client = openai.OpenAI(
        base_url=f"{url}/v1",
        api_key=os.environ["MILLWRIGHT_KEY"],
        http_client=openai.DefaultHttpxClient(verify=trust),
        max_retries=0,
        timeout=120,
    )
    models(client, model)
    completion(client, model)
    streamed(client, model)
    shaped(client, model)
    tools(client, model)
    embeddings(client)
    documents(client)
    failures(client, model)
    print(f"openai {openai.__version__}: models, completions, streams, shapes, tools, embeddings")


if __name__ == "__main__":
    main()

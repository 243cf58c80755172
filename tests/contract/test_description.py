"""What the OpenAPI document says is what is answered: every operation is called with generated data, fitting and unfitting.

Half of the calls name things that exist and are the caller's. EXAMPLES is the number of calls of each kind to each
operation, SEED plays others; `tests.prove` sets both.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import msgspec
import pytest
import pytest_asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.local.servers import Postgres, Valkey
from tests.api_process import api_process
from tests.conftest import Database, settings_for
from tests.people import NewCard, Phone, add_person

EXAMPLES = int(os.environ.get("EXAMPLES", "1"))
SEED = int(os.environ.get("SEED", "1"))
LONGEST_SHOWN = 400
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
LEFT_OUT = {
    "/v1/sessions/current": "it would sign the caller out",
    "/v1/stream": "it does not end",
    "/local/clock": "tokens would expire",
}


class Served(msgspec.Struct, frozen=True):
    """An API in a process of its own, somebody signed in there, and what is theirs, by the name of its parameter."""

    url: str
    headers: dict[str, str]
    document: dict[str, Any]
    theirs: dict[str, str]


@pytest_asyncio.fixture
async def served(
    fresh_database: Database, servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    process_settings = msgspec.structs.replace(
        settings_for(fresh_database, servers[1], "sepakat_api"), access_token_ttl_s=86_400
    )
    async with api_process(process_settings, tmp_path_factory.mktemp("api") / "api.log") as client:
        person = await add_person(fresh_database, NewCard(balance=1_000), NewCard(status="active", balance=2_000))
        phone, other = await Phone(client).enrol(person), await Phone(client, "Tablet").enrol(person)
        proposed = await phone.post("/v1/merges", {"absorb": [person.kpjs[0]], "into": person.kpjs[1]})
        theirs = {
            "card_id": str(person.cards[person.kpjs[0]].card_id),
            "merge_id": proposed.json()["id"],
            "device_id": other.device_id,
            "session_id": other.session["session_id"],
            "enrolment_id": (await phone.ask_enrolment(person)).json()["enrolment_id"],
            "seq": "1",
        }
        headers = {"authorization": f"Bearer {phone.session['access_token']}"}
        document = (await client.get("/openapi.json")).json()
        yield Served(str(client.base_url), headers, document, theirs)


def call_every_operation(served: Served) -> tuple[int, list[str]]:
    """How many calls were made, and each kind of answer that is not as described."""
    calls: Counter[str] = Counter()
    wrong: dict[str, str] = {}
    for found in schemathesis.openapi.from_dict(served.document).get_all_operations():
        operation = cast("Any", found).ok()
        if operation.path in LEFT_OUT:
            continue
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(SEED)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def call(case: Any) -> None:
                label = case.operation.label
                calls[label] += 1
                if calls[label] % 2:
                    case.path_parameters = {
                        name: served.theirs.get(name, value) for name, value in (case.path_parameters or {}).items()
                    }
                answer = case.call(base_url=served.url, headers=served.headers, timeout=30)
                try:
                    case.validate_response(answer, checks=CHECKS)
                except FailureGroup as group:
                    for failure in group.exceptions:
                        kind = f"{label} {answer.status_code}: {type(failure).__name__}"
                        wrong[kind] = f"{failure} {answer.content!r}"[:LONGEST_SHOWN]

            with suppress(Unsatisfiable):  # nothing can be sent that does not fit
                call()
    return calls.total(), [f"{kind}: {said}" for kind, said in sorted(wrong.items())]


@pytest.mark.timeout(3600)
async def test_every_operation_answers_as_it_is_described(served: Served) -> None:
    calls, wrong = await asyncio.to_thread(call_every_operation, served)
    sys.stdout.write(f"\n{calls} calls over the whole description")
    assert calls > 100 * min(EXAMPLES, 2)
    assert wrong == [], "\n".join(wrong)

"""Requests are computed off the event loop: small ones together, large ones in a process of their own."""

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator

import pytest

from serving.api.errors import Refused
from serving.compute import work
from serving.compute.compute import SMALL_CREATIVES, Answered, Compute
from serving.compute.work import RawFile, RawRequest
from serving.inference.loaded_model import LoadedModel, load_model
from serving.ledger.record import LedgerRecord
from serving.settings import Limits
from serving.upload.file_context import FileContext


def raw(content: object, *, endpoint: str = "predict", name: str = "r", seconds: float = 300.0) -> RawRequest:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    return RawRequest(endpoint, body, name, "anyone", time.monotonic() + seconds)


def several(creative: dict, count: int, **more) -> dict:
    return {"creatives": [{**creative, "creative_id": f"c{place}"} for place in range(count)], **more}


@pytest.fixture(scope="module")
def records() -> list:
    return []


@pytest.fixture(scope="module")
def compute(loaded: LoadedModel, records: list) -> Iterator[Compute]:
    async def record(one: LedgerRecord) -> dict[str, str]:
        records.append(one)
        return {"x-recorded": one.request_id}

    made = Compute(lambda: loaded, Limits(), record)
    yield made
    made.close()


def together(work: Callable[[], list[Coroutine]]) -> list:
    async def all_of_them() -> list:
        return await asyncio.gather(*work(), return_exceptions=True)

    return asyncio.run(all_of_them())


def content(answered: Answered) -> dict:
    found = json.loads(answered.content)
    found.pop("request_id")
    return found


def test_alone_and_in_company_an_answer_is_the_same_bit_for_bit(loaded, compute, one_creative, monkeypatch) -> None:
    bodies = [
        {"creatives": [one_creative]},
        {"creatives": [{**one_creative, "metrics": None}]},
        {"creatives": [one_creative], "explain": True, "top": 3},
        {"creatives": [{**one_creative, "tags": {"hook": "没见过"}}, {**one_creative, "creative_id": "other"}]},
        {"creatives": [one_creative], "explain": True},
        {"creatives": [one_creative]},
    ]
    ranked = several(one_creative, 3, top=1)
    alone = [together(lambda b=body: [compute.answer(raw(b))])[0] for body in bodies]
    alone += together(lambda: [compute.answer(raw(ranked, endpoint="rank"))])
    calls: list[int] = []
    real = work.predictions
    monkeypatch.setattr(work, "predictions", lambda m, c, **o: calls.append(len(c)) or real(m, c, **o))
    company = together(
        lambda: [*(compute.answer(raw(body)) for body in bodies), compute.answer(raw(ranked, endpoint="rank"))]
    )
    assert [content(one) for one in company] == [content(one) for one in alone]
    assert [one.content.split(b'"predictions"')[-1] for one in company] == [
        one.content.split(b'"predictions"')[-1] for one in alone
    ]
    assert sorted(calls) == [1, 1, 1, 4]  # the first came alone; then all that want the same at once


def test_an_explanation_lists_20_features_unless_the_request_says_how_many(compute, one_creative) -> None:
    def features(**more) -> list[dict]:
        body = {"creatives": [one_creative], "explain": True, **more}
        (answered,) = together(lambda: [compute.answer(raw(body))])
        return content(answered)["predictions"][0]["explanation"]["targets"]["gpm"]["features"]

    full = features(top=1000)
    assert len(full) > 20
    assert features() == features(top=None) == full[:20]
    assert features(top=2) == full[:2]


def test_those_who_were_answered_together_are_waited_for(compute, one_creative, monkeypatch) -> None:
    calls: list[int] = []
    real = work.predictions
    monkeypatch.setattr(work, "predictions", lambda m, c, **o: calls.append(len(c)) or real(m, c, **o))
    monkeypatch.setattr("serving.compute.compute.GATHER_SHARE", 1000.0)
    monkeypatch.setattr("serving.compute.compute.GATHER_SECONDS", 0.5)

    async def asks_three_times() -> None:
        for _ in range(3):
            await compute.answer(raw({"creatives": [one_creative]}))

    together(lambda: [asks_three_times() for _ in range(4)])
    assert calls == [1, 4, 4, 3]  # the first came alone; then all are together, until there are no four


def test_every_answer_is_recorded_with_its_own_rows(compute, records, one_creative) -> None:
    records.clear()
    bodies = [several({**one_creative, "account_id": f"acc{n}"}, n + 1) for n in range(4)]
    answers = together(lambda: [compute.answer(raw(body, name=f"r{n}")) for n, body in enumerate(bodies)])
    assert [one.headers for one in answers] == [{"x-recorded": f"r{n}"} for n in range(4)]
    for record in records:
        number = int(record.request_id[1:])
        assert [row.account_id for row in record.creatives] == [f"acc{number}"] * (number + 1)


def test_a_bad_request_fails_alone(compute, one_creative, monkeypatch) -> None:
    real = work.predictions

    def breaks(loaded, creatives, **options):
        if any(creative.creative_id == "poison" for creative in creatives):
            raise IndexError("no finite rate")
        return real(loaded, creatives, **options)

    monkeypatch.setattr(work, "predictions", breaks)
    good, poison = {"creatives": [one_creative]}, {"creatives": [{**one_creative, "creative_id": "poison"}]}
    bodies = [good, good, poison, b'{"creatives": [{}]}', b"\xff", good, {**good, "model_version": "no"}]
    found = together(lambda: [compute.answer(raw(body)) for body in bodies])
    assert [content(found[place]) for place in (1, 5)] == [content(found[0])] * 2
    assert isinstance(found[2], IndexError)
    assert [(type(found[place]), found[place].status) for place in (3, 4, 6)] == [
        (Refused, 400),
        (Refused, 400),
        (Refused, 409),
    ]


def test_large_requests_and_files_are_computed_in_their_own_process(compute, loaded, records, one_creative) -> None:
    records.clear()
    body = several(one_creative, SMALL_CREATIVES + 1, explain=True, top=2)
    (large,) = together(lambda: [compute.answer(raw(body, name="large"))])
    small = [
        together(lambda one=one: [compute.answer(raw({**body, "creatives": [one]}))])[0] for one in body["creatives"]
    ]
    assert content(large)["predictions"] == [content(one)["predictions"][0] for one in small]
    assert large.headers == {"x-recorded": "large"}
    assert len(records[0].creatives) == SMALL_CREATIVES + 1
    assert records[0].model.features == loaded.feature_names
    sheet = "素材ID,账户ID,推广方式,价格\nnew-1,acc0,推直播,99\n".encode("gbk")
    file = RawFile(sheet, FileContext("tags.csv"), "f", time.monotonic() + 300)
    (read,) = together(lambda: [compute.read(file)])
    assert json.loads(read)["creatives"][0]["creative"]["price_cny"] == 99.0
    assert compute._process.pid is not None


def test_the_process_gives_way_to_its_worker_and_ends_with_it_alone(compute, one_creative) -> None:
    together(lambda: [compute.answer(raw(several(one_creative, 30)))])
    pid = compute._process.pid
    assert pid is not None
    assert os.getsid(pid) == os.getsid(0)  # niceness counts within a session
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    together(lambda: [compute.answer(raw(several(one_creative, 30)))])
    assert compute._process.pid == pid


def test_names_written_with_escapes_do_not_hide_a_large_request(compute, one_creative) -> None:
    body = json.dumps(several({**one_creative, "metrics": None}, 40)).replace("creative_id", "creative\\u005fid")
    before = compute._process.pid
    assert body.count('"creative_id"') == 0
    (found,) = together(lambda: [compute.answer(raw(body.encode()))])
    assert len(content(found)["predictions"]) == 40
    assert compute._process.pid == before or before is None


def test_refusals_of_the_process_come_back_with_every_problem(compute, one_creative) -> None:
    body = several(one_creative, 30)
    body["creatives"][3]["price_cny"] = "x"
    body["creatives"][7]["acount_id"] = "a"
    (refused,) = together(lambda: [compute.answer(raw(body))])
    assert isinstance(refused, Refused)
    assert refused.status == 400
    assert [one.field for one in refused.problems] == ["creatives[3].price_cny", "creatives[7].acount_id"]
    file = RawFile(b"\0" * 100, FileContext("x.csv"), "f", time.monotonic() + 300)
    (refused,) = together(lambda: [compute.read(file)])
    assert refused.status == 422


def test_a_process_that_died_is_started_again(compute, one_creative) -> None:
    body = several(one_creative, 20)
    together(lambda: [compute.answer(raw(body))])
    first = compute._process.pid
    os.kill(first, signal.SIGKILL)
    (found,) = together(lambda: [compute.answer(raw(body))])
    if isinstance(found, Refused):  # it was not gone yet when the request was sent
        assert found.status == 503
        assert found.headers["retry-after"] == "1"
        (found,) = together(lambda: [compute.answer(raw(body))])
    assert len(content(found)["predictions"]) == 20
    assert compute._process.pid not in (first, None)


def test_a_request_that_takes_the_process_past_its_deadline_is_refused_and_the_next_answered(
    compute, one_creative
) -> None:
    together(lambda: [compute.answer(raw(several(one_creative, 20)))])
    stopped = compute._process.pid
    os.kill(stopped, signal.SIGSTOP)
    (refused,) = together(lambda: [compute.answer(raw(several(one_creative, 20), seconds=0.2))])
    assert (refused.status, compute._large_waiting, compute._large_bytes) == (504, 0, 0)
    end = time.monotonic() + 120
    while compute._process.pid in (stopped, None):  # the next one runs before anything asks for it
        assert time.monotonic() < end
        time.sleep(0.02)
    (found,) = together(lambda: [compute.answer(raw(several(one_creative, 20)))])
    assert len(content(found)["predictions"]) == 20


def test_the_process_follows_the_model_and_goes_on_where_a_bundle_is_gone(
    write_bundle, model, small_world, quick, one_creative, tmp_path
) -> None:
    place = write_bundle(tmp_path / "bundle", model, small_world, quick)
    current = [load_model(place)]
    compute = Compute(lambda: current[0], Limits())
    body = several(one_creative, 20)

    def version() -> str:
        return content(together(lambda: [compute.answer(raw(body))])[0])["model"]["version"]

    try:
        old = current[0].version
        assert version() == old
        write_bundle(place, model, small_world, quick, created_at="2026-06-01T00:00:00+00:00")
        assert version() == old  # the worker has not loaded it yet
        current[0] = load_model(place)
        assert version() == current[0].version != old
        (place / "priors.json").write_text("broken", encoding="utf-8")
        assert version() == current[0].version
    finally:
        compute.close()


def test_waiting_requests_are_bounded_and_given_up_after_their_deadline(loaded, one_creative) -> None:
    go_on = threading.Event()

    def slow_model() -> LoadedModel:
        assert go_on.wait(30)
        return loaded

    compute = Compute(slow_model, Limits(waiting=2))

    async def ask() -> list:
        body = {"creatives": [one_creative]}
        running = asyncio.create_task(compute.answer(raw(body)))
        await asyncio.sleep(0)
        waiting = [asyncio.create_task(compute.answer(raw(body, seconds=0.05))) for _ in range(2)]
        await asyncio.sleep(0)
        third = await asyncio.gather(compute.answer(raw(body)), return_exceptions=True)
        late = await asyncio.gather(*waiting, return_exceptions=True)
        assert not compute._waiting
        next_one = asyncio.create_task(compute.answer(raw(body)))
        await asyncio.sleep(0)
        go_on.set()
        return [*third, *late, await running, await next_one]

    *refused, first, last = asyncio.run(ask())
    assert [one.status for one in refused] == [503, 504, 504]
    assert content(first) == content(last)
    compute.close()


def test_large_bodies_that_wait_are_bounded_by_bytes(loaded, one_creative) -> None:
    compute = Compute(lambda: loaded, Limits(body_bytes=1024))
    (refused,) = together(lambda: [compute.answer(raw(several(one_creative, 20)))])
    assert refused.status == 503
    compute.close()


def test_a_body_that_needs_too_much_memory_is_refused_and_the_next_answered(loaded, one_creative) -> None:
    compute = Compute(lambda: loaded, Limits.model_construct(**{**Limits().model_dump(), "batch_memory_mb": 500}))
    hours = [{"period_start": "2026-05-08T09:00:00", "period_end": "2026-05-08T10:00:00"}] * 1000
    body = several({**one_creative, "metrics": hours}, 400)
    (refused,) = together(lambda: [compute.answer(raw(body))])
    assert refused.status == 413
    (found,) = together(lambda: [compute.answer(raw(several(one_creative, 20)))])
    assert len(content(found)["predictions"]) == 20
    compute.close()

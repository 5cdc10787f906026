"""What the service uses of BentoML without its documentation promising it: a test for each, for the day it changes."""

from serving.middleware.door import Door


def test_the_class_of_the_service_is_ours_and_its_application_stands_behind_the_door(service) -> None:
    made = service.module.SERVICE
    assert type(made) is service.module.ServiceBehindDoor
    assert service.app.user_middleware[0].cls is Door
    assert made.schema() is made.schema()  # made once
    assert service.ask("GET", "/schema.json").json()["routes"]


def test_readiness_asks_our_method_inside_the_context_of_its_request(service, monkeypatch) -> None:
    monkeypatch.setattr(service.instance, "_watcher", type("Empty", (), {"loaded": None}))
    refusal = service.ask("GET", "/readyz")
    assert (refusal.status_code, refusal.json()["error"]) == (503, "Not ready: no model is loaded.")
    monkeypatch.undo()
    assert service.ask("GET", "/readyz").status_code == 200

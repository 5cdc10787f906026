"""Does the speed benchmark run, on data of the shape it promises?"""

from benchmarks.features_speed import run, world


def test_every_step_is_told_with_its_seconds_and_memory(capsys) -> None:
    run(4000)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["snapshots", "observe", "describe", "all"]
    assert all(len(line.split()) == 4 for line in lines[2:6])
    assert "snapshots" in lines[-1]
    assert "features" in lines[-1]


def test_the_world_mixes_hours_and_days_and_few_creatives_have_most_of_the_volume() -> None:
    loaded = world(20_000)
    assert abs(len(loaded.metrics) - 20_000) < 2_000
    assert set(loaded.metrics["grain"]) == {"hour", "day"}
    each = loaded.metrics.groupby("creative_id")["impressions"].sum().sort_values(ascending=False)
    assert each.head(len(each) // 10).sum() > 0.6 * each.sum()

"""The asset of memberships on the real instance, and its schedule."""

import dagster as dg
import pytest

from assets.operations.memberships import memberships
from mentora_pipelines.adapters.postgres.memberships import PostgresMemberships
from mentora_pipelines.adapters.whop.memberships import WhopMemberships
from mentora_pipelines.domain.memberships.memberships import (
    MembershipListing,
    MembershipsOff,
)
from schedules.memberships import memberships_schedule
from tests.fix_runs import figures, retries
from tests.fix_whop import NewSeller
from tests.whop_server import WhopServer, membership, saying


def run(
    instance: dg.DagsterInstance, listing: MembershipListing, rows: PostgresMemberships
) -> dg.ExecuteInProcessResult:
    """One run of the asset."""
    return dg.materialize(
        [memberships],
        instance=instance,
        resources={"membership_listing": listing, "membership_rows": rows},
        raise_on_error=False,
    )


def test_an_hour_is_a_run_whose_figures_can_be_seen(
    instance: dg.DagsterInstance,
    whop: WhopMemberships,
    membership_rows: PostgresMemberships,
    whop_server: WhopServer,
    new_seller: NewSeller,
) -> None:
    """Else nobody sees whether memberships are followed."""
    new_seller()
    whop_server.memberships = [membership(1), membership(2), membership(3)]
    done = run(instance, whop, membership_rows)
    assert (
        figures(done, "memberships").items()
        >= {
            "shops": 1,
            "listed": 3,
            "written": 3,
            "closed": 0,
            "not listed, but there": 0,
            "without a user": 0,
            "not followed": 0,
        }.items()
    )


def test_a_shop_that_is_not_followed_shows(
    instance: dg.DagsterInstance,
    whop: WhopMemberships,
    membership_rows: PostgresMemberships,
    whop_server: WhopServer,
    new_seller: NewSeller,
) -> None:
    """Else memberships stand still for weeks, and every run is green."""
    seller = new_seller()
    whop_server.fault = saying(403, b'{"error": "apik_hunter2 eve@tests.example"}')
    done = run(instance, whop, membership_rows)
    assert not done.success
    assert retries(done) == [], "what is refused is refused an hour long"
    failed = done.failure_data_for_node("memberships")
    assert failed is not None
    assert failed.user_failure_data is not None
    told = failed.user_failure_data
    assert told.description == "1 shops were not followed"
    faults = {str(seller): "Whop: the key may not ask this (403)"}
    assert told.metadata["faults by creator"].value == faults
    assert "hunter" not in str(failed)
    assert "eve@" not in str(failed)


def test_without_a_key_nothing_is_asked_and_off_is_said(
    instance: dg.DagsterInstance,
    membership_rows: PostgresMemberships,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else every deployment without Whop has a red run, or a process, each hour."""
    done = run(instance, MembershipsOff(), membership_rows)
    assert figures(done, "memberships") == {
        "memberships": "off: WHOP_API_KEY is not set"
    }
    monkeypatch.delenv("WHOP_API_KEY", raising=False)
    ticked = memberships_schedule(dg.build_schedule_context())
    assert isinstance(ticked, dg.SkipReason)
    assert "WHOP_API_KEY" in str(ticked.skip_message)
    monkeypatch.setenv("WHOP_API_KEY", "apik_hunter2")
    assert isinstance(memberships_schedule(dg.build_schedule_context()), dg.RunRequest)


def test_a_failed_round_is_told_as_failed(
    instance: dg.DagsterInstance,
    whop: WhopMemberships,
    membership_rows: PostgresMemberships,
    whop_server: WhopServer,
    new_seller: NewSeller,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Else the log says done of a run that is red, and nobody is told."""
    new_seller()
    whop_server.fault = saying(403, b"{}")
    assert not run(instance, whop, membership_rows).success
    told = capsys.readouterr().err
    assert "step failed" in told
    assert "step done" not in told

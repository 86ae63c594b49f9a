"""Rows of the table of states (states.py) for the pages on which a tenant is set up, and those that say how it fares.

A row begins with the places that have the page, S a server and O an organization, and its path there; the lines below
it name a state and its test, and a state without a line cannot be.
"""

from __future__ import annotations

PLACES = {"S": "/org/{org}/servers/{server}", "O": "/org/{org}"}

TABLE = """
SO /domains
    nothing    test_without_a_domain_the_page_says_what_one_is
    failing    test_a_part_that_cannot_be_had_leaves_the_rest
    forbidden  test_a_viewer_is_offered_nothing_that_changes
    many       test_a_list_of_many_is_a_page_of_them
SO /domains/new
    forbidden  test_a_viewer_is_offered_nothing_that_changes
SO /domains/{domain}
    forbidden  test_a_viewer_is_offered_nothing_that_changes
    gone       test_somebody_of_elsewhere_finds_no_domain
SO /domains/{domain}/zone
    gone       test_somebody_of_elsewhere_finds_no_domain
SO /domains/{domain}/share
    gone       test_somebody_of_elsewhere_finds_no_domain
SO /domains/{domain}/remove
    failing    test_a_part_that_cannot_be_had_leaves_the_rest
    forbidden  test_a_viewer_is_offered_nothing_that_changes
    gone       test_a_domain_is_removed_after_a_page_that_says_what_that_means
S /tracking
    nothing    test_without_a_track_domain_the_page_says_what_one_is_for
    failing    test_domains_that_cannot_be_had_leave_the_list_of_names
    forbidden  test_a_viewer_sees_what_is_tracked_and_cannot_change_it
S /tracking/{name}
    forbidden  test_a_viewer_sees_what_is_tracked_and_cannot_change_it
    gone       test_a_track_domain_is_added_switched_and_removed
S /tracking/{name}/remove
    forbidden  test_a_viewer_sees_what_is_tracked_and_cannot_change_it
SO /suppressions
    nothing    test_nobody_is_suppressed_and_the_page_says_who_comes_here
    unfound    test_reasons_are_chips_and_an_address_is_looked_up
    failing    test_numbers_that_cannot_be_had_leave_the_list
    forbidden  test_a_viewer_changes_nothing
    many       test_ten_thousand_rows_are_small_pages
S /suppressions/import
    forbidden  test_a_viewer_changes_nothing
SO /suppressions/{address}
    nothing    test_an_address_is_suppressed_and_undo_takes_it_off
    failing    test_numbers_that_cannot_be_had_leave_the_list
    forbidden  test_a_viewer_changes_nothing
SO /suppressions/{address}/allow
    forbidden  test_a_viewer_changes_nothing
    gone       test_somebody_of_elsewhere_sees_no_suppression
S /keys
    nothing    test_without_a_key_the_page_says_what_one_is_for
    failing    test_connection_data_that_cannot_be_had_leave_the_keys
    forbidden  test_a_viewer_sees_names_and_nothing_to_change
    many       test_many_keys_are_a_page_of_them
S /keys/new
    forbidden  test_a_viewer_sees_names_and_nothing_to_change
S /keys/{id}
    forbidden  test_a_viewer_sees_names_and_nothing_to_change
    gone       test_revoking_says_whether_it_is_in_use
S /keys/{id}/revoke
    forbidden  test_a_viewer_sees_names_and_nothing_to_change
S /webhooks
    nothing    test_without_a_webhook_the_page_says_what_one_is
    failing    test_what_cannot_be_had_leaves_the_rest
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    many       test_many_webhooks_are_a_page_of_them
S /webhooks/new
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
S /webhooks/{id}
    unfound    test_deliveries_are_filtered
    failing    test_what_cannot_be_had_leaves_the_rest
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    gone       test_a_webhook_is_deleted_after_a_page_that_says_what_that_means
S /webhooks/{id}/edit
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    gone       test_a_webhook_is_deleted_after_a_page_that_says_what_that_means
S /webhooks/{id}/replay
    unfound    test_a_replay_is_counted_before_it_is_done
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    gone       test_a_webhook_is_deleted_after_a_page_that_says_what_that_means
S /webhooks/{id}/delete
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    gone       test_a_webhook_is_deleted_after_a_page_that_says_what_that_means
S /webhooks/{id}/deliveries/{delivery}
    forbidden  test_a_viewer_sees_deliveries_and_changes_nothing
    gone       test_a_webhook_is_deleted_after_a_page_that_says_what_that_means
S /routes
    nothing    test_without_a_route_the_page_says_what_one_does
    unfound    test_an_address_is_tried_and_nothing_is_sent
    failing    test_parts_that_cannot_be_had_leave_the_routes
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    many       test_many_routes_are_a_page_of_them
S /routes/new
    failing    test_parts_that_cannot_be_had_leave_the_routes
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
S /routes/{id}
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    gone       test_a_route_is_added_changed_and_deleted
S /routes/{id}/delete
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    gone       test_a_route_is_added_changed_and_deleted
S /endpoints
    nothing    test_without_a_route_the_page_says_what_one_does
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    many       test_many_routes_are_a_page_of_them
S /endpoints/new
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
S /endpoints/{id}
    failing    test_parts_that_cannot_be_had_leave_the_routes
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    gone       test_deleting_an_endpoint_asks_what_its_routes_shall_do
S /endpoints/{id}/edit
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    gone       test_deleting_an_endpoint_asks_what_its_routes_shall_do
S /endpoints/{id}/delete
    forbidden  test_a_viewer_sees_routes_and_changes_nothing
    gone       test_deleting_an_endpoint_asks_what_its_routes_shall_do
S /settings
    forbidden  test_a_viewer_has_no_settings
    failing    test_parts_that_cannot_be_had_leave_the_settings
    gone       test_a_server_is_deleted_by_typing_its_name
S /settings/mail
    forbidden  test_a_viewer_has_no_settings
S /settings/spam
    forbidden  test_a_viewer_has_no_settings
S /settings/limits
    forbidden  test_a_viewer_has_no_settings
S /settings/rates
    forbidden  test_a_viewer_has_no_settings
S /settings/retention
    failing    test_parts_that_cannot_be_had_leave_the_settings
    forbidden  test_a_viewer_has_no_settings
S /settings/delete
    forbidden  test_a_viewer_has_no_settings
S /settings/rules
    nothing    test_rules_are_added_and_removed
    forbidden  test_a_viewer_has_no_settings
    failing    test_parts_that_cannot_be_had_leave_the_settings
S /settings/rules/{id}/edit
    gone       test_rules_are_added_and_removed
    forbidden  test_a_viewer_has_no_settings
O /ip_rules/{id}/edit
    gone       test_rules_are_added_and_removed
    forbidden  test_a_viewer_has_no_settings
O /ip_rules
    nothing    test_rules_are_added_and_removed
    forbidden  test_a_viewer_has_no_settings
SO /settings/erase
    forbidden  test_a_viewer_has_no_settings
SO /settings/erase/{job}
    forbidden  test_a_viewer_has_no_settings
    gone       test_an_address_is_erased_after_a_count_and_once_more
SO /settings/erase/{job}/proof
    gone       test_an_address_is_erased_after_a_count_and_once_more
SO /audit
    nothing    test_before_anything_is_changed_the_log_says_so
    unfound    test_the_audit_log_says_who_changed_what
    failing    test_a_changed_log_is_told_with_the_entry
    forbidden  test_a_viewer_has_no_settings
    many       test_a_long_log_is_a_page_of_it
S /insights
    nothing    test_without_mail_a_sample_says_what_will_be_here
    unfound    test_a_filter_that_finds_nothing_can_be_removed
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
S /insights/tags
    nothing    test_without_mail_a_sample_says_what_will_be_here
    unfound    test_what_did_not_send_has_nothing_to_show
    many       test_many_groups_are_a_bounded_table
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
S /insights/domains
    nothing    test_without_mail_a_sample_says_what_will_be_here
    unfound    test_what_did_not_send_has_nothing_to_show
    many       test_many_groups_are_a_bounded_table
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
S /insights/receivers
    nothing    test_without_mail_a_sample_says_what_will_be_here
    unfound    test_what_did_not_send_has_nothing_to_show
    many       test_many_groups_are_a_bounded_table
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
S /insights/causes
    nothing    test_without_mail_a_sample_says_what_will_be_here
    unfound    test_a_filter_that_finds_nothing_can_be_removed
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
S /insights/causes/{cause}
    unfound    test_a_cause_says_who_and_what_and_what_helps
    failing    test_figures_that_cannot_be_had_say_so
    forbidden  test_who_may_look_may_look_and_others_not
O /operations
    nothing    test_an_organization_without_jobs_says_so
    forbidden  test_an_organization_without_jobs_says_so
O /operations/{id}
    gone       test_an_export_of_an_organization_has_its_page
S /streams
    forbidden  test_a_viewer_sees_streams_and_changes_none
"""


def lines(states: tuple[str, ...]) -> list[str]:
    """The rows as states.py writes them."""
    rows: list[str] = []
    tests: dict[str, str] = {}
    head: list[str] = []
    for line in [*TABLE.strip().splitlines(), "-"]:
        if line.startswith(" "):
            state, test = line.split()
            assert state in states
            tests[state] = test
            continue
        if head:
            told = " ".join(tests.get(state, "-") for state in states)
            rows += [f"{PLACES[place]}{head[1]} {told}" for place in head[0]]
        head, tests = line.split(), {}
    return rows

"""Rows of the table of states (states.py) for the pages of mail, below a server's address unless they begin with //.

The lines below a page name a state and its test, and a state without a line cannot be.
"""

from __future__ import annotations

SERVER = "/org/{org}/servers/{server}"

TABLE = """
/
    nothing    test_a_server_without_mail_points_to_the_first_steps
    failing    test_a_part_that_cannot_be_had_leaves_the_others
    forbidden  test_development_mode_says_where_mail_goes
/messages/outgoing
    nothing    test_nothing_yet_says_what_to_do
    unfound    test_nothing_found_is_another_text_and_offers_to_drop_the_last_filter
    failing    test_saved_searches_that_cannot_be_had_fail_alone
    forbidden  test_who_may_only_look_gets_no_form_that_changes_mail
    many       test_ten_thousand_rows_are_small_pages
/messages/incoming
    nothing    test_incoming_mail_has_its_list_and_spam_is_hidden
    unfound    test_nothing_found_is_another_text_and_offers_to_drop_the_last_filter
    failing    test_saved_searches_that_cannot_be_had_fail_alone
    forbidden  test_who_may_only_look_gets_no_form_that_changes_mail
    many       test_ten_thousand_rows_are_small_pages
/messages/searches/{id}
    forbidden  test_a_shared_search_is_changed_by_who_may_share
    gone       test_a_search_is_saved_found_again_and_removed
/messages/{id}
    failing    test_the_log_that_cannot_be_loaded_fails_alone
    forbidden  test_who_may_only_look_is_told_who_can_act
    gone       test_a_number_that_is_not_there_is_a_page_that_says_so
    many       test_many_attempts_that_end_alike_are_folded
/messages/{id}/preview
    nothing    test_without_text_and_attachments_it_is_said
    failing    test_content_that_cannot_be_loaded_says_so
    forbidden  test_who_may_not_read_content_is_told_so_and_sees_none
    gone       test_content_that_is_gone_says_so
/messages/{id}/headers
    failing    test_content_that_cannot_be_loaded_says_so
    forbidden  test_who_may_not_read_content_is_told_so_and_sees_none
    gone       test_content_that_is_gone_says_so
/messages/{id}/source
    failing    test_content_that_cannot_be_loaded_says_so
    forbidden  test_who_may_not_read_content_is_told_so_and_sees_none
    gone       test_content_that_is_gone_says_so
/messages/{id}/attachments
    nothing    test_without_text_and_attachments_it_is_said
    failing    test_content_that_cannot_be_loaded_says_so
    forbidden  test_who_may_not_read_content_is_told_so_and_sees_none
    gone       test_content_that_is_gone_says_so
/messages/{id}/spam
    nothing    test_spam_and_activity_say_when_there_is_nothing
    gone       test_a_tab_of_a_message_that_is_not_there_is_404
/messages/{id}/activity
    nothing    test_spam_and_activity_say_when_there_is_nothing
    gone       test_a_tab_of_a_message_that_is_not_there_is_404
/messages/{id}/cancel
    forbidden  test_who_may_only_look_cannot
    gone       test_a_number_that_is_not_there_is_404
/messages/{id}/bounce
    forbidden  test_who_may_only_look_cannot
    gone       test_a_number_that_is_not_there_is_404
/messages/{id}/resend
    forbidden  test_who_may_only_look_cannot
    gone       test_a_number_that_is_not_there_is_404
/messages/{id}/replay
    forbidden  test_who_may_only_look_cannot
    gone       test_a_number_that_is_not_there_is_404
/messages/{id}/reschedule
    forbidden  test_who_may_only_look_cannot
    gone       test_a_number_that_is_not_there_is_404
/messages/new
    nothing    test_without_a_domain_it_comes_from_the_installation
    failing    test_domains_that_cannot_be_had_are_said_to_be
    forbidden  test_who_may_only_look_cannot_send
/tail
    nothing    test_nothing_yet_says_since_when
    unfound    test_only_events_of_a_type
    many       test_many_events_are_a_bounded_page
/tail/rows
    nothing    test_what_happens_comes_as_rows_alone
    gone       test_a_cursor_that_has_ended_goes_on_from_now
/search
    nothing    test_nothing_found_offers_all_servers
    unfound    test_nothing_found_offers_all_servers
    failing    test_a_part_that_cannot_be_searched_is_said
//search
    nothing    test_all_servers_are_named_with_where_to_look
/queue
    nothing    test_an_empty_queue_says_when_the_last_message_left
    unfound    test_a_search_among_what_waits_that_finds_nothing
    failing    test_counts_that_cannot_be_had_fail_alone
    forbidden  test_who_may_only_look_sees_what_waits_and_no_verbs
    many       test_ten_thousand_rows_are_small_pages
/held
    nothing    test_an_empty_queue_says_when_the_last_message_left
    unfound    test_a_search_among_what_waits_that_finds_nothing
    failing    test_counts_that_cannot_be_had_fail_alone
    forbidden  test_who_may_only_look_sees_what_waits_and_no_verbs
    many       test_ten_thousand_rows_are_small_pages
/operations
    nothing    test_no_operations_yet_and_the_list_of_them
    forbidden  test_who_may_only_look_cannot_begin_one
/operations/new
    nothing    test_nothing_to_do_is_said_and_no_button_is_there
    unfound    test_a_search_that_cannot_be_read_leads_back_with_what_is_wrong
    failing    test_samples_that_cannot_be_had_fail_alone
    forbidden  test_who_may_only_look_cannot_begin_one
    many       test_cancelling_more_than_a_hundred_asks_for_the_number
/operations/{id}
    gone       test_an_operation_that_is_not_there_is_404
//view/{token}
    gone       test_a_view_is_of_nothing_at_any_other_host_nor_after_five_minutes
"""
# They show nothing by themselves: they lead on, or give a file.
LEAD_ON = frozenset(
    f"{SERVER}{path}"
    for path in ("/messages", "/messages/{id}/raw", "/messages/{id}/attachments/{index}")
)


def lines(states: tuple[str, ...]) -> list[str]:
    """The rows as states.py writes them."""
    rows: list[str] = []
    head, tests = "", dict.fromkeys(states, "-")
    for line in [*TABLE.strip().splitlines(), "-"]:
        if line.startswith(" "):
            state, test = line.split()
            assert state in states
            tests[state] = test
            continue
        if head:
            rows.append(" ".join([head, *tests.values()]))
        head = line[1:] if line.startswith("//") else SERVER + line.removesuffix("/")
        tests = dict.fromkeys(states, "-")
    return rows
